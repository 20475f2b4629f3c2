/**
 * One running process of the program: what goes in, what comes out, and waiting for something in it.
 *
 * Nobody waits for time. A wait is a condition that is looked at again with each line and at the end; it fails at once
 * when the process has ended without it, and with the whole transcript when its deadline passes.
 */
import type { FileSink, Subprocess } from "bun";
import { BINARY, cleanEnvironment } from "./binary.ts";
import { HAS_SIGNALS } from "./system.ts";

export interface ProgramOptions {
  /** For transcripts. */
  readonly name: string;
  readonly args: readonly string[];
  /** The command that it is started with, as `ip netns exec <name>`: one that becomes the program, under the same process id. */
  readonly within?: readonly string[];
  /** What starts the program; by default the executable of `npm run build`. */
  readonly command?: readonly string[];
  /** The folder it starts in. */
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** How long to wait for anything of it; by default WAIT_MS_MAX. */
  readonly waitMsMax?: number;
}

/** Long enough for a loaded machine; a wait that needs more than this is a hang. */
const WAIT_MS_MAX = 60_000;

const running = new Set<Program>();
// Whatever ends this process, a test runner's deadline included, leaves nothing running behind.
process.on("exit", () => {
  for (const program of running) program.kill("SIGKILL");
});

export class Program {
  readonly name: string;
  readonly waitMsMax: number;
  /** Complete lines, without their ends. */
  readonly out: string[] = [];
  readonly err: string[] = [];
  readonly #transcript: string[] = [];
  readonly #child: Subprocess<"pipe", "pipe", "pipe">;
  readonly #changed = new Set<() => void>();
  readonly #closed: Promise<void>;
  #exitCode: number | undefined;

  constructor(options: ProgramOptions) {
    this.name = options.name;
    this.waitMsMax = options.waitMsMax ?? WAIT_MS_MAX;
    this.#child = Bun.spawn([...(options.within ?? []), ...(options.command ?? [BINARY]), ...options.args], {
      cwd: options.cwd,
      env: { ...cleanEnvironment(options.home), ...options.env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    running.add(this);
    this.#closed = Promise.all([
      this.#follow(this.#child.stdout, "out", this.out),
      this.#follow(this.#child.stderr, "err", this.err),
      this.#child.exited,
    ]).then(([, , code]) => {
      this.#exitCode = code;
      running.delete(this);
      this.#notify();
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Undefined while it runs; above 128 if a signal ended it. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Resolves with the exit code once the process has ended and all its output is here. */
  async exited(): Promise<number> {
    return await this.until("its end", () => this.#exitCode);
  }

  write(text: string): void {
    for (const line of text.split("\n").slice(0, -1)) this.#transcript.push(`> ${line}`);
    const stdin: FileSink = this.#child.stdin;
    stdin.write(text);
    stdin.flush();
  }

  endInput(): void {
    this.#transcript.push("> (end of input)");
    this.#child.stdin.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** By a signal: in order, where it has such. @throws if it did not end so */
  async stop(): Promise<void> {
    this.#transcript.push("> (SIGTERM)");
    this.kill("SIGTERM");
    const code = await this.exited();
    if (HAS_SIGNALS && code !== 0)
      throw new Error(`${this.name}: ended with code ${code}\n${this.transcript()}`);
  }

  /** SIGKILL, and the process is gone when this resolves. */
  async crash(): Promise<void> {
    this.#transcript.push("> (SIGKILL)");
    this.kill("SIGKILL");
    await this.#closed;
  }

  /**
   * Resolves with the first value other than undefined that `look` finds.
   * @param what for the message when it never does
   */
  until<T>(what: string, look: () => T | undefined, waitMsMax = this.waitMsMax): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(deadline);
        this.#changed.delete(check);
        act();
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${this.name}: ${why}: ${what}\n${this.transcript()}`)));
      const deadline = setTimeout(() => fail(`not within ${waitMsMax} ms`), waitMsMax);
      const check = () => {
        const found = look();
        if (found !== undefined) settle(() => resolve(found));
        else if (this.#exitCode !== undefined) fail(`ended with code ${this.#exitCode} without`);
      };
      this.#changed.add(check);
      check();
    });
  }

  /** Resolves with the first line of standard output or error, old or new, that matches. */
  line(pattern: RegExp): Promise<string> {
    return this.until(`a line like ${pattern}`, () =>
      [...this.out, ...this.err].find((line) => pattern.test(line)),
    );
  }

  /** What went in and came out, in the order seen from here. */
  transcript(): string {
    return this.#transcript.map((line) => `  ${line}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exitCode === undefined) this.kill("SIGKILL");
    await this.#closed;
  }

  async #follow(stream: ReadableStream<Uint8Array>, name: "out" | "err", lines: string[]): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    const add = (line: string) => {
      lines.push(line);
      this.#transcript.push(`${name} ${line}`);
    };
    for await (const chunk of stream) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) add(line.replace(/\r$/, ""));
      this.#notify();
    }
    if (rest !== "") add(rest);
  }

  #notify(): void {
    for (const check of [...this.#changed]) check();
  }
}
