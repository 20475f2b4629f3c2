/**
 * What Tab makes of the word before the cursor, given what it may become. Pure.
 *
 * One choice is put in whole, with the blank that ends it; of several what they have in common. Where that is no more
 * than was typed, the choices are there to be shown.
 */
import type { Completion } from "./contract.ts";
import { type WordAtCursor, written } from "./word-at-cursor.ts";

export interface Choice {
  /** The whole word. */
  readonly word: string;
  /** As it is listed; the word if absent. */
  readonly shown?: string;
  /** More of it may follow: a folder. */
  readonly open?: boolean;
}

/** @param choices all that there are, also those that do not begin so */
export function completion(
  word: WordAtCursor,
  choices: readonly Choice[],
  windows: boolean,
): Completion | undefined {
  const exact = choices.filter((choice) => choice.word.startsWith(word.text));
  const fitting = exact.length > 0 ? exact : choices.filter((choice) => startsAlike(choice.word, word.text));
  const [first] = fitting;
  if (first === undefined) return undefined;
  const { start, raw, text } = word;
  if (fitting.length === 1)
    return { start, text: written(first.word, word, first.open !== true, windows), choices: [] };
  const common = commonStart(fitting.map((choice) => choice.word));
  const shown = fitting.map((choice) => choice.shown ?? choice.word).sort(byName);
  // What was typed stays as it was typed, quotes and all, if there is nothing to add.
  const isMore = common.length > text.length;
  return { start, text: isMore ? written(common, word, false, windows) : raw, choices: shown };
}

function startsAlike(word: string, start: string): boolean {
  return word.normalize("NFC").toLowerCase().startsWith(start.normalize("NFC").toLowerCase());
}

function byName(left: string, right: string): number {
  return left < right ? -1 : 1;
}

function commonStart([first = "", ...others]: readonly string[]): string {
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length--;
  // Not within a character.
  return first.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
}
