/**
 * What citty has parsed, held against what the command takes: citty itself lets surplus words and unknown options pass,
 * and an option without its value.
 */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import * as v from "valibot";
import { Failure } from "../base/failure.ts";
import { parseRate } from "../base/rate-text.ts";
import { forTerminal } from "../base/text.ts";
import { EXAMPLES } from "./examples.ts";

/** What a command takes. */
export interface CommandForm {
  /** As it is written, `p2p client`. */
  readonly name: string;
  /** Names of the words, all needed. */
  readonly words: readonly string[];
  /** Names of the options that take a folder. */
  readonly folders: readonly string[];
  /** Names of the options that take a rate. */
  readonly rates?: readonly string[];
  /** Names of the options that take the number of a tracker. */
  readonly numbers?: readonly string[];
  /** Names of the options that are there or not. */
  readonly switches: readonly string[];
  /** Options that take a text and may be repeated. */
  readonly texts?: readonly TextOption[];
  /** Names of words behind the others that may be left out. */
  readonly mayFollow?: readonly string[];
}

interface TextOption {
  readonly name: string;
  /** The one letter that also stands for it. */
  readonly letter: string;
}

export interface CommandLine {
  /** As many as the form has, and those that followed. */
  readonly words: readonly string[];
  readonly folders: ReadonlyMap<string, string>;
  /** Bytes a second of those given; undefined: `off`. */
  readonly rates: ReadonlyMap<string, number | undefined>;
  /** As written: whether there is such a tracker is the list's to say. */
  readonly numbers: ReadonlyMap<string, string>;
  readonly switches: ReadonlySet<string>;
  /** As often as each was given, in order; no entry for one that was not. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

/** Of an option: what begins with a dash is the next one. */
const value = v.pipe(v.string(), v.regex(/^[^-]/));

/**
 * @param raw the words before citty read them, if the form has texts: of an option that is repeated citty keeps the last
 * @throws Failure "usage"
 */
export function readCommandLine(
  form: CommandForm,
  parsed: { readonly _: readonly string[] },
  raw: readonly string[] = [],
): CommandLine {
  const options = new Map<string, unknown>(
    Object.entries(parsed).filter(([name, value]) => name !== "_" && value !== undefined),
  );
  refuseUnknown(form, [...options.keys()]);
  refuseWrongCount(form, parsed._.length);
  return {
    words: parsed._,
    folders: readValues(form.folders, "folder", options),
    rates: readRates(form, options),
    numbers: readValues(form.numbers ?? [], "number", options),
    switches: new Set(form.switches.filter((name) => options.get(name) === true)),
    texts: readTexts(form, raw),
  };
}

/** @param what such an option takes, in a word */
function readValues(
  names: readonly string[],
  what: string,
  options: ReadonlyMap<string, unknown>,
): Map<string, string> {
  const read = new Map<string, string>();
  for (const name of names.filter((each) => options.has(each))) {
    const found = v.safeParse(value, options.get(name));
    if (!found.success) throw usage(`--${name} takes a ${what}; write --${name} <${what}>`);
    read.set(name, found.output);
  }
  return read;
}

function refuseWrongCount({ name, words, mayFollow = [] }: CommandForm, got: number): void {
  if (got >= words.length && got <= words.length + mayFollow.length) return;
  const takes = [...words.map((word) => `<${word}>`), ...mayFollow.map((word) => `[<${word}>]`)].join(" ");
  const needs = mayFollow.length === 0 ? `${words.length}` : `${words.length} or ${words.length + 1}`;
  throw usage(`${name} takes ${takes}; got ${got}, needs ${needs}${exampleOf(name)}`);
}

function exampleOf(name: string): string {
  const [example] = EXAMPLES.get(name.replace(/^\S+ /, "")) ?? [];
  return example === undefined ? "" : `, for example ${example}`;
}

/** Read as citty reads them, since it reads with the same parser. */
function readTexts(form: CommandForm, raw: readonly string[]) {
  const { texts = [], folders, rates = [], numbers = [], switches } = form;
  const found = new Map<string, readonly string[]>();
  const options: ParseArgsOptionsConfig = {};
  for (const name of [...folders, ...rates, ...numbers]) options[name] = { type: "string" };
  for (const name of switches) options[name] = { type: "boolean" };
  for (const { name, letter } of texts) options[name] = { type: "string", short: letter, multiple: true };
  const { values } = parseArgs({ args: [...raw], options, strict: false, allowPositionals: true });
  for (const { name, letter } of texts) {
    const given = values[name];
    if (given === undefined) continue;
    const wanted = v.safeParse(v.array(v.pipe(v.string(), v.regex(/^\s*[^-\s]/))), given);
    if (!wanted.success) throw usage(`-${letter} takes a ${name}; write -${letter} "<${name}>; <${name}>"`);
    found.set(name, wanted.output);
  }
  return found;
}

function readRates(
  { rates = [] }: CommandForm,
  options: ReadonlyMap<string, unknown>,
): Map<string, number | undefined> {
  const read = new Map<string, number | undefined>();
  for (const [name, text] of readValues(rates, "rate", options)) {
    const rate = parseRate(text);
    if (rate instanceof Failure) throw usage(`--${name}: ${rate.message}`);
    read.set(name, rate);
  }
  return read;
}

function refuseUnknown(form: CommandForm, given: readonly string[]): void {
  const { name, words, folders, rates = [], numbers = [], switches, texts = [], mayFollow = [] } = form;
  const known = [
    ...folders,
    ...rates,
    ...numbers,
    ...switches,
    ...texts.flatMap((each) => [each.name, each.letter]),
  ];
  // citty repeats each option in camel case.
  const all = new Set([
    ...words,
    ...mayFollow,
    ...known,
    ...known.map((each) => each.replace(/-(.)/g, (_, letter) => letter.toUpperCase())),
  ]);
  const unknown = given.find((each) => !all.has(each));
  if (unknown === undefined) return;
  const takes = [
    ...texts.map((each) => `-${each.letter} <${each.name}>`),
    ...folders.map((each) => `--${each} <folder>`),
    ...rates.map((each) => `--${each} <rate>`),
    ...numbers.map((each) => `--${each} <number>`),
    ...switches.map((each) => `--${each}`),
  ];
  const dashes = unknown.length === 1 ? "-" : "--";
  throw usage(
    `${name} has no option ${dashes}${forTerminal(unknown.slice(0, 40))}; it takes ${listed(takes)}`,
  );
}

/** `a`, `a and b`, `a, b and c`. */
function listed(parts: readonly string[]): string {
  const head = parts.slice(0, -1).join(", ");
  return head === "" ? `${parts[0]}` : `${head} and ${parts.at(-1)}`;
}

function usage(message: string): Failure {
  return new Failure("usage", message);
}
