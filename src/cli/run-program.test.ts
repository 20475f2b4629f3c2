import { afterEach, describe, expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import type { CommandDef } from "citty";
import { Failure } from "../base/failure.ts";
import { runProgram } from "./run-program.ts";

afterEach(() => {
  process.exitCode = 0;
});

async function run(words: readonly string[], serve: () => void = () => {}, screen: object = {}) {
  const loaded: string[] = [];
  const command: CommandDef = {
    meta: { name: "client", description: "Shares" },
    args: {
      file: { type: "positional", required: false },
      "data-dir": { type: "string", description: "where" },
    },
    run: () => serve(),
  };
  const load = async () => {
    loaded.push("client");
    return command;
  };
  const [stdout, stderr] = [
    Object.assign(new PassThrough(), screen),
    Object.assign(new PassThrough(), screen),
  ];
  const program = {
    name: "p2p",
    version: "1.2.3",
    description: "Sharing",
    commands: new Map([["client", load]]),
  };
  const code = await runProgram(program, words, { stdout, stderr });
  return { code, loaded: loaded.length, out: String(stdout.read() ?? ""), err: String(stderr.read() ?? "") };
}

describe("the program", () => {
  test("helps, for itself and for a command, without colours on a pipe", async () => {
    const { code, out, err } = await run(["--help"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("USAGE p2p client");
    expect(out).not.toContain("\u001b");
    const help = await run(["client", "--help"]);
    expect(help.out).toContain("USAGE p2p client [OPTIONS] <FILE>");
    expect(help.out).toContain("--data-dir");
    expect((await run(["-h"])).out).toBe(out);
    expect(await run(["help"])).toMatchObject({ code: 0, out });
  });

  test("runs a command, whose exit code is its own", async () => {
    expect(await run(["client", "x"])).toMatchObject({ code: 0, out: "", err: "" });
    const failing = () => {
      process.exitCode = 1;
    };
    expect(await run(["client", "x"], failing)).toMatchObject({ code: 1, out: "", err: "" });
  });

  test("ends with 2 and one line when it is called wrongly", async () => {
    const more = "(p2p --help tells more)\n";
    expect(await run([])).toEqual({
      code: 2,
      loaded: 0,
      out: "",
      err: `error: no command given; write p2p client ${more}`,
    });
    expect(await run(["cleint"])).toMatchObject({
      code: 2,
      err: `error: unknown command: cleint; did you mean p2p client? ${more}`,
    });
    for (const word of ["toString", "__proto__", "--nope", ""])
      expect(await run([word])).toMatchObject({
        code: 2,
        err: `error: unknown command: ${word}; write p2p client ${more}`,
      });
    const wrong = () => {
      throw new Failure("usage", "not an address:\n x");
    };
    expect(await run(["client"], wrong)).toMatchObject({ code: 2, err: "error: not an address:\\u{a} x\n" });
  });

  test("on a screen breaks an error between words, and has no colour that some backgrounds swallow", async () => {
    const wrong = () => {
      throw new Failure("usage", "not an address: x");
    };
    const screen = { isTTY: true, columns: 20 };
    expect((await run(["client"], wrong, screen)).err).toBe("error: not an\naddress: x\n");
    for (const words of [["--help"], ["client", "--help"]])
      expect((await run(words, wrong, screen)).out).not.toMatch(/\u001b\[(3\d|9\d)m/);
  });

  test("ends with 1 and one line when it fails", async () => {
    const busy = () => {
      throw new Failure("data-folder-in-use", "the data folder is in use");
    };
    expect(await run(["client"], busy)).toMatchObject({ code: 1, err: "error: the data folder is in use\n" });
    const broken = () => {
      throw new TypeError("x is undefined");
    };
    expect(await run(["client"], broken)).toMatchObject({ code: 1, err: "error: x is undefined\n" });
  });
});
