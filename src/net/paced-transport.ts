/** A Transport whose connections share one limited rate of sending. */
import type { Address } from "../base/address.ts";
import type { Fingerprint } from "../base/ids.ts";
import type { Pacer } from "../base/pacer.ts";
import type { Connection, Listener, Transport } from "./connection.ts";
import { PacedConnection } from "./paced-connection.ts";

export class PacedTransport implements Transport {
  readonly #behind: Transport;
  readonly #pacer: Pacer;

  constructor(behind: Transport, pacer: Pacer) {
    this.#behind = behind;
    this.#pacer = pacer;
  }

  listen(address: Address, accept: (connection: Connection) => void): Promise<Listener> {
    return this.#behind.listen(address, (connection) => accept(this.#paced(connection)));
  }

  async dial(address: Address, expected: Fingerprint | undefined): Promise<Connection> {
    return this.#paced(await this.#behind.dial(address, expected));
  }

  #paced(connection: Connection): Connection {
    return new PacedConnection(connection, this.#pacer);
  }
}
