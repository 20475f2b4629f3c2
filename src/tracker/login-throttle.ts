/**
 * How long somebody who guesses passwords has to wait. Pure: the time is handed in; memory is bounded.
 *
 * Three counts of wrong tries, each free at first, then delayed, doubling:
 * 1. (user, address): the strict one. Guesses from elsewhere do not touch it, so the rightful user is not locked out.
 * 2. address: stops one machine that tries many users. Free for many more tries: a whole lab may share an address.
 * 3. user: slows guesses that come from many addresses; short, and never for an address that has not erred yet.
 * A try counts as wrong from its beginning until it succeeds, so that guesses in parallel gain nothing. A delay never
 * grows by asking during it, and ends: nobody is locked out for good.
 */
import { addressKey } from "../base/address.ts";
import {
  LOGIN_DELAY_MS_MAX,
  LOGIN_DELAY_MS_MIN,
  LOGIN_DELAY_PER_USER_MS_MAX,
  LOGIN_THROTTLE_ENTRIES_MAX,
  WRONG_LOGINS_FREE,
  WRONG_LOGINS_FREE_PER_ADDRESS,
  WRONG_LOGINS_FREE_PER_USER,
  WRONG_LOGINS_KEPT_MS,
} from "../base/limits.ts";

interface WrongTries {
  readonly count: number;
  readonly lastMs: number;
}

export class LoginThrottle {
  readonly #pairs = new TryBook();
  readonly #addresses = new TryBook();
  readonly #users = new TryBook();

  /**
   * Begins a try, which counts as wrong until `succeed` says otherwise.
   * @param user any one spelling of the name, the same for each try
   * @param nowMs monotonic
   * @returns 0, or the milliseconds to wait: then the try has not begun
   */
  begin(user: string, host: string, nowMs: number): number {
    const address = addressKey(host);
    const pair = pairKey(user, address);
    const erred = this.#pairs.at(pair, nowMs);
    const waitMs = Math.max(
      waitAfter(erred, delayMs(erred.count, WRONG_LOGINS_FREE, LOGIN_DELAY_MS_MAX), nowMs),
      waitAfter(erred, this.#userDelayMs(user, erred, nowMs), nowMs),
      this.#addressWaitMs(address, nowMs),
    );
    if (waitMs > 0) return waitMs;
    this.#pairs.add(pair, nowMs);
    this.#addresses.add(address, nowMs);
    this.#users.add(user, nowMs);
    return 0;
  }

  /** The try was right: what it had counted is taken back, and this user starts afresh from this address. */
  succeed(user: string, host: string): void {
    const address = addressKey(host);
    this.#pairs.forget(pairKey(user, address));
    this.#addresses.takeBack(address);
    this.#users.takeBack(user);
  }

  /** The try was neither right nor wrong (nobody looked): it does not count. */
  withdraw(user: string, host: string): void {
    const address = addressKey(host);
    this.#pairs.takeBack(pairKey(user, address));
    this.#addresses.takeBack(address);
    this.#users.takeBack(user);
  }

  /** Measured from this address's own last try: tries from elsewhere cannot push it further away. */
  #userDelayMs(user: string, erred: WrongTries, nowMs: number): number {
    if (erred.count === 0) return 0;
    return delayMs(
      this.#users.at(user, nowMs).count,
      WRONG_LOGINS_FREE_PER_USER,
      LOGIN_DELAY_PER_USER_MS_MAX,
    );
  }

  #addressWaitMs(address: string, nowMs: number): number {
    const tries = this.#addresses.at(address, nowMs);
    return waitAfter(tries, delayMs(tries.count, WRONG_LOGINS_FREE_PER_ADDRESS, LOGIN_DELAY_MS_MAX), nowMs);
  }
}

function delayMs(wrong: number, free: number, mostMs: number): number {
  if (wrong < free) return 0;
  return Math.min(LOGIN_DELAY_MS_MIN * 2 ** Math.min(wrong - free, 30), mostMs);
}

function waitAfter(tries: WrongTries, delay: number, nowMs: number): number {
  return Math.max(0, tries.lastMs + delay - nowMs);
}

function pairKey(user: string, address: string): string {
  return `${address} ${user}`;
}

const NONE: WrongTries = { count: 0, lastMs: Number.NEGATIVE_INFINITY };

/** Wrong tries by key, the one longest untouched first, so that it is the first to go. */
class TryBook {
  readonly #tries = new Map<string, WrongTries>();

  at(key: string, nowMs: number): WrongTries {
    const tries = this.#tries.get(key);
    return tries === undefined || nowMs - tries.lastMs > WRONG_LOGINS_KEPT_MS ? NONE : tries;
  }

  add(key: string, nowMs: number): void {
    const count = this.at(key, nowMs).count + 1;
    this.#tries.delete(key);
    this.#tries.set(key, { count, lastMs: nowMs });
    for (const [oldest, tries] of this.#tries) {
      const expired = nowMs - tries.lastMs > WRONG_LOGINS_KEPT_MS;
      if (!expired && this.#tries.size <= LOGIN_THROTTLE_ENTRIES_MAX) break;
      this.#tries.delete(oldest);
    }
  }

  takeBack(key: string): void {
    const tries = this.#tries.get(key);
    if (tries === undefined) return;
    if (tries.count <= 1) this.#tries.delete(key);
    else this.#tries.set(key, { ...tries, count: tries.count - 1 });
  }

  forget(key: string): void {
    this.#tries.delete(key);
  }
}
