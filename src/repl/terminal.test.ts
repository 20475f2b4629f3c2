/** Both terminals on streams of the test: what is written where, and which keys do what. */
import { describe, expect, test } from "bun:test";
import { PassThrough, Writable } from "node:stream";
import { Failure } from "../base/failure.ts";
import { COMMAND_LINE_BYTES_MAX, LINES_AHEAD_MAX } from "../base/limits.ts";
import { settle } from "../testing/manual-clock.ts";
import type { Completion } from "./contract.ts";
import { DumbTerminal } from "./dumb-terminal.ts";
import { InteractiveTerminal } from "./interactive-terminal.ts";
import { PipedTerminal } from "./piped-terminal.ts";

/** A stream that keeps what is written and, if held, ends no write. */
class Paper extends Writable {
  text = "";
  columns = 40;
  #held: (() => void)[] | undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    if (this.#held === undefined) done();
    else this.#held.push(done);
  }

  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const done of held) done();
  }
}

describe("on a pipe", () => {
  function open(...chunks: readonly (string | Uint8Array)[]) {
    const output = new Paper();
    const errors = new Paper();
    async function* input() {
      for (const chunk of chunks) yield Buffer.from(chunk);
    }
    return { output, errors, terminal: new PipedTerminal({ input: input(), output, errors }) };
  }

  test("lines come one by one, then the end, again and again", async () => {
    const { terminal } = open("one\ntw", "o\r\n\nlast");
    const lines = [];
    for (let count = 0; count < 6; count++) lines.push(await terminal.nextLine());
    expect(lines).toEqual(["one", "two", "", "last", undefined, undefined]);
  });

  test("a line that is too long is refused alone", async () => {
    const { terminal } = open(`${"x".repeat(COMMAND_LINE_BYTES_MAX + 1)}\nnext\n`);
    expect(await terminal.nextLine()).toBeInstanceOf(Failure);
    expect(await terminal.nextLine()).toBe("next");
  });

  test("only replies go to standard output; there is no prompt, no progress and nobody to ask", async () => {
    const { terminal, output, errors } = open("");
    terminal.setPrompt();
    terminal.reply(["User created successfully"]);
    await terminal.replyLong(["a", "b"]);
    terminal.reply([]);
    terminal.notice("Tracker lost");
    terminal.progress();
    terminal.error("no such group");
    await terminal.close();
    expect(output.text).toBe("User created successfully\na\nb\n");
    expect(errors.text).toBe("Tracker lost\nerror: no such group\n");
    expect([terminal.interactive, terminal.askHidden]).toEqual([false, undefined]);
  });

  test("whatever a line holds, it is one line without control characters", async () => {
    const { terminal, output, errors } = open("");
    terminal.reply(["a\nb\u001b[2J"]);
    terminal.error("c\nd\u202E");
    await terminal.close();
    expect(output.text).toBe("a\\u{a}b\\u{1b}[2J\n");
    expect(errors.text).toBe("error: c\\u{a}d\\u{202e}\n");
  });

  test("the next line is read only when the reply to the one before is out", async () => {
    const { terminal, output } = open("one\ntwo\n");
    await terminal.nextLine();
    output.hold();
    terminal.reply(["slow"]);
    const next = terminal.nextLine();
    await settle();
    expect(await Promise.race([next, "waits"])).toBe("waits");
    output.release();
    expect(await next).toBe("two");
  });

  test("a reader that is gone stops nothing", async () => {
    const { terminal, output } = open("one\n");
    output.destroy(new Error("EPIPE"));
    terminal.reply(["lost"]);
    expect(await terminal.nextLine()).toBe("one");
    await terminal.close();
  });
});

