/**
 * The grants of this client: one for each group in use, asked of a tracker and renewed before it ends.
 *
 * A grant that still holds is used on while no tracker can be reached; one that a tracker refuses to renew is forgotten.
 * Times are this machine's: the tracker's clock may be wrong or ahead.
 */
import type { Clock } from "../base/clock.ts";
import { toFailure } from "../base/failure.ts";
import type { Gid } from "../base/ids.ts";
import { GRANT_RENEW_BEFORE_MS } from "../base/limits.ts";
import type { Grant } from "../transfer/contract.ts";
import { isPassing } from "./passing.ts";
import type { TrackerCalls } from "./tracker-link.ts";

export interface GrantWalletDependencies {
  readonly calls: TrackerCalls;
  readonly clock: Clock;
  /** How far the tracker's wall clock is ahead of this machine's. */
  readonly clockAheadMs: () => number;
}

export class GrantWallet {
  readonly #calls: TrackerCalls;
  readonly #clock: Clock;
  readonly #clockAheadMs: () => number;
  readonly #grants = new Map<Gid, Grant>();
  /** One question a group at a time. */
  readonly #asking = new Map<Gid, Promise<Grant>>();
  /** Grants asked for before the last `clear` are not kept. */
  #era = 0;

  constructor({ calls, clock, clockAheadMs }: GrantWalletDependencies) {
    this.#calls = calls;
    this.#clock = clock;
    this.#clockAheadMs = clockAheadMs;
  }

  /** @throws Failure the tracker's refusal, or why none could be had when none is left that holds */
  async grant(gid: Gid): Promise<Grant> {
    const held = this.#grants.get(gid);
    const leftMs = (held?.expiresMs ?? 0) - this.#clock.nowMs();
    if (held !== undefined && leftMs > GRANT_RENEW_BEFORE_MS) return held;
    try {
      return await this.#ask(gid);
    } catch (error) {
      const failure = toFailure(error);
      const holds = held !== undefined && held.expiresMs > this.#clock.nowMs();
      if (holds && isPassing(failure) && this.#grants.get(gid) === held) return held;
      this.#grants.delete(gid);
      throw failure;
    }
  }

  forget(gid: Gid): void {
    this.#grants.delete(gid);
  }

  clear(): void {
    this.#era++;
    this.#grants.clear();
    this.#asking.clear();
  }

  #ask(gid: Gid): Promise<Grant> {
    const asked = this.#asking.get(gid);
    if (asked !== undefined) return asked;
    const asking = this.#fetch(gid).finally(() => {
      if (this.#asking.get(gid) === asking) this.#asking.delete(gid);
    });
    this.#asking.set(gid, asking);
    return asking;
  }

  async #fetch(gid: Gid): Promise<Grant> {
    const era = this.#era;
    const { result } = await this.#calls.call("grant", { gid });
    const grant = { text: result.grant, expiresMs: result.expiresMs - this.#clockAheadMs() };
    if (era === this.#era) this.#grants.set(gid, grant);
    return grant;
  }
}
