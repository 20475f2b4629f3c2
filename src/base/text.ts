/**
 * Text that came from elsewhere: what is dropped from pasted input, what a name may hold, what may reach a terminal.
 *
 * Invariant: whatever `forTerminal` returns moves no cursor, changes no colour and reverses no line.
 */

/** Zero-width characters that a copy from a web page or chat brings along: nobody types them on purpose. */
const ZERO_WIDTH = /[\u200B-\u200D\u2060\uFEFF\u00AD]/gu;
/** Any space that is not the plain one, as it comes from word processors. */
const ODD_SPACE = /[\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]/gu;
/** C0 and C1 controls, line and paragraph separators. */
const CONTROL = /[\u0000-\u001F\u007F-\u009F\u2028\u2029]/u;
/** Marks, embeddings, overrides and isolates of the Unicode bidirectional algorithm (UAX 9). */
const BIDIRECTIONAL = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;
const UNSAFE_ON_TERMINAL =
  /[\u0000-\u001F\u007F-\u009F\u2028\u2029\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF\uD800-\uDFFF]/gu;

/** A line as the user meant it: zero-width characters dropped, every kind of space a plain one. */
export function cleanPasted(line: string): string {
  return line.replace(ZERO_WIDTH, "").replace(ODD_SPACE, " ");
}

/** What makes a name unfit to be shown or compared, in words for a message; undefined if nothing does. */
export function unfitForName(text: string): string | undefined {
  if (CONTROL.test(text)) return "a control character";
  if (BIDIRECTIONAL.test(text)) return "a character that changes the direction of text";
  if (text.replace(ZERO_WIDTH, "") !== text) return "an invisible character";
  if (LONE_SURROGATE.test(text)) return "half of a character";
  return undefined;
}

/** `text` with everything that a terminal would act on spelled out as `\u{...}`. */
export function forTerminal(text: string): string {
  return text.replace(UNSAFE_ON_TERMINAL, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A value as one line of JSON that is the same value still and as harmless on a terminal as `forTerminal` makes a text. */
export function jsonLine(value: unknown): string {
  const escaped = (found: string) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(UNSAFE_ON_TERMINAL, escaped);
}

/** Of a line that is no command, what may be shown: how it begins, since a password may follow. */
export function unknownName(line: string): string {
  const [name = ""] = line.split(/[\s'":=,;|/\\]/, 1);
  return forTerminal(name.slice(0, 40));
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** 0 B, 1023 B, 1.5 KiB, 12.3 MiB ...: binary units, three significant digits at most. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1 && (unit > 0 || value >= 1024)) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`;
}

/** 0s, 59s, 1m05s, 2h03m: two units at most. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${pad(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${pad(Math.floor((whole % 3600) / 60))}m`;
}

/** `1 file`, `2 files`. */
export function count(amount: number, singular: string, plural = `${singular}s`): string {
  return `${amount} ${amount === 1 ? singular : plural}`;
}

/** Edits (insert, delete, replace, swap of neighbours) between two words: optimal string alignment, O(n m). */
export function editDistance(left: string, right: string): number {
  const rows = Array.from({ length: left.length + 1 }, (_, row) => {
    const line = new Array<number>(right.length + 1).fill(0);
    line[0] = row;
    return line;
  });
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let column = 0; column <= right.length; column++) (rows[0] as number[])[column] = column;
  for (let row = 1; row <= left.length; row++) {
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1),
      );
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && swapped) best = Math.min(best, at(row - 2, column - 2) + 1);
      (rows[row] as number[])[column] = best;
    }
  }
  return at(left.length, right.length);
}

/** The candidate nearest to `word`, if it is near enough to have been meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    // So many edits are needed at least; without looking, since a word may be as long as a line.
    if (Math.abs(word.length - candidate.length) >= bestDistance) continue;
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
