/** `p2p completion <shell>`: prints the script that makes the shell complete the program, made of what its commands take. */
import type { ArgsDef, CommandDef } from "citty";
import { Failure } from "../base/failure.ts";
import { forTerminal } from "../base/text.ts";
import { type CommandForm, readCommandLine } from "./command-line.ts";
import {
  type CompletedCommand,
  type CompletedOption,
  completionScript,
  SHELLS,
  type Shell,
} from "./shell-completion.ts";

const FORM = {
  name: "p2p completion",
  words: ["shell"],
  folders: [],
  switches: [],
} as const satisfies CommandForm;

/** Words that a shell can complete, by the names that commands give them. */
const WORDS = new Map<string, CompletedCommand["words"][number]>([
  ["tracker_info", "file"],
  ["shell", SHELLS],
]);

/** @param commands of the program, this one among them */
export function completionCommand(commands: ReadonlyMap<string, () => Promise<CommandDef>>): CommandDef {
  return {
    meta: { name: "completion", description: "Print what makes a shell complete p2p" },
    args: {
      shell: { type: "positional", required: false, description: `one of ${SHELLS.join(", ")}` },
    },
    async run({ args }) {
      const [wanted = ""] = readCommandLine(FORM, args).words;
      const shell = SHELLS.find((each) => each === wanted);
      if (shell === undefined)
        throw new Failure(
          "usage",
          `no script for ${forTerminal(wanted.slice(0, 40))}; there is one for ${SHELLS.join(", ")}`,
        );
      process.stdout.write(await scriptFor(shell, commands));
    },
  };
}

async function scriptFor(
  shell: Shell,
  commands: ReadonlyMap<string, () => Promise<CommandDef>>,
): Promise<string> {
  const all = await Promise.all(
    [...commands.entries()].map(async ([name, load]) => completed(name, await load())),
  );
  return completionScript(shell, "p2p", all);
}

async function completed(name: string, { meta, args }: CommandDef): Promise<CompletedCommand> {
  const about = await (typeof meta === "function" ? meta() : meta);
  const given = Object.entries((await (typeof args === "function" ? args() : args)) ?? {});
  return {
    name,
    description: about?.description ?? "",
    options: given.flatMap(([each, arg]) => optionsOf(each, arg)),
    words: given.flatMap(([each, { type }]) => (type === "positional" ? [WORDS.get(each) ?? "unknown"] : [])),
  };
}

function optionsOf(name: string, arg: ArgsDef[string]): readonly CompletedOption[] {
  if (arg.type === "positional") return [];
  const { description = "" } = arg;
  const value = arg.type !== "string" ? "none" : arg.valueHint === "folder" ? "folder" : "text";
  const letters = "alias" in arg && typeof arg.alias === "string" ? [`-${arg.alias}`] : [];
  return [...letters, `--${name}`].map((word) => ({ word, description, value }));
}
