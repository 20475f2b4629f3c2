/**
 * What the rest of the program knows of a connection: bytes in order, both ways, to a machine whose key is known.
 *
 * `tls-tcp.ts` is the one that uses sockets; `testing/sim-network` the one that does not.
 */
import type { Address } from "../base/address.ts";
import type { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";

/** What a connection tells its owner. At most one call runs at a time; none comes after `closed`. */
export interface ConnectionHandler {
  /** Bytes as they came; the array is only lent and may be reused after the call returns. */
  data(bytes: Uint8Array): void;
  /** All that was queued has gone out. */
  drained(): void;
  /** The end, exactly once, whoever caused it. `reason` is undefined for an orderly close by the other side. */
  closed(reason: Failure | undefined): void;
}

export interface Connection {
  /** Who is at the other end: proven in the handshake. */
  readonly peer: Fingerprint;
  /** Where the other end is, as this machine sees it. */
  readonly remote: Address;
  /** Bytes given to `send` that have not left this process. */
  readonly queuedBytes: number;
  readonly isOpen: boolean;
  /** Must be called in the turn of the event loop in which the connection was handed over. */
  attach(handler: ConnectionHandler): void;
  /**
   * Queues bytes in order. The array belongs to the connection until it is sent: do not change it. Ignored after the
   * end. A queue beyond its limit closes the connection: that peer does not read.
   */
  send(bytes: Uint8Array): void;
  /**
   * As `send`, and calls back once the bytes have left this process or the connection has ended.
   * @param head goes right before them
   */
  sendThen(bytes: Uint8Array, done: () => void, head?: Uint8Array): void;
  /** As `send`, for a whole message that may go before what waits for a limited rate; in order with others of its kind. */
  sendAhead(bytes: Uint8Array): void;
  /** At a limited rate large messages are to be cut into such of so many bytes, so that `sendAhead` can get in between. */
  readonly messageBytesWanted: number | undefined;
  /**
   * Says whether the one at the other end has a right to be here (is logged in, may fetch a file). Until then, and from
   * the moment on when this is taken back, it is the first to go when there is no room for a newcomer.
   */
  vouch(isVouched: boolean): void;
  /** Stops reading (back-pressure); `resume` goes on. */
  pause(): void;
  resume(): void;
  /** Ends at once; `reason` reaches the own handler's `closed`, not the other side. */
  close(reason?: Failure): void;
  /** Sends what is queued, then ends. */
  finish(): void;
}

export interface Listener {
  /** With the port really taken. */
  readonly address: Address;
  close(): void;
}

/** How one listens and dials: the only two ways to get a connection. */
export interface Transport {
  /** Calls `accept` for each connection after its handshake. @throws Failure if the address cannot be taken */
  listen(address: Address, accept: (connection: Connection) => void): Promise<Listener>;
  /** @param expected the key that must be there; undefined accepts any (first contact). @throws Failure */
  dial(address: Address, expected: Fingerprint | undefined): Promise<Connection>;
}
