/**
 * Keeps an idle connection known to be alive: a ping after silence, the end after more of it.
 *
 * Any byte from the other side counts as life, so a busy connection is never pinged. The decision is pure; the class is
 * the timer around it. It owns the ping and pong frames of both protocols; the connection stays its user's.
 */
import { Allowance } from "../base/allowance.ts";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import {
  IDLE_CLOSE_MS,
  IDLE_PING_MS,
  KEEP_ALIVES_AT_ONCE_MAX,
  KEEP_ALIVES_PER_SECOND_MAX,
} from "../base/limits.ts";
import { encodeFrame, type FrameKindRule, PING_KIND, PONG_KIND } from "../wire/frame.ts";
import type { Connection } from "./connection.ts";

/** To be merged into the rules of a protocol that is kept alive. */
export const KEEP_ALIVE_RULES: ReadonlyMap<number, FrameKindRule> = new Map([
  [PING_KIND, { bodyBytesMax: 0 }],
  [PONG_KIND, { bodyBytesMax: 0 }],
]);

export type KeepAliveStep =
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "ping"; readonly ms: number }
  | { readonly kind: "close" };

/**
 * @param silentMs since the last byte from the other side
 * @param pinged whether a ping has gone out since then
 * @returns what to do now, and after how many milliseconds to ask again
 */
export function keepAliveStep(silentMs: number, pinged: boolean): KeepAliveStep {
  if (silentMs >= IDLE_CLOSE_MS) return { kind: "close" };
  if (silentMs < IDLE_PING_MS) return { kind: "wait", ms: IDLE_PING_MS - silentMs };
  return { kind: pinged ? "wait" : "ping", ms: Math.min(IDLE_PING_MS, IDLE_CLOSE_MS - silentMs) };
}

export class KeepAlive {
  readonly #connection: Pick<Connection, "send" | "close">;
  readonly #clock: Clock;
  readonly #allowance: Allowance;
  #heardMs: number;
  #pinged = false;
  #cancel: () => void = () => {};

  constructor({ connection, clock }: { connection: Pick<Connection, "send" | "close">; clock: Clock }) {
    this.#connection = connection;
    this.#clock = clock;
    this.#heardMs = clock.monotonicMs();
    this.#allowance = new Allowance(
      { atOnce: KEEP_ALIVES_AT_ONCE_MAX, perSecond: KEEP_ALIVES_PER_SECOND_MAX },
      this.#heardMs,
    );
    this.#arm(IDLE_PING_MS);
  }

  /** To be called for every chunk of bytes; costs one look at the clock. */
  heard(): void {
    this.#heardMs = this.#clock.monotonicMs();
    this.#pinged = false;
  }

  /**
   * Answers a ping. Cheap as each is, a chunk holds a hundred thousand of them.
   * @returns true if the frame was one of these, and is done with
   * @throws Failure "too-many" if they come more often than anybody needs them
   */
  frame(kind: number): boolean {
    if (kind !== PING_KIND && kind !== PONG_KIND) return false;
    if (!this.#allowance.take(this.#heardMs))
      throw new Failure("too-many", "the other side sends pings without end");
    if (kind === PING_KIND) this.#connection.send(encodeFrame(PONG_KIND));
    return true;
  }

  stop(): void {
    this.#cancel();
  }

  #arm(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    const step = keepAliveStep(this.#clock.monotonicMs() - this.#heardMs, this.#pinged);
    if (step.kind === "close") {
      this.#connection.close(new Failure("timeout", "the other side has fallen silent"));
      return;
    }
    this.#arm(step.ms);
    if (step.kind === "wait") return;
    this.#pinged = true;
    this.#connection.send(encodeFrame(PING_KIND));
  }
}
