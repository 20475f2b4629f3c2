/** Whether the program would take a command line that some page, unit or example shows. */
import { type ArgsDef, parseArgs } from "citty";
import { clientCommand } from "../cli/client-command.ts";
import { doctorCommand } from "../cli/doctor-command.ts";
import { trackerCommand } from "../cli/tracker-command.ts";

const COMMANDS = new Map([
  ["client", clientCommand("1")],
  ["tracker", trackerCommand("1")],
  ["doctor", doctorCommand("1")],
]);

const camelCase = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** @param line its words, the program itself first. @returns what is wrong; nothing if it would be taken */
export function faultsOfWords([program, name = "", ...words]: readonly string[]): readonly string[] {
  if (program !== "p2p") return [`it calls ${program}`];
  const args = COMMANDS.get(name)?.args as ArgsDef | undefined;
  if (args === undefined) return [`p2p has no command ${name}`];
  const parsed = parseArgs([...words], args);
  const names = Object.entries(args).flatMap(([each, arg]) => [
    each,
    "alias" in arg ? String(arg.alias) : each,
  ]);
  const known = new Set([...names, ...names.map(camelCase), "_"]);
  const unknown = Object.keys(parsed).filter((each) => !known.has(each));
  const places = Object.values(args).filter(({ type }) => type === "positional").length;
  const surplus = parsed._.slice(places);
  return [
    ...unknown.map((each) => `no option ${each}`),
    ...surplus.map((each) => `one word too many: ${each}`),
  ];
}
