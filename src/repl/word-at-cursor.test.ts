import { describe, expect, test } from "bun:test";
import { Prng } from "../base/prng.ts";
import { runSeed } from "../testing/run-seed.ts";
import { splitWords } from "./parser.ts";
import { wordAtCursor, written } from "./word-at-cursor.ts";

const HERE = { home: "/home/ann", windows: false };
const WINDOWS = { home: "C:\\Users\\ann", windows: true };
const at = (line: string, options = HERE) => wordAtCursor(line, options);

describe("the word before the cursor", () => {
  test("is what follows the last blank, nothing after one", () => {
    expect(at("list_files ma")).toMatchObject({ before: ["list_files"], start: 11, text: "ma", quote: "" });
    expect(at("list_files ")).toMatchObject({ before: ["list_files"], start: 11, text: "" });
    expect(at("")).toMatchObject({ before: [], start: 0, text: "" });
  });

  test("holds blanks in quotes that are still open, and behind a backslash", () => {
    expect(at("x 'my vi")).toMatchObject({ before: ["x"], start: 2, text: "my vi", quote: "'" });
    expect(at('x "my \\"vi')).toMatchObject({ start: 2, text: 'my "vi', quote: '"' });
    expect(at("x my\\ vi")).toMatchObject({ start: 2, text: "my vi", quote: "", raw: "my\\ vi" });
    expect(at("x my\\")).toMatchObject({ start: 2, text: "my" });
    expect(at("x C:\\my", WINDOWS)).toMatchObject({ text: "C:\\my" });
  });

  test("keeps its way home", () => {
    expect(at("x ~/vi")).toMatchObject({ text: "~/vi", atHome: true });
    expect(at("x '~/vi")).toMatchObject({ text: "~/vi", atHome: false, quote: "'" });
    expect(at("x ~\\vi", WINDOWS)).toMatchObject({ text: "~\\vi", atHome: true });
  });
});

describe("a word is written so that the parser reads that word, also when half of it was typed in some way", () => {
  const WORDS = ["plain", "my file", "it's", 'say "x"', "a\\b", "#1", "~x", "a\tb", "é ü", `'"\\ x`];
  const BEGINNINGS = ["", "'", '"'];

  for (const word of WORDS) {
    test(word, () => {
      for (const beginning of BEGINNINGS) {
        const line = `x ${written(word, at(`x ${beginning}`), true, false)}`;
        expect(line.endsWith(" ")).toBe(true);
        expect(splitWords(line, HERE)).toEqual(["x", word]);
      }
    });
  }

  test("on Windows, where a backslash is no escape", () => {
    const line = `x ${written("C:\\my file", at("x C:", WINDOWS), true, true)}`;
    expect(line).toBe('x "C:\\my file" ');
    expect(splitWords(line, WINDOWS)).toEqual(["x", "C:\\my file"]);
  });

  test("one that goes on keeps its quote open", () => {
    expect(written("my dir/", at("x 'my"), false, false)).toBe("'my dir/");
    expect(written("my dir/", at("x my"), false, false)).toBe("my\\ dir/");
    expect(written("~/my dir/", at("x ~/my"), false, false)).toBe("~/my\\ dir/");
  });
});

test("where every quote is closed, the words are those of the parser", () => {
  const seed = runSeed();
  const prng = new Prng(seed);
  const parts = ["a", "b c", " ", "  ", "'x y'", '"x y"', '"\\""', "\\ ", "é", "'", "#", "~x", "\\\\"];
  let compared = 0;
  for (let run = 0; run < 2000; run++) {
    const line = Array.from({ length: prng.below(8) }, () => parts[prng.below(parts.length)]).join("");
    const words = splitWords(`x${line} end`, HERE);
    if (words instanceof Error || words.at(-1) !== "end") continue;
    compared++;
    expect([seed, line, [...at(`x${line} end`).before, "end"]]).toEqual([seed, line, [...words]]);
  }
  expect(compared).toBeGreaterThan(500);
});
