/**
 * How often each address may ask for something. Pure: the time is handed in; memory is bounded.
 *
 * The address that asked longest ago is forgotten first, and may then begin anew.
 */
import { addressKey } from "../base/address.ts";
import { Allowance, type AllowanceOptions } from "../base/allowance.ts";

export class AddressRates {
  readonly #rate: AllowanceOptions;
  readonly #addressesMax: number;
  readonly #allowances = new Map<string, Allowance>();

  constructor(rate: AllowanceOptions, addressesMax: number) {
    this.#rate = rate;
    this.#addressesMax = addressesMax;
  }

  /** Counts one. @param nowMs monotonic. @returns false if it was one too many */
  take(host: string, nowMs: number): boolean {
    const address = addressKey(host);
    const allowance = this.#allowances.get(address) ?? new Allowance(this.#rate, nowMs);
    this.#allowances.delete(address);
    this.#allowances.set(address, allowance);
    const [oldest = address] = this.#allowances.keys();
    if (this.#allowances.size > this.#addressesMax) this.#allowances.delete(oldest);
    return allowance.take(nowMs);
  }
}
