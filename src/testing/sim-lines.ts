/**
 * The state of the lines between the machines of a simulation: how long each direction takes, and whether it passes.
 *
 * Troubles overlap: a line passes again when the last of those that block it has ended. It is remembered since when a
 * line has been clear, so that it can be said what its users may expect.
 */
import type { Fingerprint } from "../base/ids.ts";
import type { Prng } from "../base/prng.ts";
import type { SimLine } from "./sim-network.ts";

const BASE_MS_MAX = 20;

interface Condition {
  readonly baseMs: number;
  slowMs: number;
  blocks: number;
  slowdowns: number;
  clearSinceMs: number;
}

export class SimLines {
  readonly #prng: Prng;
  readonly #now: () => number;
  readonly #passAgain: () => void;
  readonly #conditions = new Map<string, Condition>();

  /** @param passAgain told when a line passes that did not */
  constructor(prng: Prng, now: () => number, passAgain: () => void) {
    this.#prng = prng;
    this.#now = now;
    this.#passAgain = passAgain;
  }

  /** Of one step. Steps of one line may overtake each other; a connection makes one at a time. */
  latencyMs(line: SimLine): number {
    const { baseMs, slowMs } = this.#of(line);
    return (baseMs + slowMs) * (0.5 + this.#prng.float());
  }

  passes(line: SimLine): boolean {
    return this.#of(line).blocks === 0;
  }

  /** @returns ends it */
  block(lines: readonly SimLine[]): () => void {
    const conditions = lines.map((line) => this.#of(line));
    for (const condition of conditions) condition.blocks++;
    return () => {
      for (const condition of conditions) {
        condition.blocks--;
        condition.clearSinceMs = this.#now();
      }
      this.#passAgain();
    };
  }

  /** @returns ends it */
  slow(lines: readonly SimLine[], slowMs: number): () => void {
    const conditions = lines.map((line) => this.#of(line));
    for (const condition of conditions) {
      condition.slowMs += slowMs;
      condition.slowdowns++;
    }
    return () => {
      for (const condition of conditions) {
        condition.slowMs -= slowMs;
        condition.slowdowns--;
        condition.clearSinceMs = this.#now();
      }
    };
  }

  /** Something happened to what was under way between the two. */
  disturbed(one: Fingerprint, other: Fingerprint): void {
    for (const line of bothWays(one, other)) this.#of(line).clearSinceMs = this.#now();
  }

  /** Since when both directions have been as they should; infinite while one is not. */
  clearSinceMs(one: Fingerprint, other: Fingerprint): number {
    return Math.max(
      ...bothWays(one, other).map((line) => {
        const { blocks, slowdowns, clearSinceMs } = this.#of(line);
        return blocks + slowdowns > 0 ? Number.POSITIVE_INFINITY : clearSinceMs;
      }),
    );
  }

  #of({ from, to }: SimLine): Condition {
    const key = from + to;
    let condition = this.#conditions.get(key);
    if (condition === undefined) {
      const baseMs = this.#prng.float() * BASE_MS_MAX;
      condition = { baseMs, slowMs: 0, blocks: 0, slowdowns: 0, clearSinceMs: 0 };
      this.#conditions.set(key, condition);
    }
    return condition;
  }
}

export function bothWays(one: Fingerprint, other: Fingerprint): SimLine[] {
  return [
    { from: one, to: other },
    { from: other, to: one },
  ];
}
