import { expect, test } from "bun:test";
import { splitWords } from "../repl/parser.ts";
import { faultsOfWords } from "../testing/program-words.ts";
import { EXAMPLES } from "./examples.ts";

test("every example of help is a command line that the program takes", () => {
  for (const example of [...EXAMPLES.values()].flat()) {
    const line = example.replace(/ < .*$/, "");
    const words = splitWords(line, { home: "/", windows: false }) as readonly string[];
    if (words.includes("--help") || words[1] === "completion") continue;
    expect([example, faultsOfWords(words)]).toEqual([example, []]);
  }
  expect(faultsOfWords(["p2p", "client", "a", "b", "c", "--no-such"])).toHaveLength(2);
});
