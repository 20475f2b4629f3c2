/**
 * Hybrid logical time: milliseconds of a clock that never goes back, and a counter between them. Pure.
 *
 * A *stamp* orders happenings, a *claim* (stamp, then origin) orders them totally: no two entries of different origins
 * share one. They order claims to a name and single-value registers, nothing that grants access.
 */
import { assert } from "../../base/assert.ts";
import { CLOCK_AHEAD_MS_MAX } from "../../base/limits.ts";
import type { Claim, Origin, Stamp } from "../../wire/entry.ts";

const MS_MAX = 2 ** 48 - 1;
const COUNTER_MAX = 2 ** 16 - 1;

export const FIRST_STAMP = makeStamp(0, 0);

export function makeStamp(ms: number, counter: number): Stamp {
  assert(Number.isInteger(ms) && ms >= 0 && ms <= MS_MAX, `${ms} ms are not 48 bits`);
  assert(Number.isInteger(counter) && counter >= 0 && counter <= COUNTER_MAX, `${counter} is not 16 bits`);
  return (ms.toString(16).padStart(12, "0") + counter.toString(16).padStart(4, "0")) as Stamp;
}

export function stampMs(stamp: Stamp): number {
  return Number.parseInt(stamp.slice(0, 12), 16);
}

/** The least stamp above the given one; at the end of time that one itself. */
export function stampAfter(stamp: Stamp): Stamp {
  const counter = Number.parseInt(stamp.slice(12), 16);
  if (counter < COUNTER_MAX) return makeStamp(stampMs(stamp), counter + 1);
  return stampMs(stamp) < MS_MAX ? makeStamp(stampMs(stamp) + 1, 0) : stamp;
}

export function laterStamp(left: Stamp, right: Stamp): Stamp {
  return left > right ? left : right;
}

export function claimOf(stamp: Stamp, origin: Origin): Claim {
  return `${stamp} ${origin}` as Claim;
}

export function stampOf(claim: Claim): Stamp {
  return claim.slice(0, claim.indexOf(" ")) as Stamp;
}

export function originOf(claim: Claim): Origin {
  return claim.slice(claim.indexOf(" ") + 1) as Origin;
}

/** The stamps of one tracker: each above all that it gave and all that it saw, save those far ahead of its clock. */
export class HybridClock {
  #last: Stamp = FIRST_STAMP;

  /** The latest that it gave or saw. */
  get last(): Stamp {
    return this.#last;
  }

  /** A stamp for something that happens now. */
  tick(nowMs: number): Stamp {
    const wall = makeStamp(Math.min(Math.max(Math.trunc(nowMs), 0), MS_MAX), 0);
    this.#last = laterStamp(wall, stampAfter(this.#last));
    return this.#last;
  }

  /** A stamp that came from the log or from elsewhere: later ones of this clock are above it. */
  observe(stamp: Stamp, nowMs: number): void {
    if (stamp > this.#last && stampMs(stamp) <= nowMs + CLOCK_AHEAD_MS_MAX) this.#last = stamp;
  }
}
