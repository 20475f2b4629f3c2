/**
 * A program of `bench/peers`, or any other, as a process: it says `ready`, is told to begin, and says `done`.
 *
 * Invariant: it ends with this process, however that ends. Its standard error is kept for the message of a failure.
 */
import { boundedLines } from "../src/base/lines.ts";
import { atExit } from "./clean-up.ts";

const LINE_BYTES_MAX = 64 * 1024;
const SAID_CHARS_MAX = 2000;
const END_MS_MAX = 2000;

export class PeerProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #lines: AsyncIterator<string | Error>;
  readonly #forget: () => void;
  #said = "";
  #pid: number;

  constructor(name: string, command: readonly string[]) {
    this.#name = name;
    this.#child = Bun.spawn([...command], { stdio: ["pipe", "pipe", "pipe"] });
    this.#pid = this.#child.pid;
    this.#forget = atExit(() => this.#askToEnd());
    this.#lines = boundedLines(this.#child.stdout, LINE_BYTES_MAX)[Symbol.asyncIterator]();
    void this.#keepErrors();
  }

  /** Of the process that does the work. */
  get pid(): number {
    return this.#pid;
  }

  /** Resolves with what stands behind the word, on the next line that begins with it. */
  async says(word: string, msMax: number): Promise<string> {
    for (;;) {
      const line = await this.#line(word, msMax);
      const [first, rest = ""] = line.split(" ");
      if ((first === "ready" || first === "pid") && rest !== "") this.#pid = Number(rest);
      if (first === word) return rest;
    }
  }

  begin(): void {
    this.#child.stdin.write("begin\n");
    this.#child.stdin.flush();
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null;
  }

  /** Asks it to end, so that what it has started ends too; then makes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#askToEnd();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), END_MS_MAX);
    await this.#child.exited;
    clearTimeout(late);
    this.#forget();
  }

  /** Never a kill: a process that started others could not end them. */
  #askToEnd(): void {
    this.#child.stdin.end();
    this.#child.kill("SIGTERM");
  }

  async #line(word: string, msMax: number): Promise<string> {
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#failure(`did not say ${word} within ${msMax / 1000} s`)), msMax);
    });
    const { value } = await Promise.race([this.#lines.next(), late]).finally(() => clearTimeout(timer));
    if (typeof value === "string") return value;
    throw this.#failure(`ended with code ${await this.#child.exited} before it said ${word}`);
  }

  #failure(what: string): Error {
    return new Error(`${this.#name} ${what}${this.#said === "" ? "" : `: ${this.#said.trim()}`}`);
  }

  async #keepErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr)
      this.#said = (this.#said + decoder.decode(chunk)).slice(-SAID_CHARS_MAX);
  }
}
