/**
 * One connection between two clients, and the channels on it in both directions.
 *
 * Owns the framing, the channel numbers and who is told what: a channel opened here tells its `ChannelHandler`, a
 * message about a channel opened there goes to the `ServingSide`. Invariant: a handler is told `closed` exactly once and
 * nothing after it. It decides nothing about pieces, grants or files; bytes of a piece go straight to where the handler
 * points.
 */

import { Allowance } from "../base/allowance.ts";
import { unreachable } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Failure, toFailure } from "../base/failure.ts";
import type { FileId, Fingerprint, Gid } from "../base/ids.ts";
import {
  BAD_GRANTS_AT_ONCE_MAX,
  BAD_GRANTS_PER_SECOND_MAX,
  CHANNELS_PER_CONNECTION_MAX,
  FUTILE_MESSAGES_AT_ONCE_MAX,
  FUTILE_MESSAGES_PER_SECOND_MAX,
  HANDSHAKE_MS_MAX,
  LINK_IDLE_MS,
} from "../base/limits.ts";
import type { Connection } from "../net/connection.ts";
import { KEEP_ALIVE_RULES, KeepAlive } from "../net/keep-alive.ts";
import {
  type DataHead,
  decodeDataHead,
  decodePeerMessage,
  encodeDataHead,
  encodeHello,
  encodePeerMessage,
  PEER_FRAME_RULES,
  type PeerMessage,
  type PieceRange,
  type RejectReason,
  refuseHello,
} from "../wire/client-peer.ts";
import { FrameDecoder } from "../wire/frame.ts";

/** What the opener of a channel hears. */
export interface ChannelHandler {
  /** @param bits packed; undefined: the server has all */
  opened(bits: Uint8Array | undefined): void;
  have(pieces: readonly number[]): void;
  /** The server gives these to somebody else. */
  given(pieces: readonly number[]): void;
  /** Bytes of a requested range begin. @returns where they go (at least `length` bytes), undefined to throw them away */
  dataBegins(piece: number, begin: number, length: number): Uint8Array | undefined;
  /** So many bytes more have come, and were put in place or thrown away: a sign of life. */
  dataGrows(piece: number, bytes: number): void;
  dataEnds(piece: number, begin: number, length: number): void;
  rejected(range: PieceRange, reason: RejectReason): void;
  /** Refused, ended by the server, or the connection is gone. */
  closed(failure: Failure): void;
}

/** A channel as its opener holds it. After the end its methods do nothing. */
export interface OpenedChannel {
  request(range: PieceRange): void;
  cancel(range: PieceRange): void;
  arrived(piece: number): void;
  renew(grant: string): void;
  /** Wants nothing more; the handler hears nothing more either. */
  leave(): void;
}

/** What a channel is opened for. */
export type Wanted =
  | { readonly kind: "open"; readonly gid: Gid; readonly fileId: FileId }
  | { readonly kind: "open-bundle"; readonly gid: Gid; readonly pieces: readonly (readonly FileId[])[] };

/** What the serving half of a client hears, for all its links. */
export interface ServingSide {
  open(link: PeerLink, channel: number, wanted: Wanted, grant: string): void;
  renew(link: PeerLink, channel: number, grant: string): void;
  request(link: PeerLink, channel: number, range: PieceRange): void;
  cancel(link: PeerLink, channel: number, range: PieceRange): void;
  /** @returns false if that piece was not on its way */
  arrived(link: PeerLink, channel: number, piece: number): boolean;
  leave(link: PeerLink, channel: number): void;
  linkClosed(link: PeerLink): void;
}

/** The data frame being received, while its channel is open: whose it is and where its bytes go. */
interface Incoming {
  readonly head: DataHead;
  readonly length: number;
  readonly handler: ChannelHandler;
  readonly target: Uint8Array | undefined;
  received: number;
}

export class PeerLink {
  readonly peer: Fingerprint;
  readonly #connection: Connection;
  readonly #serving: ServingSide;
  readonly #clock: Clock;
  readonly #decoder: FrameDecoder;
  readonly #keepAlive: KeepAlive;
  readonly #opened = new Map<number, ChannelHandler>();
  readonly #served = new Set<number>();
  readonly #whenClosed: (link: PeerLink) => void;
  readonly #futile: Allowance;
  readonly #badGrants: Allowance;
  #nextChannel = 1;
  #greeted = false;
  /** undefined also while a frame comes whose channel has ended: it is thrown away. */
  #incoming: Incoming | undefined;
  #cancelIdle: (() => void) | undefined;
  readonly #cancelHello: () => void;

