/** Rates as people write them: `500K`, `2.5 MiB/s`, `800 kbit/s`, `off`. */
import { Failure } from "./failure.ts";
import { RATE_BYTES_PER_SECOND_MAX, RATE_BYTES_PER_SECOND_MIN } from "./limits.ts";
import { formatBytes, forTerminal } from "./text.ts";

const FORM = /^(\d{1,12}(?:[.,]\d{1,6})?)\s*(?:([kmgt])(i)?)?\s*(bps|bits?|bytes?|b)?\s*(?:\/\s*s|\s*ps)?$/i;
const POWERS: readonly string[] = ["k", "m", "g", "t"];
const NO_LIMIT = new Set(["off", "none", "unlimited", "no"]);

/**
 * A plain number is bytes, a unit of one letter is a power of 1024 as it is shown here, and bits count by thousands as
 * network lines are sold.
 * @returns bytes a second; undefined: no limit
 */
export function parseRate(text: string): number | undefined | Failure {
  const word = text.trim().toLowerCase();
  if (NO_LIMIT.has(word)) return undefined;
  const found = FORM.exec(word);
  if (found === null)
    return new Failure(
      "usage",
      `not a rate: ${forTerminal(text.slice(0, 40))}; write 500K, 2.5M, 20mbit or off`,
    );
  const [, number = "", letter, , kind = ""] = found;
  const isBits = kind.startsWith("bit") || kind === "bps";
  const power = letter === undefined ? 0 : 1 + POWERS.indexOf(letter);
  const bytes = (Number(number.replace(",", ".")) * (isBits ? 1000 : 1024) ** power) / (isBits ? 8 : 1);
  if (bytes < RATE_BYTES_PER_SECOND_MIN || bytes > RATE_BYTES_PER_SECOND_MAX)
    return new Failure(
      "usage",
      `a limit is from ${formatRate(RATE_BYTES_PER_SECOND_MIN)} to ${formatRate(RATE_BYTES_PER_SECOND_MAX)}, or off; got ${forTerminal(text.slice(0, 40))}`,
    );
  return Math.round(bytes);
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}
