/**
 * How many accounts may be in the making from one address, so that nobody takes the whole line of passwords. Pure.
 *
 * An address for which nothing runs takes no memory.
 */
import { addressKey } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import { ACCOUNTS_AT_ONCE_PER_ADDRESS_MAX } from "../base/limits.ts";

export class AccountQuota {
  readonly #running = new Map<string, number>();

  /** @throws Failure "try-later" when enough run for that address already; whatever `make` throws */
  async within<T>(host: string, make: () => Promise<T>): Promise<T> {
    const address = addressKey(host);
    const running = this.#running.get(address) ?? 0;
    if (running >= ACCOUNTS_AT_ONCE_PER_ADDRESS_MAX)
      throw new Failure("try-later", "many accounts are being made from your address; try again shortly");
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
