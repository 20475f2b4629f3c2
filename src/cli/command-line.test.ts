import { describe, expect, test } from "bun:test";
import { type ArgsDef, parseArgs } from "citty";
import { Failure } from "../base/failure.ts";
import { readCommandLine } from "./command-line.ts";
import { refuseUnreadable } from "./readable-words.ts";

const form = {
  name: "p2p client",
  words: ["ip:port", "tracker_info"],
  folders: ["data-dir"],
  rates: ["limit-up", "limit-down"],
  switches: ["stay"],
};
const args: ArgsDef = {
  "ip:port": { type: "positional", required: false },
  tracker_info: { type: "positional", required: false },
  "data-dir": { type: "string" },
  "limit-up": { type: "string" },
  "limit-down": { type: "string" },
  stay: { type: "boolean" },
};

/** As citty parses it. Failures come back as their line. */
function read(...words: readonly string[]) {
  try {
    refuseUnreadable("p2p", words);
    const line = readCommandLine(form, parseArgs([...words], args));
    return { words: line.words, folder: line.folders.get("data-dir"), stay: line.switches.has("stay") };
  } catch (error) {
    if (error instanceof Failure) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe("a command line", () => {
  test("gives words, folders and switches, wherever the options stand", () => {
    const words = ["127.0.0.1:5000", "info.txt"];
    expect(read(...words)).toEqual({ words, folder: undefined, stay: false });
    const all = { words, folder: "/d", stay: true };
    expect(read(...words, "--data-dir", "/d", "--stay")).toEqual(all);
    expect(read("--stay", "127.0.0.1:5000", "--data-dir=/d", "info.txt")).toEqual(all);
    expect(read("--dataDir", "/d", "--stay", ...words)).toEqual(all);
    expect(read("--no-stay", ...words)).toEqual({ words, folder: undefined, stay: false });
  });

  test("is refused with too few or too many words", () => {
    const takes = "usage: p2p client takes <ip:port> <tracker_info>; got";
    const example = ", for example p2p client 0.0.0.0:6000 tracker_info.txt";
    expect(read()).toBe(`${takes} 0, needs 2${example}`);
    expect(read("127.0.0.1:5000")).toBe(`${takes} 1, needs 2${example}`);
    expect(read("127.0.0.1", "5000", "info.txt")).toBe(`${takes} 3, needs 2${example}`);
  });

  test("is refused with an option that does not exist, even in camel case", () => {
    const takes = "it takes --data-dir <folder>, --limit-up <rate>, --limit-down <rate> and --stay";
    expect(read("a", "b", "--nope")).toBe(`usage: p2p client has no option --nope; ${takes}`);
    expect(read("a", "b", "-x")).toBe(`usage: p2p client has no option -x; ${takes}`);
    expect(read("a", "b", "--data_dir=x")).toBe(`usage: p2p client has no option --data_dir; ${takes}`);
    expect(read("a", "b", "--\u001b[2J")).toBe(`usage: p2p client has no option --\\u{1b}[2J; ${takes}`);
    expect(read("a", "b", "--constructor")).toContain("has no option --constructor");
  });

  test("is refused with an option of the name that citty keeps for words, which may stand behind --", () => {
    for (const option of ["-_", "--_", "--_=3", "--no-_", "-_x", "-x_"])
      expect(read("a", "b", option)).toBe(`usage: there is no option ${option} (p2p --help tells more)`);
    expect(read("a", "--", "-_")).toEqual({ words: ["a", "-_"], folder: undefined, stay: false });
  });

  test("is refused with a folder option that has no folder", () => {
    const takes = "usage: --data-dir takes a folder; write --data-dir <folder>";
    expect(read("a", "b", "--data-dir")).toBe(takes);
    expect(read("a", "b", "--data-dir=")).toBe(takes);
    expect(read("a", "b", "--data-dir", "--stay")).toBe(takes);
  });

  test("gives rates as set_limit takes them", () => {
    const rates = (...words: readonly string[]) => [
      ...readCommandLine(form, parseArgs(["a", "b", ...words], args)).rates,
    ];
    expect(rates()).toEqual([]);
    expect(rates("--limit-down=500K", "--limit-up", "20mbit")).toEqual([
      ["limit-up", 2_500_000],
      ["limit-down", 500 * 1024],
    ]);
    expect(rates("--limit-up", "off", "--limitDown", "2.5 MiB/s")).toEqual([
      ["limit-up", undefined],
      ["limit-down", 2.5 * 1024 * 1024],
    ]);
  });

  test("is refused with a rate option that has no rate, or none of these", () => {
    for (const words of [["--limit-up"], ["--limit-up="], ["--limit-up", "--stay"]])
      expect(read("a", "b", ...words)).toBe("usage: --limit-up takes a rate; write --limit-up <rate>");
    expect(read("a", "b", "--limit-down", "fast")).toBe(
      "usage: --limit-down: not a rate: fast; write 500K, 2.5M, 20mbit or off",
    );
    expect(read("a", "b", "--limit-up", "1K")).toBe(
      "usage: --limit-up: a limit is from 16.0 KiB/s to 1.0 TiB/s, or off; got 1K",
    );
  });
});

test("a number is given as it is written, is needed behind its option, and is named among what the command takes", () => {
  const numbered = { ...form, numbers: ["tracker"] };
  const numberArgs: ArgsDef = { ...args, tracker: { type: "string" } };
  const number = (...words: readonly string[]) => {
    try {
      return readCommandLine(numbered, parseArgs(["a", "b", ...words], numberArgs)).numbers.get("tracker");
    } catch (error) {
      return (error as Failure).message;
    }
  };
  expect([number(), number("--tracker", "2"), number("--tracker=x")]).toEqual([undefined, "2", "x"]);
  for (const words of [["--tracker"], ["--tracker="], ["--tracker", "-1"]])
    expect(number(...words)).toBe("--tracker takes a number; write --tracker <number>");
  expect(number("--nope")).toEndWith("--limit-down <rate>, --tracker <number> and --stay");
});

describe("texts that may be repeated", () => {
  const textForm = { ...form, texts: [{ name: "command", letter: "c" }] };
  const textArgs: ArgsDef = { ...args, command: { type: "string", alias: "c" } };
  const texts = (...words: readonly string[]) => {
    try {
      const line = readCommandLine(textForm, parseArgs([...words], textArgs), words);
      return { words: line.words, stay: line.switches.has("stay"), commands: line.texts.get("command") };
    } catch (error) {
      if (error instanceof Failure) return `${error.code}: ${error.message}`;
      throw error;
    }
  };

  test("are all there, in order, however they are written", () => {
    const rest = { words: ["a", "b"], stay: true };
    expect(texts("a", "-c", "x; y", "b", "--command", "z", "--command=w", "--stay", "-cv")).toEqual({
      ...rest,
      commands: ["x; y", "z", "w", "v"],
    });
    expect(texts("a", "b", "--stay")).toEqual({ ...rest, commands: undefined });
  });

  test("are refused without their text", () => {
    const takes = 'usage: -c takes a command; write -c "<command>; <command>"';
    for (const words of [["-c"], ["--command="], ["-c", " "], ["-c", "--stay"], ["-c", "x", "-c", ""]])
      expect(texts("a", "b", ...words)).toBe(takes);
  });

  test("are named among what the command takes", () => {
    expect(texts("a", "b", "-x")).toBe(
      "usage: p2p client has no option -x; it takes -c <command>, --data-dir <folder>, --limit-up <rate>, --limit-down <rate> and --stay",
    );
  });
});

test("a word that may be left out may follow", () => {
  const followed = { ...form, name: "p2p other", words: ["tracker_info"], mayFollow: ["ip:port"] };
  const count = (...words: readonly string[]) => {
    try {
      return readCommandLine(followed, parseArgs([...words], args)).words.length;
    } catch (error) {
      return (error as Failure).message;
    }
  };
  const takes = "p2p other takes <tracker_info> [<ip:port>]; got";
  expect([count("a"), count("a", "b")]).toEqual([1, 2]);
  expect(count()).toBe(`${takes} 0, needs 1 or 2`);
  expect(count("a", "b", "c")).toBe(`${takes} 3, needs 1 or 2`);
});
