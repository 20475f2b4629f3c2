/**
 * The serving half of a client: channels that peers opened, and the pieces that go out over them.
 *
 * Invariant: no byte of a file leaves over a channel without an admission that counts at that moment, and none that was
 * not verified. What is queued for a slow reader when its admission ends is thrown away with the link. Which request is served next is for `upload-slots` to say; who is admitted for `grant-gate`; where the
 * bytes come from for the `ServedFile`.
 */
import { defined } from "../base/assert.ts";
import type { Bitfield } from "../base/bitfield.ts";
import type { Clock } from "../base/clock.ts";
import { Failure, toFailure } from "../base/failure.ts";
import type { Digest, FileId, Fingerprint, Gid, PieceIndex, Uid } from "../base/ids.ts";
import { HAVE_PIECES_MAX, UNSENT_BYTES_PER_PEER_MAX, UPLOADS_AT_ONCE_MAX } from "../base/limits.ts";
import { digestOf } from "../base/manifest.ts";
import type { PieceRange, RejectReason } from "../wire/client-peer.ts";
import type { GrantRefusal } from "../wire/signed.ts";
import { type UploadChannel, UploadSlots, type UploadTurn } from "./core/upload-slots.ts";
import type { SlotPool, SmallFileDisk } from "./disk/contract.ts";
import { type Admission, GrantGate, type GrantGateDependencies } from "./grant-gate.ts";
import type { PeerLink, ServingSide, Wanted } from "./peer-link.ts";
import { ServedBundle } from "./served-bundle.ts";
import type { Served, ServedFile } from "./served-file.ts";

/** One file or bundle being served over one link. */
interface ServedChannel extends UploadChannel {
  readonly link: PeerLink;
  readonly number: number;
  served: Served;
  admission: Admission;
  cancelExpiry: () => void;
  /** Pieces given to the link that have not left this process. */
  unsent: number;
  /** The ranges asked for, by piece: one request a piece at a time. */
  readonly asked: Map<PieceIndex, PieceRange>;
}

const fileKey = (gid: Gid, fileId: FileId) => `${gid} ${fileId}`;

export interface PeerServerDependencies extends GrantGateDependencies {
  readonly slots: SlotPool;
  /** undefined: no bundle is served here; a peer asks for the files one by one then. */
  readonly smallFiles: SmallFileDisk | undefined;
  readonly clock: Clock;
}

