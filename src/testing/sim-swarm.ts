/**
 * A swarm on a simulated clock: download machines against simple servers with bandwidth, latency and bad manners.
 *
 * One seed decides everything, so a failing run can be run again. No bytes exist: a piece is its index and whether it is
 * right. After each input of a machine its promises are held against what the simulation itself knows; what it breaks is
 * thrown as an error that names the moment.
 */
import { assert, defined } from "../base/assert.ts";
import { Bitfield } from "../base/bitfield.ts";
import type { FileId, Fingerprint, PieceIndex } from "../base/ids.ts";
import {
  PEERS_PER_DOWNLOAD_MAX,
  PIECE_BYTES,
  UNSENT_BYTES_PER_PEER_MAX,
  UPLOADS_AT_ONCE_MAX,
} from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import { DownloadMachine } from "../transfer/core/download.ts";
import type { Effect } from "../transfer/core/download-effect.ts";
import { type UploadChannel, UploadSlots, type UploadTurn } from "../transfer/core/upload-slots.ts";
import { SimAgenda } from "./sim-agenda.ts";
import { SimDownload } from "./sim-download.ts";
import { SimUplink } from "./sim-uplink.ts";

/** One machine of the swarm. What is left out is honest, present from the start and never leaves. */
export interface SimPeer {
  readonly role: "seed" | "downloader";
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond?: number;
  /** One way, added to that of the other end. */
  readonly latencyMs?: number;
  /** What its system buffers for each connection: it counts as sent. */
  readonly socketBytes?: number;
  /** Share of its packets that get lost. */
  readonly lossShare?: number;
  /** Share of its pieces that are wrong. */
  readonly wrongShare?: number;
  /** Takes requests and answers none after so many pieces. */
  readonly stallsAfterPieces?: number;
  readonly joinsAtMs?: number;
  readonly leavesAtMs?: number;
  /** Share of pieces that its disk does not take the first time. */
  readonly diskFailures?: number;
}

export interface SimSwarmOptions {
  readonly seed: number;
  readonly pieces: number;
  readonly peers: readonly SimPeer[];
  readonly budget?: number;
  /** Whether each downloader is told that it is the only one. */
  readonly alone?: boolean;
  /** Inputs of a machine between two recomputations of everything that it counts. */
  readonly inputsPerCheck?: number;
}

export interface SimReport {
  readonly endMs: number;
  /** When each downloader had everything, by index; undefined: not within the time. */
  readonly doneMs: readonly (number | undefined)[];
  /** Pieces that left each peer, by index. */
  readonly sentPieces: readonly number[];
  /** How many different pieces each peer had given when it first gave one again, by index. */
  readonly givenBeforeAnyTwice: readonly number[];
  /** Bytes thrown away by each downloader. */
  readonly wastedBytes: readonly number[];
  /** For each downloader the pieces in the order in which they were first requested. */
  readonly requestOrder: readonly (readonly PieceIndex[])[];
}

const VERIFY_MS = 1;
const WRITE_MS = 2;
const DISK_REST_MS = 400;
const FILE_ID = "0".repeat(64) as FileId;

export function simFingerprint(index: number): Fingerprint {
  return index.toString(16).padStart(64, "0") as Fingerprint;
}

interface SimChannel extends UploadChannel {
  readonly downloader: Node;
}

/** One machine: its server side, and if it downloads also its machine and what the simulation knows of that. */
class Node {
  readonly fingerprint: Fingerprint;
  readonly slots = new UploadSlots<SimChannel>({
    uploadsMax: UPLOADS_AT_ONCE_MAX,
    unsentBytesPerPeerMax: UNSENT_BYTES_PER_PEER_MAX,
  });
  /** To downloaders. */
  readonly channels = new Map<Node, SimChannel>();
  readonly download: SimDownload | undefined;
  isPresent = false;
  downBusyUntilMs = 0;
  /** When its slots are looked at though nothing has happened. */
  lookMs = Number.POSITIVE_INFINITY;
  sentPieces = 0;
  givenBeforeAnyTwice: number | undefined;

  constructor(
    readonly index: number,
    readonly options: SimPeer,
    readonly pieces: number,
    readonly uplink: SimUplink<Node>,
    machine: DownloadMachine | undefined,
    budget: number,
  ) {
    this.fingerprint = simFingerprint(index);
    this.download = machine === undefined ? undefined : new SimDownload(machine, pieces, budget);
  }

  have(): Bitfield {
    return this.download?.machine.have ?? Bitfield.full(this.pieces);
  }

