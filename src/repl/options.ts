/**
 * The options among the words of a command: `--sort size`, `--sort=size`, anywhere behind its name. Pure.
 *
 * Only a command that has options looks for them: elsewhere a word that begins with two dashes is a word. Behind `--` all are.
 */
import { Failure, orThrow } from "../base/failure.ts";
import { forTerminal } from "../base/text.ts";

export interface Option<T> {
  /** Without its dashes. */
  readonly name: string;
  /** What stands for its value in help. */
  readonly label: string;
  /** All values that there are, if they can be told. */
  readonly choices?: readonly string[];
  parse(text: string): T | Failure;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** Those that were not given are undefined. */
export type OptionValues<O extends Options> = {
  readonly [Key in keyof O]?: O[Key] extends Option<infer T> ? T : never;
};

export interface SplitOptions<O extends Options> {
  /** In their order, without options. */
  readonly words: readonly string[];
  readonly values: OptionValues<O>;
}

/** @throws Failure "usage" */
export function takeOptions<O extends Options>(
  command: string,
  options: O,
  words: readonly string[],
): SplitOptions<O> {
  const keys = Object.keys(options);
  if (keys.length === 0) return { words, values: {} };
  const end = words.indexOf("--");
  const looked = words.slice(0, end < 0 ? words.length : end);
  const plain: string[] = [];
  const values: Record<string, unknown> = {};
  for (let at = 0; at < looked.length; at++) {
    const word = looked[at] ?? "";
    if (!word.startsWith("--")) {
      plain.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const name = word.slice(2, equals < 0 ? undefined : equals).toLowerCase();
    const key = keys.find((each) => options[each]?.name === name);
    const option = key === undefined ? undefined : options[key];
    if (key === undefined || option === undefined) throw unknownOption(command, options, word);
    const value = equals < 0 ? looked[++at] : word.slice(equals + 1);
    if (value === undefined)
      throw new Failure("usage", `--${option.name} takes a value; write --${option.name} ${option.label}`);
    values[key] = orThrow(option.parse(value));
  }
  const rest = end < 0 ? [] : words.slice(end + 1);
  return { words: [...plain, ...rest], values: values as OptionValues<O> };
}

/** The words before one that is still being typed, seen without options. */
export interface OptionsSoFar {
  readonly words: readonly string[];
  /** Whose value the next word is. */
  readonly awaits: Option<unknown> | undefined;
  /** Whether the next word may be an option. */
  readonly isOpen: boolean;
}

/** Reads as `takeOptions` does, but nothing is a mistake here. */
export function optionsSoFar(options: readonly Option<unknown>[], words: readonly string[]): OptionsSoFar {
  if (options.length === 0) return { words, awaits: undefined, isOpen: false };
  const end = words.indexOf("--");
  const plain: string[] = [];
  let awaits: Option<unknown> | undefined;
  for (const word of words.slice(0, end < 0 ? words.length : end)) {
    if (awaits !== undefined) awaits = undefined;
    else if (word.startsWith("--")) awaits = options.find(({ name }) => `--${name}` === word.toLowerCase());
    else plain.push(word);
  }
  if (end < 0) return { words: plain, awaits, isOpen: true };
  return { words: [...plain, ...words.slice(end + 1)], awaits: undefined, isOpen: false };
}

/** As help shows it. */
export function optionSynopsis({ name, label }: Option<unknown>): string {
  return `[--${name} ${label}]`;
}

function unknownOption(command: string, options: Options, given: string): Failure {
  const all = Object.values(options).map(({ name }) => `--${name}`);
  return new Failure(
    "usage",
    `${command} has no option ${forTerminal(given.slice(0, 40))}; it takes ${all.join(" and ")}`,
  );
}
