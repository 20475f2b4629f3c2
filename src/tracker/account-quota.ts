/**
 * How many accounts may be made from one address, at once and in the long run: nobody takes the whole line of passwords,
 * and nobody fills the log, which keeps each account for ever. Pure: the time is handed in; memory is bounded.
 */
import { addressKey } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import {
  ACCOUNT_ADDRESSES_MAX,
  ACCOUNTS_AT_ONCE_PER_ADDRESS_MAX,
  ACCOUNTS_PER_ADDRESS_AT_ONCE_MAX,
  ACCOUNTS_PER_ADDRESS_PER_SECOND_MAX,
} from "../base/limits.ts";
import { AddressRates } from "./address-rates.ts";

const RATE = { atOnce: ACCOUNTS_PER_ADDRESS_AT_ONCE_MAX, perSecond: ACCOUNTS_PER_ADDRESS_PER_SECOND_MAX };

export class AccountQuota {
  readonly #running = new Map<string, number>();
  readonly #rates = new AddressRates(RATE, ACCOUNT_ADDRESSES_MAX);

  /**
   * @param nowMs monotonic
   * @throws Failure "try-later" when enough run for that address already, or were made lately; whatever `make` throws
   */
  async within<T>(host: string, nowMs: number, make: () => Promise<T>): Promise<T> {
    const address = addressKey(host);
    const running = this.#running.get(address) ?? 0;
    if (running >= ACCOUNTS_AT_ONCE_PER_ADDRESS_MAX)
      throw new Failure("try-later", "many accounts are being made from your address; try again shortly");
    if (!this.#rates.take(host, nowMs))
      throw new Failure("try-later", "many accounts were made from your address; try again in a minute");
    this.#running.set(address, running + 1);
    try {
      return await make();
    } finally {
      this.#end(address);
    }
  }

  #end(address: string): void {
    const left = (this.#running.get(address) ?? 1) - 1;
    if (left === 0) this.#running.delete(address);
    else this.#running.set(address, left);
  }
}
