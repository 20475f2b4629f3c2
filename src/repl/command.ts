/**
 * What a command of the prompt is, and how one is made of typed arguments and the client's method behind it.
 *
 * A command gives back its reply as lines and as values, and prints nothing; what goes wrong is thrown as a Failure. The number and the
 * form of its arguments are checked here, before it runs.
 */
import type { Clock } from "../base/clock.ts";
import { Failure, orThrow } from "../base/failure.ts";
import { parseFileName, parseGroupName, parsePassword, parseUserName, refuseSuffix } from "../base/ids.ts";
import type { ClientIntents, HashProgress } from "../client/views.ts";
import { type Option, type Options, type OptionValues, optionSynopsis, takeOptions } from "./options.ts";
import type { Fields } from "./said.ts";

/** What a command may use. */
export interface CommandContext {
  readonly client: ClientIntents;
  readonly clock: Pick<Clock, "nowMs">;
  /** What is at the path, as it was typed. */
  readonly kindOf: (path: string) => Promise<PathKind>;
  /** Asks on the terminal without echo; gives undefined if the user thinks better of it. Absent without a terminal. */
  readonly askHidden: ((question: string) => Promise<string | undefined>) | undefined;
  readonly progress: (at: HashProgress) => void;
  /** Aborted when the person does not wait for it any longer. */
  readonly signal: AbortSignal;
  /** Of the screen that the reply goes to; undefined if it goes to none. */
  readonly columns: number | undefined;
  /** What is to be said besides the reply, and after it. */
  readonly note: (line: string) => void;
  /** As `note`, but only to a person. */
  readonly hint: (line: string) => void;
  /** Notes which files nobody else has online, before they go with this user. */
  readonly lastCopies: () => Promise<void>;
  /** What went wrong where other things went well: an error line after the reply, of whose result it is a part. */
  readonly fault: (line: string) => void;
}

export type PathKind = "file" | "folder" | "named pipe" | "socket" | "device" | "nothing";

/** What a command comes to, in both forms. */
export interface Answer {
  /** For standard output. */
  readonly lines: readonly string[];
  /** The same as values, for programs. */
  readonly result: Fields;
  /** Whether it is what was asked for, and no mere confirmation. */
  readonly isData: boolean;
}

/** `leave` ends the program. */
export type Reply = Answer | "leave";

/** It was done, of which the line tells. */
export function done(line: string, result: Fields): Answer {
  return { lines: [line], result, isData: false };
}

/** It was asked for to be read. */
export function shown(lines: readonly string[], result: Fields): Answer {
  return { lines, result, isData: true };
}

/** Done for many files. What failed of them was asked for to be read. */
export function doneForMany(line: string, result: Fields & { readonly failed: readonly Fields[] }): Answer {
  return { lines: [line], result, isData: result.failed.length > 0 };
}

/** Of what an argument is, seen from whoever types it. `completer.ts` knows where each is to be had. */
export type Offer =
  | "command"
  | "group" // where this user is a member
  | "own group"
  | "other group" // where this user is not
  | "left group" // that can be left: member, or requested
  | "member"
  | "requester"
  | "file"
  | "share" // from this machine
  | "download"
  | "path"
  | "folder"
  | "direction";

export const TOPICS = ["Account", "Groups", "Files", "Downloads", "Program"] as const;
export type Topic = (typeof TOPICS)[number];

export interface Command {
  readonly name: string;
  readonly topic: Topic;
  /** The arguments as help shows them. */
  readonly synopsis: string;
  readonly summary: string;
  readonly example: string;
  /** What may be given besides the arguments. */
  readonly options: readonly Option<unknown>[];
  /** Its reply may be longer than the screen, and is then shown a screen at a time to a person. */
  readonly isLong: boolean;
  /** Events that come while it runs are shown after its reply, which they follow from. */
  readonly holdsEvents: boolean;
  /** What is said when the person does not wait for its end: what goes on. */
  readonly givenUp: string;
  /** Index of the first argument that is a password; infinite if none is. */
  readonly passwordAt: number;
  /** Arguments that may not be left out. */
  readonly needs: number;
  /** What Tab offers for each argument. */
  readonly offers: readonly (Offer | undefined)[];
  /** The last argument may be given many times. */
  readonly repeatsLast: boolean;
  /** @throws Failure */
  run(context: CommandContext, words: readonly string[]): Promise<Reply>;
}

export interface Argument<T> {
  readonly label: string;
  parse(text: string): T | Failure;
  /** May be left out; then its value is undefined. Only after all that may not. */
  readonly optional?: true;
  /** Takes all words that are left, as one with blanks between. Only the last. */
  readonly takesRest?: true;
  /** In place of `parse`, of the last one: each word behind is one more of them. */
  readonly parseWords?: (words: readonly string[]) => T | Failure;
  readonly isPassword?: true;
  /** What Tab offers for it. */
  readonly offer?: Offer;
}

type Values<A extends readonly Argument<unknown>[]> = {
  [At in keyof A]: A[At] extends Argument<infer T> ? T : never;
};

