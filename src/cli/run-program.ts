/**
 * From the words of the command line to the exit code: help, one sub-command, or one line that says what is
 * wrong. 0 is success, 2 wrong usage, 1 everything else.
 */
import { stripVTControlCharacters } from "node:util";
import { type CommandDef, defineCommand, renderUsage, runCommand } from "citty";
import { Failure, toFailure } from "../base/failure.ts";
import { forTerminal, nearest } from "../base/text.ts";
import { screenColumns, wrapped } from "../base/wrapped.ts";
import { helpOnScreen } from "./help-on-screen.ts";
import { refuseUnreadable } from "./readable-words.ts";

export interface Program {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Loaded when needed: help needs one at most. A command sets `process.exitCode`. */
  readonly commands: ReadonlyMap<string, () => Promise<CommandDef>>;
  /** How it is called, by sub-command; under "" the program itself. */
  readonly examples?: ReadonlyMap<string, readonly string[]>;
  /** What its help says last. */
  readonly remark?: string;
}

/** The value hint of a word that a command does not need. */
export const MAY_BE_LEFT_OUT = "may be left out";

export interface Streams {
  readonly stdout: Output;
  readonly stderr: Output;
}

type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** @returns the exit code, when everything is written */
export async function runProgram(
  program: Program,
  words: readonly string[],
  { stdout, stderr }: Streams,
): Promise<number> {
  try {
    const text = await answer(program, words);
    if (text !== undefined)
      await write(
        stdout,
        stdout.isTTY ? helpOnScreen(text, screenColumns(stdout)) : stripVTControlCharacters(text),
      );
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const failure = toFailure(error);
    await write(stderr, wrapped(`error: ${forTerminal(failure.message)}`, screenColumns(stderr)).join("\n"));
    return failure.code === "usage" ? 2 : 1;
  }
}

/** @returns a text to print, if that is all there is to do */
async function answer(program: Program, words: readonly string[]): Promise<string | undefined> {
  const { name, version, description, commands } = program;
  const root = defineCommand({
    meta: { name, version, description },
    subCommands: Object.fromEntries(commands),
  });
  const [first] = words;
  const wantsHelp = words.includes("--help") || words.includes("-h") || first === "help";
  const load = commands.get(first ?? "");
  if (wantsHelp && (load === undefined || first === undefined))
    return withRemark(program, withExamples(program, "", await renderUsage(root)));
  if (load === undefined) throw noCommand(program, first);
  if (wantsHelp)
    return withExamples(program, first ?? "", await renderUsage(await withNeededWords(await load()), root));
  refuseUnreadable(name, words);
  await runCommand(root, { rawArgs: [...words] });
  return undefined;
}

function withExamples({ examples }: Program, command: string, usage: string): string {
  const lines = examples?.get(command) ?? [];
  if (lines.length === 0) return usage;
  return [usage.trimEnd(), "", "EXAMPLES", "", ...lines.map((line) => `  ${line}`), ""].join("\n");
}

function withRemark({ remark }: Program, usage: string): string {
  return remark === undefined ? usage : `${usage}\n${remark}\n`;
}

/** For help: citty is told that words may be missing, so that the command itself can say what it takes. */
async function withNeededWords(command: CommandDef): Promise<CommandDef> {
  const given = await (typeof command.args === "function" ? command.args() : command.args);
  const args = Object.entries(given ?? {}).map(([name, arg]) => [
    name,
    arg.type === "positional" ? { ...arg, required: arg.valueHint !== MAY_BE_LEFT_OUT } : arg,
  ]);
  return { ...command, args: Object.fromEntries(args) };
}

function noCommand({ name, commands }: Program, given: string | undefined): Failure {
  const choice = [...commands.keys()].map((each) => `${name} ${each}`).join(" or ");
  if (given === undefined)
    return new Failure("usage", `no command given; write ${choice} (${name} --help tells more)`);
  const near = nearest(given, commands.keys());
  const advice = near === undefined ? `write ${choice}` : `did you mean ${name} ${near}?`;
  return new Failure(
    "usage",
    `unknown command: ${given.slice(0, 40)}; ${advice} (${name} --help tells more)`,
  );
}

function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve) => stream.write(`${text}\n`, () => resolve()));
}
