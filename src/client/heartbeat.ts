/**
 * Notices that the tracker at the other end of a link has fallen silent: a process that hangs closes no connection.
 *
 * Pings follow each other, soon while a call waits for its answer, rarely otherwise; one ping at a time. A ping queues
 * behind the bytes of a piece list on a slow line, so while one travels the answer may take as long as any call.
 */
import type { Clock } from "../base/clock.ts";
import {
  RPC_MS_MAX,
  TRACKER_PING_IDLE_MS,
  TRACKER_PING_WAITING_MS,
  TRACKER_PONG_MS_MAX,
} from "../base/limits.ts";
import type { Method } from "../wire/client-tracker.ts";

const BULKY: ReadonlySet<Method> = new Set<Method>(["put_blob", "get_blob"]);

export interface HeartbeatDependencies {
  readonly clock: Clock;
  readonly ping: () => Promise<unknown>;
  /** Called once at most; the heart has stopped then. */
  readonly silent: () => void;
}

export class Heartbeat {
  readonly #clock: Clock;
  readonly #ping: () => Promise<unknown>;
  readonly #silent: () => void;
  #waiting = 0;
  #bulky = 0;
  #pinging = false;
  #stopped = false;
  #cancel = () => {};

  constructor({ clock, ping, silent }: HeartbeatDependencies) {
    this.#clock = clock;
    this.#ping = ping;
    this.#silent = silent;
    this.#arm();
  }

  /** @returns to be called when that call has ended */
  callBegins(method: Method): () => void {
    const bulk = BULKY.has(method) ? 1 : 0;
    this.#waiting++;
    this.#bulky += bulk;
    if (this.#waiting === 1 && !this.#pinging) this.#arm();
    return () => {
      this.#waiting--;
      this.#bulky -= bulk;
    };
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #arm(): void {
    this.#cancel();
    if (this.#stopped) return;
    const delayMs = this.#waiting > 0 ? TRACKER_PING_WAITING_MS : TRACKER_PING_IDLE_MS;
    this.#cancel = this.#clock.after(delayMs, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    this.#pinging = true;
    const sentMs = this.#clock.monotonicMs();
    this.#watch(sentMs);
    try {
      await this.#ping();
    } catch {
      // The link has ended or will be found silent: either is told elsewhere.
    }
    this.#pinging = false;
    this.#arm();
  }

  #watch(sentMs: number): void {
    this.#cancel = this.#clock.after(TRACKER_PONG_MS_MAX, () => {
      const silentMs = this.#clock.monotonicMs() - sentMs;
      if (this.#bulky > 0 && silentMs < RPC_MS_MAX) {
        this.#watch(sentMs);
        return;
      }
      this.stop();
      this.#silent();
    });
  }
}
