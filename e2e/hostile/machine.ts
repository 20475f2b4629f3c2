/** A machine of its own for somebody who means harm: a key, and sockets that speak the program's TLS. */
import type { Fingerprint } from "../../src/base/ids.ts";
import { systemClock } from "../../src/base/system-clock.ts";
import { type Identity, makeIdentity } from "../../src/net/certificate.ts";
import type { Connection, Listener } from "../../src/net/connection.ts";
import { TlsTcpTransport } from "../../src/net/tls-tcp.ts";

export const LOOPBACK = "127.0.0.1";

export class Machine {
  readonly identity: Identity;
  readonly #transport: TlsTcpTransport;

  private constructor(identity: Identity, transport: TlsTcpTransport) {
    this.identity = identity;
    this.#transport = transport;
  }

  static async make(): Promise<Machine> {
    const identity = await makeIdentity();
    const transport = new TlsTcpTransport(
      { identity, clock: systemClock, report: () => {} },
      { connectionsMax: 100, perAddressMax: 100 },
    );
    return new Machine(identity, transport);
  }

  get fingerprint(): Fingerprint {
    return this.identity.fingerprint;
  }

  dial(port: number): Promise<Connection> {
    return this.#transport.dial({ host: LOOPBACK, port }, undefined);
  }

  /** @param port 0 for a free one */
  listen(port: number, accept: (connection: Connection) => void): Promise<Listener> {
    return this.#transport.listen({ host: LOOPBACK, port }, accept);
  }
}
