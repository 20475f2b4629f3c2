/** What people type: the command line of the program, and whole lines of the prompt down to the client's method. */
import { parseArgs } from "citty";
import { Failure } from "../../../base/failure.ts";
import { type CommandForm, readCommandLine } from "../../../cli/command-line.ts";
import { refuseUnreadable } from "../../../cli/readable-words.ts";
import type { CommandContext } from "../../../repl/command.ts";
import { COMMANDS, findCommand, holdsPassword } from "../../../repl/commands.ts";
import { parseFileOrder, parseGlob } from "../../../repl/file-selection.ts";
import { type ParserOptions, quoteWord, splitCommands, splitWords } from "../../../repl/parser.ts";
import { FakeClient } from "../../fake-client.ts";
import type { Draw } from "../draw.ts";
import { type FuzzCase, type FuzzTarget, must, mustBeFailure, mustEqual, orFailure } from "../fuzz-target.ts";
import { mutateText } from "../mutation.ts";

const FORM = {
  name: "p2p client",
  words: ["ip:port", "tracker_info"],
  folders: ["data-dir"],
  rates: ["limit-up"],
  switches: ["stay"],
  texts: [{ name: "command", letter: "c" }],
} as const satisfies CommandForm;
const ARGS = {
  "ip:port": { type: "positional", required: false },
  tracker_info: { type: "positional", required: false },
  "data-dir": { type: "string" },
  "limit-up": { type: "string" },
  stay: { type: "boolean" },
  command: { type: "string", alias: "c" },
} as const;
const OPTIONS: Readonly<Record<string, ParserOptions>> = {
  Unix: { home: "/home/ann", windows: false },
  Windows: { home: "C:\\Users\\ann", windows: true },
};
const COMMAND_NAMES = [...COMMANDS.keys()];
const LONG_CHARS = 60_000;
const LINE_BYTES_MAX = 65_536;

/** Arguments of the program, one a line, since none holds a line's end here. */
const programArguments: FuzzTarget<string> = {
  name: "arguments of the program",
  generate(draw) {
    const odd = [
      "--stay",
      "--no-stay",
      "--data-dir",
      "--data-dir=/d",
      "--dataDir",
      "-c",
      "-cx",
      "--command",
      "--command=a; b",
      "--limit-up",
      "--limit-up=2M",
      "--limitUp=off",
      "-x",
      "--",
      "-",
      "--constructor",
      "--__proto__=1",
      "--=",
      "",
    ];
    const words = ["127.0.0.1:5000", "tracker_info.txt"];
    for (let left = draw.below(4); left > 0; left--)
      words.splice(
        draw.below(words.length + 1),
        draw.below(2),
        draw.once(3) ? draw.text(10) : draw.pick(odd),
      );
    return { input: words.join("\n") };
  },
  check(text) {
    const words = text.split("\n");
    const read = () => {
      refuseUnreadable("p2p", words);
      return readCommandLine(FORM, parseArgs(words, ARGS), words);
    };
    const line = orFailure(read, ["usage"]);
    if (line instanceof Failure) {
      must(!/[\p{Cc}\p{Bidi_Control}]/u.test(line.message), "an error can be shown");
      return false;
    }
    mustEqual(line.words.length, FORM.words.length, "there are as many words as the command takes");
    for (const each of [...line.texts.values()].flat()) must(!/^\s*(-|$)/.test(each), "a text is no option");
    for (const folder of line.folders.values()) must(/^[^-]/.test(folder), "a folder is no option");
    for (const rate of line.rates.values())
      must(rate === undefined || Number.isSafeInteger(rate), "a rate is a number of bytes");
    return true;
  },
};

function lineCase(draw: Draw): FuzzCase<string> {
  const args = Array.from({ length: draw.below(4) }, () =>
    draw.once(3) ? draw.text(20) : draw.letters(draw.below(8)),
  );
  const line = [
    draw.pick(COMMAND_NAMES),
    ...args.map((word) => (draw.once(2) ? quoteWord(word) : word)),
  ].join(" ");
  switch (draw.below(6)) {
    case 0:
      return { input: mutateText(draw, line) };
    case 1:
      return { input: draw.text(100) };
    case 2:
      return {
        input: draw.once(60) ? longLine(draw) : line.replace(/_/g, draw.pick(["-", " ", "_"])).toUpperCase(),
      };
    default:
      return { input: line };
  }
}

