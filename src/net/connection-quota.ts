/**
 * How many connections may stand at once, in total and from one address, handshakes included. Pure.
 *
 * Whoever was admitted is released exactly once; an address with no connection takes no memory.
 */
import { assert } from "../base/assert.ts";

export interface QuotaOptions {
  readonly connectionsMax: number;
  readonly perAddressMax: number;
}

export class ConnectionQuota {
  readonly #options: QuotaOptions;
  readonly #byHost = new Map<string, number>();
  #total = 0;

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  /** @returns false if there is no room for one more from there */
  admit(host: string): boolean {
    const fromHost = this.#byHost.get(host) ?? 0;
    if (this.#total >= this.#options.connectionsMax) return false;
    if (fromHost >= this.#options.perAddressMax) return false;
    this.#total++;
    this.#byHost.set(host, fromHost + 1);
    return true;
  }

  release(host: string): void {
    const fromHost = this.#byHost.get(host) ?? 0;
    assert(fromHost > 0, `released a connection from ${host} that was not admitted`);
    this.#total--;
    if (fromHost === 1) this.#byHost.delete(host);
    else this.#byHost.set(host, fromHost - 1);
  }
}
