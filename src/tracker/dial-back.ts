/**
 * Dials a client back, so that it learns whether others can reach it.
 *
 * Nobody may scan by it: it dials only the address that a request comes from, once for each request, at a bounded rate;
 * it counts as reached only if the key of the asking connection is proven there; and of everything else, whether nothing
 * listens, something else does or a firewall swallows it, the answer is the same and comes after the same time. What it
 * reaches it sends nothing, and closes.
 */
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import {
  DIAL_BACK_ADDRESSES_MAX,
  DIAL_BACK_MS,
  DIAL_BACKS_AT_ONCE_MAX,
  DIAL_BACKS_PER_ADDRESS_AT_ONCE_MAX,
  DIAL_BACKS_PER_ADDRESS_PER_SECOND_MAX,
} from "../base/limits.ts";
import type { Transport } from "../net/connection.ts";
import { AddressRates } from "./address-rates.ts";
import type { ClientLink } from "./client-link.ts";

const RATE = { atOnce: DIAL_BACKS_PER_ADDRESS_AT_ONCE_MAX, perSecond: DIAL_BACKS_PER_ADDRESS_PER_SECOND_MAX };
const IGNORES_ALL = { data() {}, drained() {}, closed() {} };

export class DialBack {
  readonly #transport: Pick<Transport, "dial">;
  readonly #clock: Clock;
  readonly #rates = new AddressRates(RATE, DIAL_BACK_ADDRESSES_MAX);
  #running = 0;

  constructor(transport: Pick<Transport, "dial">, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** @param link on which it was asked. @throws Failure "try-later" beyond its rate */
  async reaches({ remote, fingerprint }: ClientLink, port: number): Promise<boolean> {
    if (this.#running >= DIAL_BACKS_AT_ONCE_MAX || !this.#rates.take(remote.host, this.#clock.monotonicMs()))
      throw new Failure("try-later", "the tracker was asked to dial back too often; try again in a minute");
    this.#running++;
    const late = Promise.withResolvers<false>();
    const cancel = this.#clock.after(DIAL_BACK_MS, () => late.resolve(false));
    const reached = this.#dial({ host: remote.host, port }, fingerprint);
    const hasEnded = () => {
      this.#running--;
    };
    reached.then(hasEnded, hasEnded);
    try {
      return await Promise.race([reached.catch(() => late.promise), late.promise]);
    } finally {
      cancel();
    }
  }

  async #dial(...to: Parameters<Transport["dial"]>): Promise<true> {
    const connection = await this.#transport.dial(...to);
    connection.attach(IGNORES_ALL);
    connection.close();
    return true;
  }
}