  get isStalled(): boolean {
    return this.sentPieces >= (this.options.stallsAfterPieces ?? Number.POSITIVE_INFINITY);
  }
}

export class SimSwarm {
  readonly #agenda = new SimAgenda();
  readonly #nodes: readonly Node[];
  readonly #prng: Prng;
  readonly #pieces: number;
  readonly #inputsPerCheck: number;
  #now = 0;

  constructor(options: SimSwarmOptions) {
    const { pieces, seed, budget = 64, alone = false } = options;
    this.#prng = new Prng(seed);
    this.#pieces = pieces;
    this.#inputsPerCheck = options.inputsPerCheck ?? 16;
    this.#nodes = options.peers.map((peer, index) => {
      const machine = peer.role === "seed" ? undefined : this.#machine(pieces, budget);
      machine?.setAlone(alone);
      return new Node(index, peer, pieces, this.#uplink(peer), machine, budget);
    });
    for (const node of this.#nodes) {
      this.#at(node.options.joinsAtMs ?? 0, () => this.#join(node));
      if (node.options.leavesAtMs !== undefined) this.#at(node.options.leavesAtMs, () => this.#leave(node));
    }
  }

  /** Runs until every downloader that stays is done, nothing happens any more, or the time is over. */
  run(untilMs: number): SimReport {
    const waiting = this.#nodes.filter(
      ({ download, options }) => download && options.leavesAtMs === undefined,
    );
    while (waiting.some((node) => node.download?.doneMs === undefined)) {
      const event = this.#agenda.next();
      if (event === undefined || event.atMs > untilMs) break;
      this.#now = event.atMs;
      event.run();
    }
    const downloads = this.#nodes.map((node) => node.download);
    for (const download of downloads) download?.check();
    return {
      endMs: this.#now,
      doneMs: downloads.map((download) => download?.doneMs),
      sentPieces: this.#nodes.map((node) => node.sentPieces),
      givenBeforeAnyTwice: this.#nodes.map((node) => node.givenBeforeAnyTwice ?? node.sentPieces),
      wastedBytes: downloads.map((download) => download?.machine.snapshot().wastedBytes ?? 0),
      requestOrder: downloads.map((download) => download?.requestOrder ?? []),
    };
  }

  machine(index: number): DownloadMachine {
    return defined(this.#nodes[index]?.download, "that peer downloads").machine;
  }

  #machine(pieces: number, budget: number): DownloadMachine {
    return new DownloadMachine({
      pieces,
      pieceLength: () => PIECE_BYTES,
      have: new Bitfield(pieces),
      seed: this.#prng.uint32(),
      budget,
    });
  }

  #uplink({ upBytesPerSecond, socketBytes = 0, lossShare = 0 }: SimPeer): SimUplink<Node> {
    return new SimUplink({
      bytesPerSecond: upBytesPerSecond,
      socketBytes,
      loses: () => lossShare > 0 && this.#prng.float() < lossShare,
      at: (ms, run) => this.#at(ms, run),
    });
  }

  // --- time and messages ---

  #at(atMs: number, run: () => void): void {
    this.#agenda.add(atMs, run);
  }

  /** Runs at the other end, for each part of the bytes, if both are still there and connected. */
  #send(from: Node, to: Node, run: (bytes: number) => void, bytes = 0, taken?: () => void): void {
    const latencyMs = (from.options.latencyMs ?? 0) + (to.options.latencyMs ?? 0);
    const arrive = (part: number, delayMs: number) =>
      this.#at(this.#now + latencyMs + delayMs, () => {
        if (from.isPresent && to.isPresent) run(part);
      });
    from.uplink.send(to, bytes, this.#now, arrive, taken);
  }

  #join(node: Node): void {
    node.isPresent = true;
    const first = this.#nodes.length > PEERS_PER_DOWNLOAD_MAX ? this.#prng.below(this.#nodes.length) : 0;
    for (const other of [...this.#nodes.slice(first), ...this.#nodes.slice(0, first)]) {
      if (other === node || !other.isPresent) continue;
      if (node.download !== undefined) this.#connect(node, node.download, other);
      if (other.download !== undefined) this.#connect(other, other.download, node);
    }
  }

  /** A channel on which `node` downloads from `server`; one place is kept for a seed. */
  #connect(node: Node, download: SimDownload, server: Node): void {
    const room = PEERS_PER_DOWNLOAD_MAX - download.told.size;
    if (room < (server.download === undefined ? 1 : 2)) return;
    server.channels.set(node, { peer: node.fingerprint, content: FILE_ID, downloader: node });
    download.told.set(server.fingerprint, undefined);
    this.#input(node, download, (machine) => machine.peerJoined(server.fingerprint, this.#now));
    const bits = defined(Bitfield.fromBytes(this.#pieces, server.have().toBytes()), "a copy");
    this.#send(server, node, () => {
      if (!download.told.has(server.fingerprint)) return;
      download.told.set(server.fingerprint, bits);
      const copy = defined(Bitfield.fromBytes(this.#pieces, bits.toBytes()), "a copy");
      this.#input(node, download, (machine) => machine.peerBitfield(server.fingerprint, copy, this.#now));
    });
  }

  #leave(node: Node): void {
    node.isPresent = false;
    for (const other of this.#nodes) {
      this.#closeChannel(node, other);
      this.#closeChannel(other, node);
      if (other.download?.told.has(node.fingerprint)) this.#lose(other, other.download, node);
      if (node.download?.told.has(other.fingerprint)) this.#lose(node, node.download, other);
    }
  }

  #lose(node: Node, download: SimDownload, server: Node): void {
    download.lost(server.fingerprint);
    this.#input(node, download, (machine) => machine.peerLost(server.fingerprint, this.#now));
  }

  #closeChannel(server: Node, downloader: Node): void {
    const channel = server.channels.get(downloader);
    if (channel === undefined) return;
    server.channels.delete(downloader);
    server.slots.channelClosed(channel);
  }

  // --- the downloading side ---

  #input(node: Node, download: SimDownload, give: (machine: DownloadMachine) => readonly Effect[]): void {
    const effects = give(download.machine);
    for (const effect of effects) download.sees(effect);
    if (++download.inputs % this.#inputsPerCheck === 0) this.#checked(node, download);
    for (const effect of effects) this.#act(node, download, effect);
    this.#arm(node, download);
  }

  #checked(node: Node, download: SimDownload): void {
    try {
      download.check();
    } catch (error) {
      throw new Error(`at ${this.#now} ms, peer ${node.index}: ${error}`);
    }
  }

  #act(node: Node, download: SimDownload, effect: Effect): void {
    switch (effect.kind) {
      case "request":
        this.#send(node, this.#node(effect.peer), () => this.#requested(node, effect));
        break;
      case "cancel":
        this.#send(node, this.#node(effect.peer), () => {
          const server = this.#node(effect.peer);
          const channel = server.channels.get(node);
          if (channel !== undefined) server.slots.cancel(channel, effect.piece);
        });
        break;
      case "announce":
        for (const [downloader] of node.channels)
          this.#send(node, downloader, () => this.#told(downloader, node, effect.pieces));
        break;
      case "drop":
        this.#closeChannel(this.#node(effect.peer), node);
        break;
      case "done":
        download.doneMs = this.#now;
        break;
      case "store":
      case "discard":
        break;
    }
  }

  #arm(node: Node, download: SimDownload): void {
    const dueMs = download.machine.nextTimeoutMs(this.#now);
    if (dueMs === undefined || (download.armedMs !== undefined && download.armedMs <= dueMs)) return;
    const atMs = Math.max(dueMs, this.#now + 1);
    download.armedMs = atMs;
    this.#at(atMs, () => {
      if (download.armedMs !== atMs) return;
      download.armedMs = undefined;
      if (node.isPresent) this.#input(node, download, (machine) => machine.tick(this.#now));
    });
  }

  #told(node: Node, server: Node, pieces: readonly PieceIndex[]): void {
    const { download } = node;
    const bits = download?.told.get(server.fingerprint);
    if (download === undefined || bits === undefined) return;
    for (const piece of pieces) bits.set(piece);
    this.#input(node, download, (machine) => machine.peerHave(server.fingerprint, pieces, this.#now));
  }

  #given(node: Node, server: Node, piece: PieceIndex): void {
    const { download } = node;
    if (!download?.told.has(server.fingerprint)) return;
    this.#input(node, download, (machine) => machine.peerGiven(server.fingerprint, [piece], this.#now));
  }

  #received(node: Node, server: Node, piece: PieceIndex, bytes: number, isRight: boolean): void {
    const { download } = node;
    if (!download?.told.has(server.fingerprint)) return;
    const from = server.fingerprint;
    if (bytes < PIECE_BYTES) {
      download.machine.received(from, piece, bytes, this.#now);
      this.#arm(node, download);
      return;
    }
    this.#send(node, server, () => {
      const channel = server.channels.get(node);
      if (channel !== undefined && server.slots.arrived(channel, piece, this.#now)) this.#pump(server);
    });
    const isAsked = download.asked.get(piece)?.has(from) ?? false;
    const isExpected = download.machine.received(from, piece, PIECE_BYTES, this.#now);
    assert(isExpected || !isAsked, "what was asked for is expected");
    assert(!isExpected || download.wasAsked(from, piece), "what was never asked for is not expected");
    download.ended(from, piece);
    if (isExpected) download.storing.set(piece, { from, isRight });
    this.#input(node, download, (machine) => {
      const effects = machine.pieceReceived(from, piece, this.#now);
      assert(effects[0]?.kind === (isExpected ? "store" : "discard"), "only what is expected is stored");
      return effects;
    });
    if (isExpected) this.#store(node, download, piece);
  }

  #store(node: Node, download: SimDownload, piece: PieceIndex): void {
    const { from, isRight } = defined(download.storing.get(piece), "a piece is being stored");
    this.#at(this.#now + VERIFY_MS, () => {
      if (isRight) {
        download.machine.verified(piece);
        this.#at(this.#now + WRITE_MS, () => this.#written(node, download, piece));
        return;
      }
      download.storing.delete(piece);
      download.wrongFrom.add(`${from} ${piece}`);
      this.#input(node, download, (machine) => machine.rejected(piece, this.#now));
    });
  }

  #written(node: Node, download: SimDownload, piece: PieceIndex): void {
    const stored = defined(download.storing.get(piece), "a piece is being stored");
    assert(stored.isRight, "a wrong piece is never written");
    download.storing.delete(piece);
    if (this.#prng.float() >= (node.options.diskFailures ?? 0)) {
      this.#input(node, download, (machine) => machine.written(piece, this.#now));
      return;
    }
    this.#input(node, download, (machine) => machine.storeFailed(piece, this.#now));
    this.#at(this.#now + DISK_REST_MS, () =>
      this.#input(node, download, (machine) => machine.diskReady(this.#now)),
    );
  }

  // --- the serving side ---

  #requested(node: Node, { peer, piece }: { peer: Fingerprint; piece: PieceIndex }): void {
    const server = this.#node(peer);
    const channel = server.channels.get(node);
    if (channel === undefined) return;
    const answer = server.slots.ask(channel, { piece, bytes: PIECE_BYTES });
    if (answer === "refused") this.#send(server, node, () => this.#refused(node, server, piece));
    else this.#pump(server);
  }

  #refused(node: Node, server: Node, piece: PieceIndex): void {
    const { download } = node;
    if (!download?.told.has(server.fingerprint)) return;
    download.ended(server.fingerprint, piece);
    this.#input(node, download, (machine) =>
      machine.requestRefused(server.fingerprint, piece, "busy", this.#now),
    );
  }

  #pump(server: Node): void {
    while (!server.isStalled) {
      const turn = server.slots.next(this.#now);
      if (turn === undefined) break;
      this.#upload(server, turn);
    }
    const lookMs = server.isStalled ? undefined : server.slots.nextLookMs();
    if (lookMs === undefined || lookMs >= server.lookMs) return;
    server.lookMs = lookMs;
    this.#at(lookMs, () => {
      server.lookMs = Number.POSITIVE_INFINITY;
      this.#pump(server);
    });
  }

  #upload(server: Node, turn: UploadTurn<SimChannel>): void {
    if (!turn.isFirst) server.givenBeforeAnyTwice ??= server.sentPieces;
    server.sentPieces++;
    const { piece } = turn.request;
    const node = turn.channel.downloader;
    if (turn.isFirst && server.download === undefined)
      for (const [other] of server.channels)
        if (other !== node) this.#send(server, other, () => this.#given(other, server, piece));
    const isRight = this.#prng.float() >= (server.options.wrongShare ?? 0);
    let bytes = 0;
    const arrived = (part: number) => {
      const downMs = (part / (node.options.downBytesPerSecond ?? Number.POSITIVE_INFINITY)) * 1_000;
      node.downBusyUntilMs = Math.max(this.#now, node.downBusyUntilMs) + downMs;
      bytes += part;
      const soFar = bytes;
      this.#at(node.downBusyUntilMs, () => this.#received(node, server, piece, soFar, isRight));
    };
    this.#send(server, node, arrived, PIECE_BYTES, () => {
      server.slots.finished(turn, "sent");
      this.#pump(server);
    });
  }

  #node(fingerprint: Fingerprint): Node {
    return defined(this.#nodes[Number.parseInt(fingerprint.slice(-8), 16)], "a peer of this swarm");
  }
}