export interface CommandSpec<A extends readonly Argument<unknown>[], O extends Options> {
  readonly name: string;
  readonly topic: Topic;
  readonly args: A;
  readonly options?: O;
  readonly summary: string;
  readonly example: string;
  readonly holdsEvents?: true;
  readonly isLong?: true;
  readonly givenUp?: string;
  run(context: CommandContext, ...values: [...Values<A>, OptionValues<O>]): Promise<Reply>;
}

export function command<
  const A extends readonly Argument<unknown>[],
  const O extends Options = Record<never, never>,
>(spec: CommandSpec<A, O>): Command {
  const options = spec.options ?? ({} as O);
  const optionsShown = Object.values(options).map(optionSynopsis);
  return {
    name: spec.name,
    topic: spec.topic,
    synopsis: [synopsisOf(spec.args), ...optionsShown].join(" "),
    summary: spec.summary,
    example: spec.example,
    options: Object.values(options),
    isLong: spec.isLong ?? false,
    holdsEvents: spec.holdsEvents ?? false,
    givenUp: spec.givenUp ?? `No longer waiting for ${spec.name}: it may be carried out all the same`,
    passwordAt: passwordAt(spec.args),
    needs: leastOf(spec.args),
    offers: spec.args.map(({ offer }) => offer),
    repeatsLast: spec.args.at(-1)?.parseWords !== undefined,
    async run(context, words) {
      const given = takeOptions(spec.name, options, words);
      const values = parseAll(spec.name, spec.args, given.words) as Values<A>;
      return spec.run(context, ...values, given.values);
    },
  };
}

function leastOf(args: readonly Argument<unknown>[]): number {
  return args.filter(({ optional }) => !optional).length;
}

function passwordAt(args: readonly Argument<unknown>[]): number {
  const index = args.findIndex(({ isPassword }) => isPassword);
  return index < 0 ? Number.POSITIVE_INFINITY : index;
}

function parseAll(name: string, args: readonly Argument<unknown>[], words: readonly string[]): unknown[] {
  const least = leastOf(args);
  const last = args.at(-1);
  const most = last?.takesRest || last?.parseWords ? Number.POSITIVE_INFINITY : args.length;
  if (words.length < least || words.length > most) throw wrongCount(name, args, words.length);
  return args.map((argument, index) => {
    if (index >= words.length) return undefined;
    if (argument.parseWords !== undefined) return orThrow(argument.parseWords(words.slice(index)));
    const text = argument.takesRest ? words.slice(index).join(" ") : words[index];
    return orThrow(argument.parse(text ?? ""));
  });
}

/** `download_file takes <group_id> <file_name> <destination_path>; got 2, needs 3` */
export function wrongCount(name: string, args: readonly Argument<unknown>[], got: number): Failure {
  if (args.length === 0) return new Failure("usage", `${name} takes no arguments; got ${got}`);
  const least = leastOf(args);
  const exact = least === args.length ? `${least}` : `${least} or ${args.length}`;
  const needs = args.at(-1)?.parseWords === undefined ? exact : `${least} or more`;
  const hint = got > args.length ? "; put a word that holds blanks between quotes" : "";
  return new Failure("usage", `${name} takes ${synopsisOf(args)}; got ${got}, needs ${needs}${hint}`);
}

function synopsisOf(args: readonly Argument<unknown>[]): string {
  return args.map(({ label, optional }) => (optional ? `[${label}]` : label)).join(" ");
}

export function optional<T>(argument: Argument<T>): Argument<T | undefined> {
  return { ...argument, optional: true };
}

/** A word that is checked later or by nobody. */
export function word(label: string): Argument<string> {
  return {
    label,
    parse: (text) => (text.trim() === "" ? new Failure("usage", `${label} is empty`) : text),
  };
}

export const userId = { label: "<user_id>", parse: parseUserName };
export const newUserId = { label: "<user_id>", parse: (text: string) => refuseSuffix(parseUserName(text)) };
export const groupId = { label: "<group_id>", parse: parseGroupName, offer: "group" } as const;
export const newGroupId = {
  label: "<group_id>",
  parse: (text: string) => refuseSuffix(parseGroupName(text)),
};
export const fileName = { label: "<file_name>", parse: parseFileName };

export function offering<T>(argument: Argument<T>, offer: Offer): Argument<T> {
  return { ...argument, offer };
}

/** One file, all of a folder (`runs/`), or what a pattern means. */
export const fileNames = {
  label: "<file_name>",
  parse: (text: string): string | Failure => {
    const isFolder = text.length > 1 && text.endsWith("/");
    const name = parseFileName(isFolder ? text.slice(0, -1) : text);
    return name instanceof Failure || !isFolder ? name : `${name}/`;
  },
};

/** One or more of what `argument` is. */
export function several<T>(argument: Argument<T>): Argument<readonly T[]> {
  const { label, offer } = argument;
  const parseWords = (words: readonly string[]) => {
    const values: T[] = [];
    for (const word of words) {
      const value = argument.parse(word);
      if (value instanceof Failure) return value;
      values.push(value);
    }
    return values;
  };
  const parse = (text: string) => parseWords([text]);
  return { label: `${label}...`, parse, parseWords, ...(offer === undefined ? {} : { offer }) };
}

export const passwd = { label: "<passwd>", parse: parsePassword, isPassword: true } as const;
