/**
 * How many connections may stand at once, in total and from one address, and who gives way when there is no room. Pure.
 *
 * Whoever has not shown any right to be here costs its place nothing, and so could hold all of them for ever. A newcomer
 * therefore takes the place of such a one: of its own address where that has its share, else of the address that holds
 * most of them, so that whoever crowds in crowds out itself. Who has had time to prove a key and did not goes first, the oldest
 * before others; then the oldest stranger; then whoever is at it: a newcomer would else cut the handshake of the one before.
 * A guest never goes. With guests alone there is no room, and the newcomer is refused.
 *
 * The one that gives way is out of the books at once; the end of its connection follows. An address without connections
 * takes no memory. The time is handed in.
 */
import { addressKey } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { HANDSHAKE_MS_USUAL } from "../base/limits.ts";

export interface QuotaOptions {
  readonly connectionsMax: number;
  readonly perAddressMax: number;
}

/** `unproven` has not finished the handshake; a `stranger` has a key, as anybody can; a `guest` was vouched for. */
export type Standing = "unproven" | "stranger" | "guest";

/** Those of one address, in each standing the one longest in it first. */
type Household<C> = Readonly<Record<Standing, Set<C>>>;

interface Place {
  readonly address: string;
  readonly sinceMs: number;
}

export class ConnectionQuota<C extends object> {
  readonly #options: QuotaOptions;
  readonly #households = new Map<string, Household<C>>();
  readonly #places = new Map<C, Place>();

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#places.size;
  }

  /**
   * @param nowMs monotonic
   * @returns who has to go for it, if anybody; or "refused" if there is no room for one more from there
   */
  admit(newcomer: C, host: string, nowMs: number): "refused" | { readonly evicted: C | undefined } {
    const address = addressKey(host);
    const crowd = this.#crowd(address);
    const evicted = crowd === undefined ? undefined : this.#firstToGo(crowd, nowMs);
    if (crowd !== undefined && evicted === undefined) return "refused";
    if (evicted !== undefined) this.release(evicted);
    this.#places.set(newcomer, { address, sinceMs: nowMs });
    this.#householdAt(address).unproven.add(newcomer);
    return { evicted };
  }

  /** Nothing happens to one that has left or given way. */
  setStanding(one: C, standing: Standing): void {
    const household = this.#householdOf(one);
    if (household === undefined || household[standing].has(one)) return;
    remove(household, one);
    household[standing].add(one);
  }

  /** Its connection has ended. Nothing happens if it had to give way before. */
  release(one: C): void {
    const place = this.#places.get(one);
    if (place === undefined) return;
    this.#places.delete(one);
    const { address } = place;
    const household = this.#householdAt(address);
    remove(household, one);
    if (sizeOf(household) === 0) this.#households.delete(address);
  }

  /** @returns those of whom one has to go before one more comes from that address; undefined if there is room */
  #crowd(address: string): Household<C> | undefined {
    const own = this.#households.get(address);
    if (own !== undefined && sizeOf(own) >= this.#options.perAddressMax) return own;
    if (this.#places.size < this.#options.connectionsMax) return undefined;
    return this.#mostCrowded();
  }

  /** Looks at all addresses, some 50 us at ten thousand: only when every place is taken, and a handshake costs more. */
  #mostCrowded(): Household<C> {
    let most: Household<C> | undefined;
    for (const household of this.#households.values())
      if (most === undefined || doubtful(household) > doubtful(most)) most = household;
    assert(most !== undefined, "every place is taken, and nobody is there");
    return most;
  }

  #firstToGo({ unproven, stranger }: Household<C>, nowMs: number): C | undefined {
    const [oldest] = unproven;
    if (oldest !== undefined && this.#hasHadTime(oldest, nowMs)) return oldest;
    const [one = oldest] = stranger;
    return one;
  }

  #hasHadTime(one: C, nowMs: number): boolean {
    const since = this.#places.get(one)?.sinceMs ?? nowMs;
    return nowMs - since >= HANDSHAKE_MS_USUAL;
  }

  #householdOf(one: C): Household<C> | undefined {
    const place = this.#places.get(one);
    return place === undefined ? undefined : this.#householdAt(place.address);
  }

  #householdAt(address: string): Household<C> {
    let household = this.#households.get(address);
    if (household === undefined) {
      household = { unproven: new Set(), stranger: new Set(), guest: new Set() };
      this.#households.set(address, household);
    }
    return household;
  }
}

function doubtful<C>({ unproven, stranger }: Household<C>): number {
  return unproven.size + stranger.size;
}

function sizeOf<C>(household: Household<C>): number {
  return doubtful(household) + household.guest.size;
}

function remove<C>(household: Household<C>, one: C): void {
  for (const standing of Object.values(household)) standing.delete(one);
}