function longLine(draw: Draw): string {
  const unit = draw.pick(["a", "'", '"', "\\", "a ", "~/", "' '", "\u00e9", "_", "\u00a0"]);
  return `${draw.pick(["", "create_user ", "search ", "'"])}${unit.repeat(LONG_CHARS / unit.length)}`;
}

/** Commands that were cut from a text are never more than it holds, and cut no further. */
function checkCommands(text: string): boolean {
  const commands = splitCommands(text, { windows: false });
  mustEqual(
    commands.flatMap((each) => splitCommands(each, { windows: false })),
    commands,
    "a command is not cut again",
  );
  must(commands.join("").length <= text.length, "nothing is added");
  return commands.length > 1;
}

function commandsCase(draw: Draw): FuzzCase<string> {
  const parts = Array.from({ length: draw.between(1, 4) }, () => lineCase(draw).input);
  return { input: parts.join(draw.pick([";", "; ", "\n", " ;\r\n", ";;"])) };
}

function checkWords(line: string, options: ParserOptions): boolean {
  const words = splitWords(line, options);
  if (words instanceof Failure) {
    mustBeFailure(words, ["usage"]);
    return false;
  }
  // A quote of one kind cannot stand in a word of the other; what is longer than a line is no line.
  const canQuote = words.every((word) => !(word.includes("'") && /["\\]/.test(word))) && !options.windows;
  const again = words.map(quoteWord).join(" ");
  if (canQuote && Buffer.byteLength(again) <= LINE_BYTES_MAX)
    mustEqual(splitWords(again, options), words, "words that were quoted are the same words");
  return words.length > 0;
}

async function runLine(line: string): Promise<boolean> {
  const client = new FakeClient();
  const context: CommandContext = {
    client,
    clock: { nowMs: () => 1_700_000_000_000 },
    kindOf: async (path) => (path.length % 2 === 0 ? "file" : "nothing"),
    note: () => {},
    hint: () => {},
    signal: new AbortController().signal,
    columns: undefined,
    fault: () => {},
    askHidden: undefined,
    progress: () => {},
    lastCopies: async () => {},
  };
  holdsPassword(line);
  const words = splitWords(line, { home: "/home/ann", windows: false });
  if (words instanceof Failure || words.length === 0) return false;
  const found = findCommand(words);
  if (found instanceof Failure) {
    mustBeFailure(found, ["usage"]);
    must(!/[\p{Cc}\p{Bidi_Control}]/u.test(found.message), "an error can be shown");
    must(found.message.length < 1_000, "an error is one line that can be read");
    return false;
  }
  if (found.args.length > found.command.passwordAt)
    must(holdsPassword(line), "a line with a password is kept nowhere");
  try {
    const reply = await found.command.run(context, found.args);
    must(reply === "leave" || Array.isArray(reply.lines), "a command replies with lines");
    return true;
  } catch (error) {
    mustBeFailure(error, ["usage", "invalid-name", "invalid-input", "file-missing", "file-refused"]);
    must(client.calls.length === 0, "a line that is refused does nothing");
    return false;
  }
}

const listOptions: FuzzTarget<string> = {
  name: "options of lists",
  generate(draw) {
    const parts = [
      "*",
      "**/",
      "?",
      "[a-z]",
      "{a,b}",
      "{",
      "[",
      "]",
      "}",
      ",",
      "!",
      "\\",
      "\u00e9",
      ".mp4",
      "Size",
    ];
    const pattern = Array.from({ length: draw.below(60) }, () => draw.pick(parts)).join("");
    return { input: draw.once(2) ? mutateText(draw, pattern) : pattern };
  },
  check(text) {
    const order = parseFileOrder(text);
    if (order instanceof Failure) mustBeFailure(order, ["usage"]);
    const test = parseGlob(text);
    if (test instanceof Failure) {
      mustBeFailure(test, ["usage"]);
      return false;
    }
    for (const name of ["a.mp4", "ab/".repeat(80), "a".repeat(240)])
      mustEqual(test(name), test(name.toUpperCase()), "case makes no difference");
    return true;
  },
};

export const commandLineFuzzTargets: readonly FuzzTarget<string>[] = [
  programArguments,
  listOptions,
  ...Object.entries(OPTIONS).map(
    ([system, options]): FuzzTarget<string> => ({
      name: `words of a line on ${system}`,
      generate: lineCase,
      check: (line) => checkWords(line, options),
    }),
  ),
  { name: "commands of a text", generate: commandsCase, check: checkCommands },
  { name: "lines of the prompt", generate: lineCase, check: runLine },
];