describe("on a terminal", () => {
  const CTRL_C = "\u0003";
  const CTRL_D = "\u0004";
  const UP = "\u001b[A";
  const LEFT = "\u001b[D";

  const CLEAR = "\u001b[1G\u001b[0J";

  function open(lines: readonly string[] = []) {
    const input = new PassThrough();
    const output = new Paper();
    const errors = new Paper();
    const kept: string[] = [];
    const terminal = new InteractiveTerminal(
      { input, output, errors },
      {
        holdsPassword: (line) => line.startsWith("login alice "),
        history: { lines, add: (line) => void kept.push(line) },
        colors: false,
      },
    );
    terminal.setPrompt("me> ");
    const type = async (...keys: readonly string[]) => {
      for (const key of keys) {
        input.write(key);
        await settle();
      }
    };
    return { input, output, errors, terminal, type, kept };
  }

  test("a typed line is given once Enter is pressed", async () => {
    const { terminal, type, output } = open();
    const line = terminal.nextLine();
    await type("who", "ami", "\r");
    expect(await line).toBe("whoami");
    expect(output.text).toContain("me> ");
    await terminal.close();
  });

  test("a line that holds a password is not kept in the history", async () => {
    const { terminal, type, kept } = open();
    for (const line of ["whoami", "login alice secret"]) {
      const given = terminal.nextLine();
      await type(line, "\r");
      expect(await given).toBe(line);
    }
    const next = terminal.nextLine();
    await type(UP, "\r");
    expect(await next).toBe("whoami");
    expect(kept.filter((line) => line.includes("secret"))).toEqual([]);
    await terminal.close();
  });

  test("lines of earlier runs come back, and each line is kept as soon as it is typed", async () => {
    const { terminal, type, kept } = open(["newest", "oldest"]);
    const first = terminal.nextLine();
    await type(UP, UP, "\r");
    expect(await first).toBe("oldest");
    expect(kept).toEqual(["oldest"]);
    await terminal.close();
  });

  test("a line typed ahead is kept when it is taken as a command, not when it answers a question", async () => {
    const { terminal, type, kept } = open();
    await type("login alice\rs3cret\rlogin alice s3cret\rwhoami\r");
    expect(kept).toEqual([]);
    expect(await terminal.nextLine()).toBe("login alice");
    expect(await terminal.askHidden("Password: ")).toBe("s3cret");
    expect(await terminal.nextLine()).toBe("login alice s3cret");
    expect(await terminal.nextLine()).toBe("whoami");
    expect(kept).toEqual(["login alice", "whoami"]);
    const next = terminal.nextLine();
    await type(UP, UP, "\r");
    expect(await next).toBe("login alice");
    await terminal.close();
  });

  describe("Tab", () => {
    test("puts in what the word becomes, in the midst of a line too", async () => {
      const { terminal, type } = open();
      const asked: string[] = [];
      terminal.completeWith(async (line) => {
        asked.push(line);
        return { start: 0, text: "create_user ", choices: [] };
      });
      const first = terminal.nextLine();
      await type("create_ux", LEFT, "\t", "\r");
      expect(await first).toBe("create_user x");
      expect(asked).toEqual(["create_u"]);
      await terminal.close();
    });

    test("shows the choices above the line where there is nothing to add", async () => {
      const { terminal, type, output } = open();
      terminal.completeWith(async () => ({ start: 0, text: "c", choices: ["create_group", "create_user"] }));
      const line = terminal.nextLine();
      await type("c");
      output.text = "";
      await type("\t");
      expect(output.text).toBe(`${CLEAR}create_group  create_user\n${CLEAR}me> c\u001b[6G`);
      await type("\r");
      expect(await line).toBe("c");
      await terminal.close();
    });

    test("holds up no typing: what comes late completes nothing", async () => {
      const { terminal, type } = open();
      const late = Promise.withResolvers<Completion>();
      terminal.completeWith(() => late.promise);
      const line = terminal.nextLine();
      await type("cr", "\t", "y");
      late.resolve({ start: 0, text: "create_user ", choices: [] });
      await settle();
      await type("\r");
      expect(await line).toBe("cry");
      await terminal.close();
    });

    test("is nothing in an answer that is not shown, nor before the command has ended", async () => {
      const { terminal, type } = open();
      const asked: string[] = [];
      terminal.completeWith(async (line) => {
        asked.push(line);
        return { start: 0, text: "x", choices: [] };
      });
      await type("a", "\t", "\r");
      expect(await terminal.nextLine()).toBe("a");
      const answer = terminal.askHidden("Password: ");
      await type("s3", "\t", "cret", "\r");
      expect(await answer).toBe("s3cret");
      expect(asked).toEqual([]);
      await terminal.close();
    });
  });

  test("what comes unasked stands above what is being typed, and spoils nothing", async () => {
    const { terminal, type, output } = open();
    const line = terminal.nextLine();
    await type("who");
    output.text = "";
    terminal.notice("bob asks to join");
    expect(output.text).toBe("\u001b[1G\u001b[0Jbob asks to join\n\u001b[1G\u001b[0Jme> who\u001b[8G");
    await type("ami", "\r");
    expect(await line).toBe("whoami");
    await terminal.close();
  });

  test("what is wider than the screen is broken between words, and a reply where nothing that is copied is parted", async () => {
    const { terminal, output, errors } = open();
    const line = "bob asks to join group photos: accept_request photos bob";
    terminal.notice(line);
    terminal.reply(["Download complete: /in/the films of last May/a.mkv"]);
    terminal.error(line);
    await terminal.close();
    expect(output.text).toContain("bob asks to join group photos:\naccept_request photos bob\n");
    expect(output.text).toContain("Download complete:\n/in/the films of last May/a.mkv\n");
    expect(errors.text).toContain("error: bob asks to join group photos:\naccept_request photos bob\n");
  });

  test("also when what is being typed takes more than one row", async () => {
    const { terminal, type, output } = open();
    const line = terminal.nextLine();
    await type("x".repeat(50));
    output.text = "";
    terminal.notice("news");
    const redrawn = `me> ${"x".repeat(50)}\u001b[15G`;
    expect(output.text).toBe(`\u001b[1A\u001b[1G\u001b[0Jnews\n\u001b[1G\u001b[0J${redrawn}`);
    await type("\r");
    expect(await line).toHaveLength(50);
    await terminal.close();
  });

  describe("a reply longer than the screen", () => {
    const lines = Array.from({ length: 60 }, (_, at) => `line ${at + 1}`);
    const shown = (output: Paper) => output.text.match(/line \d+\n/g)?.map((line) => line.trim()) ?? [];
    const isRead = async (reading: Promise<void>) => {
      let isOver = false;
      void reading.then(() => {
        isOver = true;
      });
      await settle();
      return isOver;
    };

    test("is turned by space, goes on by a line with Enter, and ends with its last line", async () => {
      const { terminal, type, output } = open();
      const reading = terminal.replyLong(lines);
      expect(shown(output)).toEqual(lines.slice(0, 23));
      expect(output.text).toEndWith("23 of 60: space, Enter or q");
      await type("\r");
      expect(shown(output)).toEqual(lines.slice(0, 24));
      await type(" ");
      expect(shown(output)).toEqual(lines.slice(0, 47));
      expect(await isRead(reading)).toBe(false);
      await type(" ");
      expect(shown(output)).toEqual(lines);
      expect(await isRead(reading)).toBe(true);
      await terminal.close();
    });

    test("ends with q or Ctrl-C, and no key of it is a part of the next line or leaves", async () => {
      for (const key of ["q", CTRL_C]) {
        const { terminal, type, output } = open();
        const reading = terminal.replyLong(lines);
        await type("x", "y", key);
        expect(await isRead(reading)).toBe(true);
        expect(shown(output)).toHaveLength(23);
        const line = terminal.nextLine();
        await type("whoami", "\r");
        expect(await line).toBe("whoami");
        expect(terminal.left.aborted).toBe(false);
        await terminal.close();
      }
    });

    test("stands below what comes unasked meanwhile, and ends with the terminal", async () => {
      const { terminal, output } = open();
      const reading = terminal.replyLong(lines);
      output.text = "";
      terminal.notice("bob asks to join");
      expect(output.text).toContain("bob asks to join\n23 of 60");
      await terminal.close();
      expect(await isRead(reading)).toBe(true);
    });

    test("has the screen to itself: progress comes back when it was read, and Tab completes again", async () => {
      const { terminal, type, output } = open();
      terminal.completeWith(async () => ({ start: 0, text: "whoami ", choices: [] }));
      terminal.progress(() => ["film 1%"]);
      output.text = "";
      const reading = terminal.replyLong(lines);
      terminal.progress(() => ["film 2%"]);
      terminal.notice("bob asks to join");
      await type("\t", UP, " ");
      expect(output.text.slice(2 + CLEAR.length)).not.toContain("film");
      output.text = "";
      await type("q");
      expect(await isRead(reading)).toBe(true);
      expect(output.text).toBe(`${CLEAR}${CLEAR}film 2%\n`);
      const line = terminal.nextLine();
      await type("wh", "\t", "\r");
      expect(await line).toBe("whoami ");
      await terminal.close();
    });

    test("keeps its last row at the foot of a screen of another size", async () => {
      const { terminal, output } = open();
      void terminal.replyLong(lines);
      output.text = "";
      output.columns = 20;
      output.emit("resize");
      expect(output.text).toBe(`\u001b[1A${CLEAR}23 of 60: space,...`);
      await terminal.close();
    });

    test("is shown whole where it fits, and where lines were pasted ahead", async () => {
      const { terminal, type, output } = open();
      await terminal.replyLong(lines.slice(0, 23));
      expect(shown(output)).toHaveLength(23);
      await type("whoami\r");
      await terminal.replyLong(lines);
      expect(shown(output)).toHaveLength(83);
      await terminal.nextLine();
      await type("half");
      await terminal.replyLong(lines);
      expect(shown(output)).toHaveLength(143);
      await terminal.close();
    });
  });

  test("errors go to standard error", async () => {
    const { terminal, errors } = open();
    terminal.error("no such group");
    await terminal.close();
    expect(errors.text).toBe("error: no such group\n");
  });

  test("Ctrl-C clears a half-typed line and does nothing else", async () => {
    const { terminal, type, output } = open();
    const line = terminal.nextLine();
    await type("create_group ma", CTRL_C, "whoami", CTRL_C, "logout", "\r");
    expect(await line).toBe("logout");
    expect(output.text).not.toContain("Ctrl-C");
    expect(terminal.left.aborted).toBe(false);
    await terminal.close();
  });

  test("Ctrl-C on an empty line leaves when it comes twice in a row", async () => {
    const { terminal, type, output } = open();
    const line = terminal.nextLine();
    await type(CTRL_C, "x", CTRL_C, CTRL_C);
    expect(output.text).toContain("Press Ctrl-C again to leave\n");
    expect(terminal.left.aborted).toBe(false);
    await type(CTRL_C);
    expect(await line).toBeUndefined();
    expect(terminal.left.aborted).toBe(true);
    await terminal.close();
  });

  test("Ctrl-C ends the command that runs, and twice in a row is then no wish to leave", async () => {
    const { terminal, type } = open();
    let given = 0;
    terminal.interruptWith(() => given++);
    await type("half");
    await type(CTRL_C);
    expect(given).toBe(1);
    const next = terminal.nextLine();
    await type(CTRL_C);
    expect([given, terminal.left.aborted]).toEqual([1, false]);
    await type("whoami\r");
    expect(await next).toBe("whoami");
  });

  test("Ctrl-C twice leaves while a command runs", async () => {
    const { terminal, type } = open();
    await type(CTRL_C);
    expect(terminal.left.aborted).toBe(false);
    await type(CTRL_C);
    expect(terminal.left.aborted).toBe(true);
    expect(await terminal.nextLine()).toBeUndefined();
  });

  test("Ctrl-D leaves, and so does the end of the terminal", async () => {
    for (const leave of ["key", "end"]) {
      const { terminal, type, input } = open();
      const line = terminal.nextLine();
      if (leave === "key") await type(CTRL_D);
      else input.end();
      expect(await line).toBeUndefined();
      expect(terminal.left.aborted).toBe(true);
    }
  });

  test("lines typed ahead wait for their turn, behind their prompt; too many are held back", async () => {
    const { terminal, type, output, input } = open();
    await type("one\rtwo\r");
    output.text = "";
    expect([await terminal.nextLine(), await terminal.nextLine()]).toEqual(["one", "two"]);
    expect(output.text).toBe(`${CLEAR}me> one\n${CLEAR}me> two\n`);
    await type(...Array.from({ length: LINES_AHEAD_MAX }, () => "x\r"));
    expect(input.isPaused()).toBe(true);
    await terminal.nextLine();
    expect(input.isPaused()).toBe(false);
    await terminal.close();
  });

  test("a hidden answer is neither shown nor kept in the history", async () => {
    const { terminal, type, output } = open();
    const login = terminal.nextLine();
    await type("login alice", "\r");
    await login;
    output.text = "";
    const answer = terminal.askHidden("Password: ");
    await type("s3", "cret", "\r");
    expect(await answer).toBe("s3cret");
    expect(output.text).toBe(`${CLEAR}Password: \n`);
    const next = terminal.nextLine();
    await type(UP, "\r");
    expect(await next).toBe("login alice");
    await terminal.close();
  });

  test("a notice during a hidden question asks it again; Ctrl-C gives it up", async () => {
    const { terminal, type, output } = open();
    const answer = terminal.askHidden("Password: ");
    await type("s3");
    terminal.notice("news");
    expect(output.text).toBe(`${CLEAR}Password: ${CLEAR}news\nPassword: `);
    await type(CTRL_C);
    expect(await answer).toBeUndefined();
    expect(output.text).not.toContain("s3");
    expect(output.text).not.toContain("Ctrl-C");
    const next = terminal.nextLine();
    await type("logout", "\r");
    expect(await next).toBe("logout");
    await terminal.close();
  });

  describe("progress", () => {
    const rows = (...texts: readonly string[]) => {
      return () => texts;
    };

    test("stands above what is being typed, is drawn anew in its place, and goes", async () => {
      const { terminal, type, output } = open();
      const line = terminal.nextLine();
      await type("who");
      output.text = "";
      terminal.progress(rows("film 1%", "song 2%"));
      expect(output.text).toBe(`${CLEAR}film 1%\nsong 2%\n${CLEAR}me> who\u001b[8G`);
      output.text = "";
      terminal.progress(rows("film 1%", "song 2%"));
      expect(output.text).toBe("");
      terminal.progress(rows("film 9%"));
      expect(output.text).toBe(`\u001b[2A${CLEAR}film 9%\n${CLEAR}me> who\u001b[8G`);
      output.text = "";
      terminal.progress(undefined);
      expect(output.text).toBe(`\u001b[1A${CLEAR}${CLEAR}me> who\u001b[8G`);
      await type("ami", "\r");
      expect(await line).toBe("whoami");
      await terminal.close();
    });

    test("lets what comes unasked scroll away above it", async () => {
      const { terminal, output } = open();
      void terminal.nextLine();
      terminal.progress(rows("film 1%"));
      output.text = "";
      terminal.notice("news");
      expect(output.text).toBe(`\u001b[1A${CLEAR}news\nfilm 1%\n${CLEAR}me> \u001b[5G`);
      await terminal.close();
    });

    test("leaves the line that was entered where it belongs, and no rows behind", async () => {
      const { terminal, type, output } = open();
      const line = terminal.nextLine();
      terminal.progress(rows("film 1%"));
      await type("whoami");
      output.text = "";
      await type("\r");
      expect(await line).toBe("whoami");
      expect(output.text).toBe(`\r\n\u001b[2A${CLEAR}me> whoami\nfilm 1%\n`);
      output.text = "";
      terminal.progress(undefined);
      expect(output.text).toBe(`\u001b[1A${CLEAR}`);
      await terminal.close();
    });

    test("is drawn anew for a screen of another size, of which it knows", async () => {
      const { terminal, output } = open();
      void terminal.nextLine();
      terminal.progress(({ columns }) => ["x".repeat(columns - 1)]);
      output.text = "";
      output.columns = 20;
      output.emit("resize");
      // The row of 39 has become two.
      expect(output.text).toBe(`\u001b[2A${CLEAR}${"x".repeat(19)}\n${CLEAR}me> \u001b[5G`);
      await terminal.close();
    });

    test("stands above a hidden question too, and shows nothing of the answer", async () => {
      const { terminal, type, output } = open();
      const answer = terminal.askHidden("Password: ");
      terminal.progress(rows("film 1%"));
      await type("s3");
      terminal.progress(rows("film 2%"));
      output.text = "";
      await type("cret\r");
      expect(await answer).toBe("s3cret");
      expect(output.text).toBe(`\n\u001b[2A${CLEAR}Password: \nfilm 2%\n`);
      await terminal.close();
    });

    test("is gone when the person leaves", async () => {
      const { terminal, type, output } = open();
      const line = terminal.nextLine();
      terminal.progress(rows("film 1%"));
      output.text = "";
      await type(CTRL_D);
      expect(await line).toBeUndefined();
      terminal.progress(rows("film 2%"));
      expect(output.text).toBe(`\u001b[1A${CLEAR}me> \n`);
    });
  });

  test("errors are red where colours are wanted", async () => {
    const errors = new Paper();
    const terminal = new InteractiveTerminal(
      { input: new PassThrough(), output: new Paper(), errors },
      { holdsPassword: () => false, history: { lines: [], add: () => {} }, colors: true },
    );
    terminal.error("no such group");
    await terminal.close();
    expect(errors.text).toBe("\u001b[31merror: no such group\n\u001b[39m");
  });
});