export class PeerServer implements ServingSide {
  readonly #slots: SlotPool;
  readonly #smallFiles: SmallFileDisk | undefined;
  readonly #clock: Clock;
  readonly #gate: GrantGate;
  readonly #files = new Map<string, ServedFile>();
  readonly #channels = new Map<PeerLink, Map<number, ServedChannel>>();
  readonly #channelsOf = new Map<Served, Set<ServedChannel>>();
  readonly #uploads = new UploadSlots<ServedChannel>({
    uploadsMax: UPLOADS_AT_ONCE_MAX,
    unsentBytesPerPeerMax: UNSENT_BYTES_PER_PEER_MAX,
  });
  #waitsForSlot = false;
  #cancelLook: (() => void) | undefined;

  constructor({ slots, smallFiles, clock, ...authority }: PeerServerDependencies) {
    this.#slots = slots;
    this.#smallFiles = smallFiles;
    this.#clock = clock;
    this.#gate = new GrantGate(authority);
  }

  /** How often a peer was refused or cut off, and why. */
  get refusals(): ReadonlyMap<GrantRefusal, number> {
    return this.#gate.refusals;
  }

  /**
   * Serves the file from now on. It takes the place of one with the same content in the same group: channels go on, so
   * it must have at least the pieces of the other; what more it has is told.
   */
  serve(file: ServedFile): void {
    const key = fileKey(file.gid, file.table.summary.fileId);
    const before = this.#files.get(key);
    this.#files.set(key, file);
    if (before === undefined) return;
    const channels = this.#channelsOf.get(before);
    if (channels === undefined) return;
    this.#channelsOf.delete(before);
    this.#channelsOf.set(file, channels);
    for (const channel of channels) channel.served = file;
    file.opened();
    before.closed();
    this.announce(file, piecesBeyond(file.have, before.have));
  }

  stop(file: ServedFile): void {
    const key = fileKey(file.gid, file.table.summary.fileId);
    if (this.#files.get(key) === file) this.#files.delete(key);
    this.#endChannels(file, () => true, new Failure("unknown-file", "the file is no longer shared here"));
  }

  find(gid: Gid, fileId: FileId): ServedFile | undefined {
    return this.#files.get(fileKey(gid, fileId));
  }

  served(): readonly ServedFile[] {
    return [...this.#files.values()];
  }

  /** Tells those who fetch the file that there is more of it. */
  announce(file: ServedFile, pieces: readonly PieceIndex[]): void {
    for (const channel of [...(this.#channelsOf.get(file) ?? [])]) {
      if (!this.#isAdmitted(channel)) continue;
      for (let at = 0; at < pieces.length; at += HAVE_PIECES_MAX) {
        const some = pieces.slice(at, at + HAVE_PIECES_MAX);
        channel.link.send({ kind: "have", channel: channel.number, pieces: some });
      }
    }
  }

  /** Ends that user's channels of the group now, and its grants that were signed until now; not of the machine `spared`. */
  revoke(gid: Gid, uid: Uid, spared?: Fingerprint): void {
    this.#gate.revoke(gid, uid, spared);
    const why = spared === undefined ? "revoked" : "outdated";
    for (const channels of [...this.#channelsOf.values()])
      for (const channel of [...channels])
        if (channel.served.gid === gid && channel.admission.uid === uid && channel.peer !== spared)
          this.#cut(channel, this.#gate.refuse(why));
  }

  /** The user is a member again. */
  readmit(gid: Gid, uid: Uid): void {
    this.#gate.readmit(gid, uid);
  }

  // --- what links tell ---

  open(link: PeerLink, number: number, wanted: Wanted, grant: string): void {
    const admission = this.#gate.admit(grant, wanted.gid, link.peer);
    if (admission instanceof Failure) {
      link.refuseGrant(number, admission);
      return;
    }
    // Only who may see the group learns whether a file is served here.
    const served = this.#wanted(wanted);
    if (served === undefined) {
      link.endServed(number, new Failure("unknown-file", "the file is not shared here"));
      return;
    }
    const channel: ServedChannel = {
      link,
      number,
      served,
      admission,
      cancelExpiry: () => {},
      unsent: 0,
      peer: link.peer,
      content: contentKey(wanted),
      asked: new Map(),
    };
    this.#remember(channel);
    link.admit();
    this.#watchExpiry(channel);
    link.send({
      kind: "opened",
      channel: number,
      bits: served.have.isFull ? undefined : served.have.toBytes(),
    });
  }

  #wanted(wanted: Wanted): Served | undefined {
    const { gid } = wanted;
    if (wanted.kind === "open") return this.find(gid, wanted.fileId);
    if (this.#smallFiles === undefined) return undefined;
    return new ServedBundle(gid, wanted.pieces, (fileId) => this.find(gid, fileId)?.small, this.#smallFiles);
  }

  renew(link: PeerLink, number: number, grant: string): void {
    const channel = this.#channels.get(link)?.get(number);
    if (channel === undefined) return;
    const admission = this.#gate.admit(grant, channel.served.gid, link.peer);
    if (admission instanceof Failure) {
      this.#cut(channel, admission);
      link.countBadGrant();
      return;
    }
    channel.admission = admission;
    this.#watchExpiry(channel);
  }

  request(link: PeerLink, number: number, range: PieceRange): void {
    const channel = this.#channels.get(link)?.get(number);
    if (channel === undefined) return;
    const piece = this.#pieceOf(channel, range);
    if (piece === undefined) {
      link.close(new Failure("protocol", "the peer asked for what the file does not have"));
      return;
    }
    const refusal = this.#refusal(channel, piece, range);
    if (refusal !== undefined) {
      link.reject(number, range, refusal);
      return;
    }
    channel.asked.set(piece, range);
    this.#pump();
  }

  cancel(link: PeerLink, number: number, range: PieceRange): void {
    const channel = this.#channels.get(link)?.get(number);
    const piece = channel?.served.table.pieceIndex(range.piece);
    if (channel !== undefined && piece !== undefined && this.#uploads.cancel(channel, piece))
      channel.asked.delete(piece);
  }

  arrived(link: PeerLink, number: number, index: number): boolean {
    const channel = this.#channels.get(link)?.get(number);
    const piece = channel?.served.table.pieceIndex(index);
    if (channel === undefined || piece === undefined) return false;
    const isNews = this.#uploads.arrived(channel, piece, this.#clock.monotonicMs());
    if (isNews) this.#pump();
    return isNews;
  }

  leave(link: PeerLink, number: number): void {
    const channel = this.#channels.get(link)?.get(number);
    if (channel !== undefined) this.#forget(channel);
  }

  linkClosed(link: PeerLink): void {
    for (const channel of [...(this.#channels.get(link)?.values() ?? [])]) this.#forget(channel);
  }

  // --- channels ---

  #remember(channel: ServedChannel): void {
    const { link, number, served } = channel;
    const ofLink = this.#channels.get(link) ?? new Map<number, ServedChannel>();
    this.#channels.set(link, ofLink.set(number, channel));
    const others = this.#channelsOf.get(served) ?? new Set();
    if (others.size === 0) served.opened();
    this.#channelsOf.set(served, others.add(channel));
  }

  #forget(channel: ServedChannel): void {
    const { link, number, served } = channel;
    const ofLink = this.#channels.get(link);
    if (ofLink?.get(number) !== channel) return;
    channel.cancelExpiry();
    ofLink.delete(number);
    if (ofLink.size === 0) this.#channels.delete(link);
    const others = this.#channelsOf.get(served);
    others?.delete(channel);
    this.#uploads.channelClosed(channel);
    if (others?.size === 0) {
      this.#channelsOf.delete(served);
      served.closed();
    }
  }

  #end(channel: ServedChannel, failure: Failure): void {
    this.#forget(channel);
    channel.link.endServed(channel.number, failure);
  }

  #endChannels(file: ServedFile, which: (channel: ServedChannel) => boolean, failure: Failure): void {
    for (const channel of [...(this.#channelsOf.get(file) ?? [])])
      if (which(channel)) this.#end(channel, failure);
  }

  /** Ends a channel because of its admission, and with it what has not left yet: a slow reader may have a lot to come. */
  #cut(channel: ServedChannel, refusal: Failure): void {
    const { link, unsent } = channel;
    this.#end(channel, refusal);
    if (unsent > 0) link.close(refusal);
  }

  /** Ends a channel whose admission counts no more. @returns whether it goes on */
  #isAdmitted(channel: ServedChannel): boolean {
    if (this.#gate.leftMs(channel.admission) > 0) return true;
    this.#cut(channel, this.#gate.refuse("ended"));
    return false;
  }

  /** Nothing else may happen on the channel when its grant ends. The clocks may have been set since: so it looks again. */
  #watchExpiry(channel: ServedChannel): void {
    channel.cancelExpiry();
    const leftMs = Math.max(1, this.#gate.leftMs(channel.admission));
    channel.cancelExpiry = this.#clock.after(leftMs, () => {
      if (this.#isAdmitted(channel)) this.#watchExpiry(channel);
    });
  }

  #isOpen(channel: ServedChannel): boolean {
    return this.#channels.get(channel.link)?.get(channel.number) === channel;
  }

  // --- requests ---

  /** @returns undefined if the file has no such range */
  #pieceOf({ served }: ServedChannel, range: PieceRange): PieceIndex | undefined {
    const piece = served.table.pieceIndex(range.piece);
    if (piece === undefined || range.begin + range.length > served.table.pieceLength(piece)) return undefined;
    return piece;
  }

  #refusal(channel: ServedChannel, piece: PieceIndex, range: PieceRange): RejectReason | undefined {
    if (!channel.served.have.has(piece)) return "not-have";
    return this.#uploads.ask(channel, { piece, bytes: range.length }) === "refused" ? "busy" : undefined;
  }

  /** Starts as many uploads as there are turns and buffers for. */
  #pump(): void {
    while (this.#slots.free > 0) {
      const turn = this.#uploads.next(this.#clock.monotonicMs());
      if (turn === undefined) {
        this.#lookAgain();
        return;
      }
      void this.#upload(turn).catch((error) => turn.channel.link.close(toFailure(error)));
    }
    if (this.#waitsForSlot || this.#uploads.waiting === 0) return;
    this.#waitsForSlot = true;
    this.#slots.whenFree(() => {
      this.#waitsForSlot = false;
      this.#pump();
    });
  }

  /** Where the line is full of turns that become late. */
  #lookAgain(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    const atMs = this.#uploads.waiting === 0 ? undefined : this.#uploads.nextLookMs();
    if (atMs === undefined) return;
    this.#cancelLook = this.#clock.after(Math.max(1, atMs - this.#clock.monotonicMs()), () => this.#pump());
  }

  /** Those who fetch the same file and were not given the piece need not ask this seeder for it too. */
  #tellGiven({ channel, request, isFirst }: UploadTurn<ServedChannel>): void {
    if (!isFirst || !channel.served.have.isFull) return;
    for (const other of [...(this.#channelsOf.get(channel.served) ?? [])])
      if (other !== channel && this.#isAdmitted(other))
        other.link.send({ kind: "given", channel: other.number, pieces: [request.piece] });
  }

  async #upload(turn: UploadTurn<ServedChannel>): Promise<void> {
    const { channel, request } = turn;
    const { piece } = request;
    const range = defined(channel.asked.get(piece), "a turn answers a request");
    channel.asked.delete(piece);
    if (!this.#isAdmitted(channel)) {
      this.#uploads.finished(turn, "failed");
      return;
    }
    this.#tellGiven(turn);
    const slot = defined(this.#slots.acquire(), "the pump starts an upload only with a buffer free");
    const done = (outcome: "sent" | "failed") => {
      this.#slots.release(slot);
      this.#uploads.finished(turn, outcome);
      this.#pump();
    };
    const loaded = await channel.served.load(piece, slot).catch(() => false);
    // The channel may have been cut, or its grant have ended, while the disk was read: then nothing more leaves.
    if (!this.#isOpen(channel) || !this.#isAdmitted(channel)) {
      done("failed");
      return;
    }
    if (!loaded) {
      channel.link.send({ kind: "reject", channel: channel.number, range, reason: "unreadable" });
      done("failed");
      return;
    }
    const bytes = slot.bytes.subarray(range.begin, range.begin + range.length);
    channel.unsent++;
    channel.link.sendData({ channel: channel.number, piece, begin: range.begin }, bytes, () => {
      channel.unsent--;
      done("sent");
    });
  }
}

/** Of two peers who fetch the same: the same. */
function contentKey(wanted: Wanted): FileId | Digest {
  return wanted.kind === "open"
    ? wanted.fileId
    : digestOf(new TextEncoder().encode(JSON.stringify(wanted.pieces)));
}

/** What `have` has and `known` has not. */
function piecesBeyond(have: Bitfield, known: Bitfield): readonly PieceIndex[] {
  const pieces: PieceIndex[] = [];
  for (const piece of have.indices()) if (!known.has(piece)) pieces.push(piece as PieceIndex);
  return pieces;
}
