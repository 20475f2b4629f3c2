/**
 * The links of this client to its peers: at most one dialled at a time to each key, any link used both ways.
 *
 * Owns dialling, accepting and finding a link again; knows nothing of files. A link that the other side dialled serves
 * as well as an own one, so of two clients it is enough that one can reach the other.
 */
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import type { Connection, Listener, Transport } from "../net/connection.ts";
import { PeerLink, type ServingSide } from "./peer-link.ts";

export class PeerNetwork {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #serving: ServingSide;
  readonly #links = new Map<Fingerprint, Set<PeerLink>>();
  readonly #dials = new Map<Fingerprint, Promise<PeerLink>>();
  #listener: Listener | undefined;
  #closed = false;

  constructor({ transport, clock, serving }: { transport: Transport; clock: Clock; serving: ServingSide }) {
    this.#transport = transport;
    this.#clock = clock;
    this.#serving = serving;
  }

  /** @returns the address really taken. @throws Failure "address-in-use" */
  async listen(address: Address): Promise<Address> {
    this.#listener = await this.#transport.listen(address, (connection) => this.#adopt(connection));
    return this.#listener.address;
  }

  /** A link to that very key: one that stands, whoever dialled it, or a new one. @throws Failure */
  async linkTo(peer: Fingerprint, address: Address): Promise<PeerLink> {
    const standing = this.#standing(peer);
    if (standing !== undefined) return standing;
    const under = this.#dials.get(peer);
    if (under !== undefined) return under;
    const dial = this.#dial(peer, address).finally(() => this.#dials.delete(peer));
    this.#dials.set(peer, dial);
    return dial;
  }

  close(): void {
    this.#closed = true;
    this.#listener?.close();
    for (const links of [...this.#links.values()]) for (const link of [...links]) link.close();
  }

  #standing(peer: Fingerprint): PeerLink | undefined {
    for (const link of this.#links.get(peer) ?? []) if (link.isOpen) return link;
    return undefined;
  }

  async #dial(peer: Fingerprint, address: Address): Promise<PeerLink> {
    const connection = await this.#transport.dial(address, peer);
    const link = this.#adopt(connection);
    if (!link.isOpen) throw new Failure("peer-unreachable", "the connection ended at once");
    return link;
  }

  #adopt(connection: Connection): PeerLink {
    const link = new PeerLink(connection, {
      serving: this.#serving,
      clock: this.#clock,
      whenClosed: (ended) => this.#drop(ended),
    });
    const links = this.#links.get(link.peer) ?? new Set();
    links.add(link);
    this.#links.set(link.peer, links);
    if (this.#closed) link.close();
    return link;
  }

  #drop(link: PeerLink): void {
    const links = this.#links.get(link.peer);
    links?.delete(link);
    if (links?.size === 0) this.#links.delete(link.peer);
  }
}
