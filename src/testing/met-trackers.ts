/** The keys that trackers have shown, remembered in memory. For tests. */
import { type Address, formatAddress } from "../base/address.ts";
import type { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { judge } from "../net/known-trackers.ts";

export class MetTrackers {
  readonly #byAddress = new Map<string, Fingerprint>();

  recall(address: Address): Fingerprint | undefined {
    return this.#byAddress.get(formatAddress(address));
  }

  judge(
    address: Address,
    presented: Fingerprint,
    pinned: Fingerprint | undefined,
  ): "known" | "first-use" | Failure {
    return judge(address, presented, { pinned, remembered: this.recall(address) }, "known-trackers.json");
  }

  async remember(address: Address, presented: Fingerprint): Promise<void> {
    this.#byAddress.set(formatAddress(address), presented);
  }
}
