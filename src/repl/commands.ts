/**
 * The table of all commands of the prompt, and how the words of a line find their command in it.
 *
 * A name matches in any case and with `-` or a blank for each `_`; the longest match of leading words wins, so that
 * `create user alice x` is `create_user`.
 */
import { Failure, orThrow } from "../base/failure.ts";
import { cleanPasted, nearest, unknownName } from "../base/text.ts";
import { besideOrBelow, wrapped } from "../base/wrapped.ts";
import { accountCommands } from "./account-commands.ts";
import { type Command, command, offering, optional, shown, TOPICS, word } from "./command.ts";
import { downloadCommands } from "./download-commands.ts";
import { fileCommands } from "./file-commands.ts";
import { groupCommands } from "./group-commands.ts";
import { columns } from "./render.ts";
import type { Fields } from "./said.ts";

const topic = "Program";

const programCommands = [
  command({
    name: "help",
    topic,
    args: [optional({ ...offering(word("<command>"), "command"), takesRest: true })],
    summary: "List all commands, or show one with an example.",
    example: "help download_file",
    isLong: true,
    async run({ columns: width }, name) {
      if (name === undefined)
        return shown(renderHelp(width), { commands: [...COMMANDS.values()].map(usageFields) });
      const { command: found } = orThrow(findCommand(name.split(" ")));
      return shown(renderUsage(found, width), { commands: [usageFields(found)] });
    },
  }),
  ...["exit", "quit"].map((name) =>
    command({
      name,
      topic,
      args: [],
      summary: "End the program at once; unfinished downloads go on after the next login.",
      example: name,
      async run() {
        return "leave";
      },
    }),
  ),
];

export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [...accountCommands, ...groupCommands, ...fileCommands, ...downloadCommands, ...programCommands].map(
    (each) => [each.name, each],
  ),
);

/** No name has more words. */
const NAME_WORDS_MAX = Math.max(...[...COMMANDS.keys()].map((name) => name.split("_").length));

export interface FoundCommand {
  readonly command: Command;
  /** The words after its name. */
  readonly args: readonly string[];
}

/** @param words at least one */
export function findCommand(words: readonly string[]): FoundCommand | Failure {
  for (let length = NAME_WORDS_MAX; length > 0; length--) {
    const found = COMMANDS.get(nameOf(words.slice(0, length)));
    if (found !== undefined) return { command: found, args: words.slice(length) };
  }
  return unknownCommand(words);
}

/** As the table has it, if they are a command's name. */
export function nameOf(words: readonly string[]): string {
  return words.join("_").toLowerCase().replace(/[-\s]/g, "_");
}

/**
 * Whether what was typed gives a password away, to be kept nowhere. Looks at the words more loosely than the parser: a
 * line that is refused, for a quote or a misspelled name, holds its password all the same.
 */
export function holdsPassword(line: string): boolean {
  // A word of quotes alone stays one: it may be the password.
  const [first = "", ...rest] = cleanPasted(line)
    .trim()
    .split(/\s+/)
    .map((each) => each.replace(/['"\\]/g, ""));
  const words = first === "" ? rest : [first, ...rest];
  const found = findCommand(words);
  if (!(found instanceof Failure)) return found.args.length > found.command.passwordAt;
  const near = COMMANDS.get(nearestName(words) ?? "");
  return near !== undefined && words.length > 1 + near.passwordAt;
}

function nearestName(words: readonly string[]): string | undefined {
  const names = [...COMMANDS.keys()];
  return nearest(nameOf(words.slice(0, 2)), names) ?? nearest(nameOf(words.slice(0, 1)), names);
}

/** What the fingers type out of habit, and what does it here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["clear", "Ctrl-L clears the screen"],
  ["cls", "Ctrl-L clears the screen"],
  ["ls", "list_files <group_id> lists the files of a group"],
  ["dir", "list_files <group_id> lists the files of a group"],
]);

function unknownCommand(words: readonly string[]): Failure {
  const first = nameOf(words.slice(0, 1));
  const elsewhere = ELSEWHERE.get(first);
  if (elsewhere !== undefined)
    return new Failure("usage", `unknown command: ${unknownName(words[0] ?? "")}; ${elsewhere}`);
  const near = nearestName(words);
  const longer = first === "" ? [] : [...COMMANDS.keys()].filter((name) => name.startsWith(first));
  const meant = near === undefined ? longer : [near];
  const advice = meant.length === 0 ? "help lists all commands" : `did you mean ${meant.join(" or ")}?`;
  return new Failure("usage", `unknown command: ${unknownName(words[0] ?? "")}; ${advice}`);
}

/** A line for each command, or, on a screen, as many rows as it takes to break none of the words. */
function renderHelp(width: number | undefined): string[] {
  const all = [...COMMANDS.values()];
  const rows = all.map((each) => [`  ${usage(each)}`, each.summary] as const);
  const blocks =
    width === undefined
      ? columns(rows).map((line) => [line])
      : rows.map(([name, summary]) => besideOrBelow(name, summary, helpColumn(width), width));
  return TOPICS.flatMap((each) => [each, ...blocks.filter((_, index) => all[index]?.topic === each).flat()]);
}

/** Room for most commands with their arguments, where that leaves more than half of the screen. */
function helpColumn(width: number): number {
  return width >= 2 * HELP_COLUMN ? HELP_COLUMN : 2;
}

const HELP_COLUMN = 38;

function renderUsage(of: Command, width = Number.POSITIVE_INFINITY): string[] {
  const more = [of.summary, `Example: ${of.example}`];
  return [...wrapped(usage(of), width), ...more.flatMap((text) => wrapped(text, width, "  "))];
}

function usageFields({ name, topic: under, synopsis, summary, example }: Command): Fields {
  return { name, topic: under, arguments: synopsis, summary, example };
}

function usage({ name, synopsis }: Command): string {
  return synopsis === "" ? name : `${name} ${synopsis}`;
}
