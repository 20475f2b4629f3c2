/** Scripts of this folder as processes of their own, one line in, one line out. */
import { join } from "node:path";
import { boundedLines } from "../src/base/lines.ts";

const LINE_BYTES_MAX = 64 * 1024 * 1024;

export class Script implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string | Error>;

  constructor(name: string, request: unknown) {
    this.#child = Bun.spawn([process.execPath, join(import.meta.dir, name), JSON.stringify(request)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = boundedLines(this.#child.stdout, LINE_BYTES_MAX)[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid;
  }

  write(line: string): void {
    this.#child.stdin.write(`${line}\n`);
    this.#child.stdin.flush();
  }

  /** @throws if it ended without */
  async line(): Promise<string> {
    const { value } = await this.#lines.next();
    if (typeof value === "string") return value;
    throw new Error(`a script ended with code ${await this.#child.exited}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

/** Runs one to its answer. */
export async function answerOf<T>(name: string, request: unknown): Promise<T> {
  await using script = new Script(name, request);
  return JSON.parse(await script.line());
}
