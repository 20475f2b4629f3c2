/**
 * Which messages of errors occurred in a run of the tests, and which never did. Pure.
 *
 * A message is seen when a `Failure` with such a text was made in the file that the list has it from; of several that a text fits
 * it is the one that says most of it. A message that no test can provoke stands in a table, with its reason, and only as long as
 * that is so.
 */
import type { ProgramMessage } from "./program-messages.ts";

/** A `Failure` of which it is known who made it. */
export interface MadeMessage {
  /** From `src`, with `/`. */
  readonly file: string;
  readonly text: string;
}

export interface Unprovoked {
  readonly file: string;
  /** As in the list. */
  readonly text: string;
  readonly reason: string;
}

export interface MessageFault {
  readonly file: string;
  readonly text: string;
  readonly fault: string;
}

const NEVER_SEEN = "no test provokes it";
const SEEN_AFTER_ALL = "a test provokes it: take it out of src/testing/unprovoked-messages.ts";
const NO_SUCH_MESSAGE = "there is no such message: take it out of src/testing/unprovoked-messages.ts";

/** Each message once, in the order of the list. */
export function messageFaults(
  listed: readonly ProgramMessage[],
  made: readonly MadeMessage[],
  unprovoked: readonly Unprovoked[],
): MessageFault[] {
  const seen = seenKeys(listed, made);
  const all = new Map(listed.map(({ file, text }) => [keyOf({ file, text }), { file, text }]));
  const excused = new Set(unprovoked.map(keyOf));
  const missed = [...all].filter(([key]) => !seen.has(key) && !excused.has(key));
  const wrong = unprovoked.filter((each) => !all.has(keyOf(each)) || seen.has(keyOf(each)));
  return [
    ...missed.map(([, message]) => ({ ...message, fault: NEVER_SEEN })),
    ...wrong.map(({ file, text }) => {
      const fault = all.has(keyOf({ file, text })) ? SEEN_AFTER_ALL : NO_SUCH_MESSAGE;
      return { file, text, fault };
    }),
  ];
}

function seenKeys(listed: readonly ProgramMessage[], made: readonly MadeMessage[]): Set<string> {
  const seen = new Set<string>();
  const ofFiles = Map.groupBy(listed, ({ file }) => file);
  for (const { file, text } of made) {
    const fitting = (ofFiles.get(file) ?? []).filter(({ literals }) => fits(text, literals));
    const [best] = fitting.toSorted((a, b) => said(b) - said(a));
    if (best !== undefined) seen.add(keyOf(best));
  }
  return seen;
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

function said({ literals }: ProgramMessage): number {
  return literals.join("").length;
}

function keyOf({ file, text }: { readonly file: string; readonly text: string }): string {
  return `${file} ${text}`;
}
