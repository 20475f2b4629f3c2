/** An attack in a process of its own, so that it takes nothing of the event loop of whoever measures beside it. */
import { join } from "node:path";
import type { Subprocess } from "bun";
import type { Order, Tally } from "./order.ts";

const MAIN = join(import.meta.dir, "attacker-main.ts");
const WAIT_MS_MAX = 60_000;

const NOTHING: Tally = { open: 0, begun: 0, ended: 0, sent: 0, heardBytes: 0, leaks: 0 };

export class Attacker {
  readonly #order: Order;
  readonly #child: Subprocess<"ignore", "pipe", "inherit">;
  readonly #told: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #tally = NOTHING;
  #hasEnded = false;

  private constructor(order: Order) {
    this.#order = order;
    this.#child = Bun.spawn([process.execPath, MAIN, JSON.stringify(order)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#told = this.#follow();
  }

  static start(order: Order): Attacker {
    return new Attacker(order);
  }

  get tally(): Tally {
    return this.#tally;
  }

  /** Resolves when it has come that far. */
  async until(isSo: (tally: Tally) => boolean): Promise<Tally> {
    const deadlineMs = performance.now() + WAIT_MS_MAX;
    while (!isSo(this.#tally)) {
      if (this.#hasEnded || performance.now() > deadlineMs)
        throw new Error(
          `the attack ${JSON.stringify(this.#order)} came to ${JSON.stringify(this.#tally)} only`,
        );
      await this.#changed.promise;
    }
    return this.#tally;
  }

  /** Resolves when it has done all that it was told to do. */
  async done(): Promise<Tally> {
    const code = await this.#child.exited;
    await this.#told;
    if (code !== 0) throw new Error(`the attack ${JSON.stringify(this.#order)} failed with code ${code}`);
    return this.#tally;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    await this.#told;
  }

  async #follow(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      const last = lines.at(-1);
      if (last !== undefined) this.#tally = JSON.parse(last) as Tally;
      this.#tell();
    }
    this.#hasEnded = true;
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
