/** What an HTTP tracker of BitTorrent understands and says, as far as the clients here need it. Pure. */
import { bencode } from "./torrent.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Clients that begin together see each other at the second announce at the latest. */
const INTERVAL_SECONDS = 5;

/** Six bytes a peer: an IPv4 address and a port. @throws for anything but an IPv4 address */
export function compactPeers(peers: readonly Address[]): Buffer {
  const packed = Buffer.alloc(peers.length * 6);
  for (const [index, { host, port }] of peers.entries()) {
    const parts = host.split(".").map(Number);
    if (parts.length !== 4 || !parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255))
      throw new Error(`not an IPv4 address: ${host}`);
    packed.set(parts, index * 6);
    packed.writeUInt16BE(port, index * 6 + 4);
  }
  return packed;
}

/** The swarm of the one torrent that a tracker is for. */
export class AnnouncedPeers {
  readonly #peers = new Map<string, Address>();

  /**
   * @param host where the announce came from
   * @param query behind the `?`
   * @returns the answer's body: all others that have announced themselves
   */
  announce(host: string, query: URLSearchParams): Buffer {
    const port = Number(query.get("port"));
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      return bencode({ "failure reason": `no port: ${query.get("port")}` });
    const key = `${host}:${port}`;
    if (query.get("event") === "stopped") this.#peers.delete(key);
    else this.#peers.set(key, { host, port });
    const others = [...this.#peers].flatMap(([other, address]) => (other === key ? [] : [address]));
    return bencode({
      interval: INTERVAL_SECONDS,
      "min interval": INTERVAL_SECONDS,
      complete: 0,
      incomplete: this.#peers.size,
      peers: compactPeers(others),
    });
  }
}
