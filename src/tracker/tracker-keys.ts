/**
 * Whose signatures count here: this tracker's, and those of the others of its list that it has met.
 *
 * Kept in the store, so that grants and sessions which another tracker signed hold while it is down and after a restart.
 * A tracker that is not listed any more counts no more.
 */
import * as v from "valibot";
import { type Address, formatAddress } from "../base/address.ts";
import { shortText } from "../wire/schema.ts";

/** The part of the store that is needed here. */
export interface KeyShelf {
  getMeta(key: string): string | undefined;
  setMeta(key: string, value: string): void;
}

const META_KEY = "tracker-keys";
const shape = v.record(v.string(), shortText);

export class TrackerKeys {
  readonly #own: string;
  readonly #shelf: KeyShelf;
  readonly #byAddress: Map<string, string>;

  /** @param listed the addresses of the other trackers */
  constructor(own: string, listed: readonly Address[], shelf: KeyShelf) {
    this.#own = own;
    this.#shelf = shelf;
    const places = new Set(listed.map(formatAddress));
    this.#byAddress = new Map(Object.entries(read(shelf)).filter(([place]) => places.has(place)));
  }

  /** Public keys as they travel, this tracker's first. */
  get all(): readonly string[] {
    return [...new Set([this.#own, ...this.#byAddress.values()])];
  }

  /** @returns whether that is new. @throws Failure "disk-error" */
  learn(address: Address, key: string): boolean {
    const place = formatAddress(address);
    if (this.#byAddress.get(place) === key) return false;
    this.#byAddress.set(place, key);
    this.#shelf.setMeta(META_KEY, JSON.stringify(Object.fromEntries(this.#byAddress)));
    return true;
  }
}

/** What cannot be read any more is learned anew. */
function read(shelf: KeyShelf): Record<string, string> {
  try {
    const found = v.safeParse(shape, JSON.parse(shelf.getMeta(META_KEY) ?? "{}"));
    return found.success ? found.output : {};
  } catch {
    return {};
  }
}
