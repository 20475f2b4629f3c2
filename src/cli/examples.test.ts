import { expect, test } from "bun:test";
import { type ArgsDef, parseArgs } from "citty";
import { splitCommands, splitWords } from "../repl/parser.ts";
import { clientCommand } from "./client-command.ts";
import { doctorCommand } from "./doctor-command.ts";
import { EXAMPLES } from "./examples.ts";
import { trackerCommand } from "./tracker-command.ts";

const COMMANDS = new Map([
  ["client", clientCommand("1")],
  ["tracker", trackerCommand("1")],
  ["doctor", doctorCommand("1")],
]);

test("every example of help names options and words that its command has", () => {
  for (const example of [...EXAMPLES.values()].flat()) {
    const line = example.replace(/ < .*$/, "");
    const [, name = "", ...words] = splitWords(line, { home: "/", windows: false }) as readonly string[];
    const { args } = COMMANDS.get(name) ?? {};
    if (args === undefined || words.includes("--help")) continue;
    const known = args as ArgsDef;
    const parsed = parseArgs([...words], known);
    const given = Object.keys(parsed).filter((each) => each !== "_");
    const names = Object.entries(known).flatMap(([each, arg]) => [each, "alias" in arg ? arg.alias : each]);
    const camel = names.map((each) => String(each).replace(/-(.)/g, (_, letter) => letter.toUpperCase()));
    expect([example, given.filter((each) => !names.includes(each) && !camel.includes(each))]).toEqual([
      example,
      [],
    ]);
    expect(parsed._.length).toBeGreaterThan(0);
    if (typeof parsed["command"] === "string")
      expect(splitCommands(parsed["command"], { windows: false }).length).toBe(2);
  }
});