describe("on a terminal that can only print", () => {
  function open() {
    const modes: boolean[] = [];
    const input = Object.assign(new PassThrough(), { setRawMode: (raw: boolean) => modes.push(raw) });
    const output = new Paper();
    const errors = new Paper();
    const terminal = new DumbTerminal({ input, output, errors });
    terminal.setPrompt("me> ");
    const type = async (...keys: readonly string[]) => {
      for (const key of keys) {
        input.write(key);
        await settle();
      }
    };
    return { input, output, errors, terminal, type, modes };
  }

  test("nothing is written but lines and prompts; a notice gets a new prompt below it", async () => {
    const { terminal, output, errors, type } = open();
    const line = terminal.nextLine();
    await type("who");
    terminal.notice("news\u001b[2J");
    terminal.error("wrong");
    terminal.progress();
    await type("ami\n");
    expect(await line).toBe("whoami");
    terminal.reply(["user  ann"]);
    expect(output.text).toBe("me> \nnews\\u{1b}[2J\nme> \nme> user  ann\n");
    output.text = "";
    await terminal.replyLong(Array(50).fill("row"));
    expect(output.text).toBe("row\n".repeat(50));
    expect(errors.text).toBe("error: wrong\n");
    await terminal.close();
  });

  test("a hidden answer is not echoed by the driver, and is what was left of the keys", async () => {
    const { terminal, output, type, modes } = open();
    const answer = terminal.askHidden("Password: ");
    await type("s3x\u007f\u007f\u007f\u007fpw\r");
    expect(await answer).toBe("pw");
    expect(modes).toEqual([true, false]);
    expect(output.text).toBe("Password: \n");
    const given = terminal.askHidden("Password: ");
    await type("s3\u0003\r");
    expect(await given).toBeUndefined();
    await terminal.close();
  });

  test("lines typed ahead wait for their turn; its end leaves", async () => {
    const { terminal, input, type } = open();
    await type("one\ntwo\n");
    expect([await terminal.nextLine(), await terminal.nextLine()]).toEqual(["one", "two"]);
    const line = terminal.nextLine();
    input.end();
    expect(await line).toBeUndefined();
    expect(terminal.left.aborted).toBe(true);
    expect(await terminal.nextLine()).toBeUndefined();
  });
});