  /** Must be made in the turn of the event loop in which the connection was handed over. */
  constructor(
    connection: Connection,
    {
      serving,
      clock,
      whenClosed,
    }: { serving: ServingSide; clock: Clock; whenClosed: (link: PeerLink) => void },
  ) {
    this.peer = connection.peer;
    this.#connection = connection;
    this.#serving = serving;
    this.#clock = clock;
    this.#whenClosed = whenClosed;
    this.#decoder = new FrameDecoder(
      {
        frame: (kind, body) => this.#frame(kind, body),
        begin: (_kind, head, restBytes) => this.#dataBegins(decodeDataHead(head), restBytes),
        part: (bytes) => this.#dataPart(bytes),
        end: () => this.#dataEnds(),
      },
      new Map([...PEER_FRAME_RULES, ...KEEP_ALIVE_RULES]),
    );
    this.#keepAlive = new KeepAlive({ connection, clock });
    this.#futile = new Allowance(
      { atOnce: FUTILE_MESSAGES_AT_ONCE_MAX, perSecond: FUTILE_MESSAGES_PER_SECOND_MAX },
      clock.monotonicMs(),
    );
    this.#badGrants = new Allowance(
      { atOnce: BAD_GRANTS_AT_ONCE_MAX, perSecond: BAD_GRANTS_PER_SECOND_MAX },
      clock.monotonicMs(),
    );
    connection.attach({
      data: (bytes) => this.#data(bytes),
      drained: () => {},
      closed: (reason) => this.#ended(reason),
    });
    connection.sendAhead(encodeHello());
    this.#cancelHello = clock.after(HANDSHAKE_MS_MAX, () => {
      if (!this.#greeted) this.close(new Failure("timeout", "no hello in time"));
    });
    this.#watchIdle();
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  get queuedBytes(): number {
    return this.#connection.queuedBytes;
  }

  /** Asks the other side for it. @throws Failure "peer-unreachable" if the link has ended: no word would come any more */
  openChannel(wanted: Wanted, grant: string, handler: ChannelHandler): OpenedChannel {
    if (!this.isOpen) throw new Failure("peer-unreachable", "the connection has ended");
    const channel = this.#nextChannel++;
    this.#opened.set(channel, handler);
    this.admit();
    this.#watchIdle();
    this.#ask({ ...wanted, channel, grant });
    const whileOpen = (message: PeerMessage) => {
      if (this.#opened.get(channel) === handler) this.#ask(message);
    };
    return {
      request: (range) => whileOpen({ kind: "request", channel, range }),
      cancel: (range) => whileOpen({ kind: "cancel", channel, range }),
      arrived: (piece) => whileOpen({ kind: "arrived", channel, piece }),
      renew: (fresh) => whileOpen({ kind: "renew", channel, grant: fresh }),
      leave: () => {
        whileOpen({ kind: "leave", channel });
        this.#forget(channel);
      },
    };
  }

  send(message: PeerMessage): void {
    this.#connection.send(encodePeerMessage(message));
  }

  /** The grant with which the peer opened the channel does not count. */
  refuseGrant(channel: number, failure: Failure): void {
    this.endServed(channel, failure);
    this.countBadGrant();
  }

  /** @throws Failure "too-many" for one that goes on showing grants that do not count: it is dropped */
  countBadGrant(): void {
    if (!this.#badGrants.take(this.#clock.monotonicMs()))
      throw new Failure("too-many", "the peer shows grants without end that do not count");
  }

  /** Says that a range is not served. Who goes on asking for such is dropped. */
  reject(channel: number, range: PieceRange, reason: RejectReason): void {
    this.send({ kind: "reject", channel, range, reason });
    this.#countFutile();
  }

  /** Sends a range's bytes; `bytes` must not change until `done` is called (also called when the link ends). */
  sendData(head: DataHead, bytes: Uint8Array, done: () => void): void {
    const partBytes = this.#connection.messageBytesWanted ?? bytes.length;
    let at = 0;
    for (; bytes.length - at > partBytes; at += partBytes)
      this.#sendPart({ ...head, begin: head.begin + at }, bytes.subarray(at, at + partBytes), () => {});
    this.#sendPart({ ...head, begin: head.begin + at }, bytes.subarray(at), done);
  }

  #sendPart(head: DataHead, bytes: Uint8Array, done: () => void): void {
    this.#connection.sendThen(bytes, done, encodeDataHead(head, bytes.length));
  }

  /** What this side asks for is not held up by what it gives. */
  #ask(message: PeerMessage): void {
    this.#connection.sendAhead(encodePeerMessage(message));
  }

  /** The peer is one of the group: its link keeps its place while a channel is open. */
  admit(): void {
    this.#connection.vouch(true);
  }

  /** The server's word on a channel that the other side opened: it is over. */
  endServed(channel: number, failure: Failure): void {
    if (!this.#served.delete(channel)) return;
    this.send({ kind: "closed", channel, failure });
    this.#watchIdle();
  }

  /** Nothing more is heard, not even the rest of what has just come. */
  close(reason?: Failure): void {
    this.#decoder.stop();
    this.#connection.close(reason);
  }

  #data(bytes: Uint8Array): void {
    this.#keepAlive.heard();
    try {
      this.#decoder.push(bytes);
    } catch (error) {
      this.#connection.close(toFailure(error));
    }
  }

  #frame(kind: number, body: Uint8Array): void {
    if (this.#keepAlive.frame(kind)) return;
    if (!this.#greeted) {
      const refused = refuseHello(kind, body);
      if (refused !== undefined) throw refused;
      this.#greeted = true;
      this.#cancelHello();
      return;
    }
    const message = decodePeerMessage(kind, body);
    if (message instanceof Failure) throw message;
    this.#message(message);
  }

  #message(message: PeerMessage): void {
    switch (message.kind) {
      case "open":
      case "open-bundle":
      case "renew":
      case "request":
      case "cancel":
      case "arrived":
      case "leave":
        this.#tellServing(message);
        break;
      case "opened":
      case "have":
      case "given":
      case "reject":
      case "closed":
        this.#tellOpener(message);
        break;
      default:
        unreachable(message);
    }
  }

  #tellServing(
    message: PeerMessage & {
      kind: "open" | "open-bundle" | "renew" | "request" | "cancel" | "arrived" | "leave";
    },
  ): void {
    const { channel, kind } = message;
    if (kind === "arrived") {
      const isNews = this.#served.has(channel) && this.#serving.arrived(this, channel, message.piece);
      if (!isNews) this.#countFutile();
      return;
    }
    if (kind !== "request" || !this.#served.has(channel)) this.#countFutile();
    if (kind === "open" || kind === "open-bundle") {
      this.#takeChannel(channel);
      this.#serving.open(this, channel, message, message.grant);
      return;
    }
    // A channel that was just ended here may still be spoken of: that is no fault of the peer.
    if (!this.#served.has(channel)) return;
    if (kind === "renew") this.#serving.renew(this, channel, message.grant);
    else if (kind === "request") this.#serving.request(this, channel, message.range);
    else if (kind === "cancel") this.#serving.cancel(this, channel, message.range);
    else {
      this.#served.delete(channel);
      this.#serving.leave(this, channel);
      this.#watchIdle();
    }
  }

  /** @throws Failure "too-many" */
  #countFutile(): void {
    if (!this.#futile.take(this.#clock.monotonicMs()))
      throw new Failure("too-many", "the peer sends messages without end that move nothing");
  }

  #tellOpener(message: PeerMessage & { kind: "opened" | "have" | "given" | "reject" | "closed" }): void {
    const handler = this.#openerOf(message.channel);
    if (handler === undefined) {
      this.#countFutile();
      return;
    }
    if (message.kind === "opened") handler.opened(message.bits);
    else if (message.kind === "have") handler.have(message.pieces);
    else if (message.kind === "given") handler.given(message.pieces);
    else if (message.kind === "reject") handler.rejected(message.range, message.reason);
    else {
      this.#forget(message.channel);
      handler.closed(message.failure);
    }
  }

  #takeChannel(channel: number): void {
    if (this.#served.has(channel)) throw new Failure("protocol", "the peer opened one channel twice");
    if (this.#served.size >= CHANNELS_PER_CONNECTION_MAX)
      throw new Failure("too-many", "the peer opened too many channels");
    this.#served.add(channel);
    this.#watchIdle();
  }

  /** @returns undefined if the channel has ended: that may still be spoken of. @throws Failure if it never was */
  #openerOf(channel: number): ChannelHandler | undefined {
    if (channel === 0 || channel >= this.#nextChannel)
      throw new Failure("protocol", "the peer spoke of a channel that was never opened");
    return this.#opened.get(channel);
  }

  #dataBegins(head: DataHead, length: number): void {
    if (!this.#greeted) throw new Failure("protocol", "the peer sent data before its hello");
    const handler = this.#openerOf(head.channel);
    const target = handler?.dataBegins(head.piece, head.begin, length);
    // The handler may have left the channel just now.
    if (handler !== undefined && this.#opened.get(head.channel) === handler)
      this.#incoming = { head, length, handler, target, received: 0 };
  }

  #dataPart(bytes: Uint8Array): void {
    const incoming = this.#incoming;
    if (incoming === undefined) return;
    incoming.target?.set(bytes, incoming.received);
    incoming.received += bytes.length;
    incoming.handler.dataGrows(incoming.head.piece, bytes.length);
  }

  #dataEnds(): void {
    const incoming = this.#incoming;
    this.#incoming = undefined;
    incoming?.handler.dataEnds(incoming.head.piece, incoming.head.begin, incoming.length);
  }

  #forget(channel: number): void {
    this.#opened.delete(channel);
    if (this.#incoming?.head.channel === channel) this.#incoming = undefined;
    this.#watchIdle();
  }

  /** A link that carries no channel for a while is closed: the peer can dial again. */
  #watchIdle(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    if (this.#opened.size > 0 || this.#served.size > 0 || !this.isOpen) return;
    this.#connection.vouch(false);
    this.#cancelIdle = this.#clock.after(LINK_IDLE_MS, () => this.#connection.finish());
  }

  #ended(reason: Failure | undefined): void {
    this.#decoder.stop();
    this.#keepAlive.stop();
    this.#cancelIdle?.();
    this.#cancelHello();
    const failure = reason ?? new Failure("peer-unreachable", "the peer closed the connection");
    const handlers = [...this.#opened.values()];
    this.#opened.clear();
    this.#served.clear();
    this.#incoming = undefined;
    this.#whenClosed(this);
    this.#serving.linkClosed(this);
    for (const handler of handlers) handler.closed(failure);
  }
}
