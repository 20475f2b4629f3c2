/**
 * What citty has parsed, held against what the command takes: citty itself lets surplus words and unknown options pass,
 * and an option without its value.
 */
import * as v from "valibot";
import { Failure } from "../base/failure.ts";
import { parseRate } from "../base/rate-text.ts";
import { forTerminal } from "../base/text.ts";

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
  /** Names of the options that are there or not. */
  readonly switches: readonly string[];
}

export interface CommandLine {
  /** As many as the form has. */
  readonly words: readonly string[];
  readonly folders: ReadonlyMap<string, string>;
  /** Bytes a second of those given; undefined: `off`. */
  readonly rates: ReadonlyMap<string, number | undefined>;
  readonly switches: ReadonlySet<string>;
}

/** Of an option: what begins with a dash is the next one. */
const value = v.pipe(v.string(), v.regex(/^[^-]/));

/** @throws Failure "usage" */
export function readCommandLine(form: CommandForm, parsed: { readonly _: readonly string[] }): CommandLine {
  const options = new Map<string, unknown>(
    Object.entries(parsed).filter(([name, value]) => name !== "_" && value !== undefined),
  );
  refuseUnknown(form, [...options.keys()]);
  if (parsed._.length !== form.words.length)
    throw usage(
      `${form.name} takes ${form.words.map((word) => `<${word}>`).join(" ")}; got ${parsed._.length}, needs ${form.words.length}`,
    );
  const folders = new Map<string, string>();
  for (const name of form.folders.filter((each) => options.has(each))) {
    const found = v.safeParse(value, options.get(name));
    if (!found.success) throw usage(`--${name} takes a folder; write --${name} <folder>`);
    folders.set(name, found.output);
  }
  const switches = new Set(form.switches.filter((name) => options.get(name) === true));
  return { words: parsed._, folders, rates: readRates(form, options), switches };
}

function readRates(
  { rates = [] }: CommandForm,
  options: ReadonlyMap<string, unknown>,
): Map<string, number | undefined> {
  const read = new Map<string, number | undefined>();
  for (const name of rates.filter((each) => options.has(each))) {
    const found = v.safeParse(value, options.get(name));
    if (!found.success) throw usage(`--${name} takes a rate; write --${name} <rate>`);
    const rate = parseRate(found.output);
    if (rate instanceof Failure) throw usage(`--${name}: ${rate.message}`);
    read.set(name, rate);
  }
  return read;
}

function refuseUnknown(
  { name, words, folders, rates = [], switches }: CommandForm,
  given: readonly string[],
): void {
  const known = [...folders, ...rates, ...switches];
  // citty repeats each option in camel case.
  const all = new Set([
    ...words,
    ...known,
    ...known.map((each) => each.replace(/-(.)/g, (_, letter) => letter.toUpperCase())),
  ]);
  const unknown = given.find((each) => !all.has(each));
  if (unknown === undefined) return;
  const takes = [
    ...folders.map((each) => `--${each} <folder>`),
    ...rates.map((each) => `--${each} <rate>`),
    ...switches.map((each) => `--${each}`),
  ];
  const dashes = unknown.length === 1 ? "-" : "--";
  throw usage(
    `${name} has no option ${dashes}${forTerminal(unknown.slice(0, 40))}; it takes ${listed(takes)}`,
  );
}

function listed(options: readonly string[]): string {
  const [last = "", ...others] = options.toReversed();
  return others.length === 0 ? last : `${others.toReversed().join(", ")} and ${last}`;
}

function usage(message: string): Failure {
  return new Failure("usage", message);
}
