/**
 * Which messages of errors occurred in a run of the tests, and which never did. Pure.
 *
 * A message is seen when a `Failure` with such a text was made at the very place that the list has it from; words that are handed
 * on from there, when they occurred in any. One that no test can provoke stands in a table, with its reason, and only as long as
 * that is so.
 */
import type { ProgramMessage } from "./program-messages.ts";

/** A `Failure` of which it is known where it was made. */
export interface MadeMessage {
  /** From `src`, with `/`. */
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface Unprovoked {
  readonly file: string;
  /** As in the list. */
  readonly text: string;
  readonly reason: string;
}

export interface MessageFault {
  /** The file, and the line if there is one. */
  readonly place: string;
  readonly text: string;
  readonly fault: string;
}

const NEVER_SEEN = "no test provokes it";
const SEEN_AFTER_ALL = "a test provokes it: take it out of src/testing/unprovoked-messages.ts";
const NO_SUCH_MESSAGE = "there is no such message: take it out of src/testing/unprovoked-messages.ts";

export function messageFaults(
  listed: readonly ProgramMessage[],
  made: readonly MadeMessage[],
  unprovoked: readonly Unprovoked[],
): MessageFault[] {
  const textsMade = Map.groupBy(made, placeOf);
  const isSeen = (message: ProgramMessage) => {
    if (message.isHandedOn) return made.some(({ text }) => fits(text, ["", ...message.literals, ""]));
    return textsMade.get(placeOf(message))?.some(({ text }) => fits(text, message.literals)) === true;
  };
  const excuseOf = (message: ProgramMessage) => unprovoked.find((each) => isSame(each, message));
  const missed = listed.filter((message) => !isSeen(message) && excuseOf(message) === undefined);
  return [
    ...missed.map((message) => ({ place: placeOf(message), text: message.text, fault: NEVER_SEEN })),
    ...unprovoked.flatMap((excuse) => {
      const meant = listed.filter((message) => isSame(excuse, message));
      const fault = meant.length === 0 ? NO_SUCH_MESSAGE : SEEN_AFTER_ALL;
      return meant.every(isSeen) ? [{ place: excuse.file, text: excuse.text, fault }] : [];
    }),
  ];
}

function placeOf({ file, line }: Pick<MadeMessage, "file" | "line">): string {
  return `${file}:${line}`;
}

function isSame(excuse: Unprovoked, { file, text }: ProgramMessage): boolean {
  return excuse.file === file && excuse.text === text;
}

/** Whether the text is the literals with something in between: a search from the left finds a way if there is one. */
function fits(text: string, literals: readonly string[]): boolean {
  const [first = "", ...others] = literals;
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const literal of others) {
    const found = text.indexOf(literal, at);
    if (found < 0) return false;
    at = found + literal.length;
  }
  return at <= text.length - last.length;
}
