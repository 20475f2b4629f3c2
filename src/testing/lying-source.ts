/**
 * Sources that lie, each in a way of its own: a table of lies, and a machine in the simulated network that tells one of them.
 *
 * A lie says only where it differs from an honest source; for the rest the machine answers as one. It speaks frames by hand
 * (`raw-peer.ts`), so it can say what the program's own server never would.
 */
import { Bitfield } from "../base/bitfield.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint, Uid, UserName } from "../base/ids.ts";
import { HAVE_PIECES_MAX, PIECE_BYTES, REFUSED_PIECES_MAX } from "../base/limits.ts";
import type { Prng } from "../base/prng.ts";
import type { Connection } from "../net/connection.ts";
import { encodeDataHead, type PeerMessage, type PieceRange, type RejectReason } from "../wire/client-peer.ts";
import type { Source } from "../wire/client-tracker.ts";
import { RawPeer } from "./raw-peer.ts";
import type { SimNetwork } from "./sim-network.ts";
import type { Content } from "./transfer-world.ts";

/** One channel that somebody opened to a liar. */
export class Victim {
  readonly file: Content;
  readonly dice: Prng;
  /** Requests so far, the one under way included. */
  requests = 0;
  readonly #peer: RawPeer;
  readonly #channel: number;

  constructor(peer: RawPeer, channel: number, { file, dice }: { file: Content; dice: Prng }) {
    this.#peer = peer;
    this.#channel = channel;
    this.file = file;
    this.dice = dice;
  }

  /** Not to be changed. */
  right({ piece, begin, length }: PieceRange): Uint8Array {
    const from = piece * PIECE_BYTES + begin;
    return this.file.bytes.subarray(from, from + length);
  }

  /** @param bits undefined: it says that it has all */
  opened(bits?: Bitfield): void {
    this.#peer.say({ kind: "opened", channel: this.#channel, bits: bits?.toBytes() });
  }

  send(piece: number, begin: number, bytes: Uint8Array, wholeBytes = bytes.length, channel = this.#channel) {
    this.#peer.bytes(encodeDataHead({ channel, piece, begin }, wholeBytes));
    this.#peer.bytes(bytes);
  }

  have(...pieces: readonly number[]): void {
    this.#peer.say({ kind: "have", channel: this.#channel, pieces });
  }

  reject(range: PieceRange, reason: RejectReason): void {
    this.#peer.say({ kind: "reject", channel: this.#channel, range, reason });
  }

  refuse(): void {
    const failure = new Failure("not-shared", "not shared here\u001b[2J");
    this.#peer.say({ kind: "closed", channel: this.#channel, failure });
  }

  say(...messages: readonly PeerMessage[]): void {
    this.#peer.say(...messages);
  }

  bytes(bytes: Uint8Array): void {
    this.#peer.bytes(bytes);
  }

  hangUp(): void {
    this.#peer.close();
  }
}

export interface Lie {
  /** Instead of saying that it has all. */
  opened?(victim: Victim): void;
  /** Instead of the right bytes. */
  requested?(victim: Victim, range: PieceRange): void;
  /** Whether even the hello is left out. */
  readonly isMute?: boolean;
}

const honest = {
  opened: (victim: Victim) => victim.opened(),
  requested: (victim: Victim, range: PieceRange) =>
    victim.send(range.piece, range.begin, victim.right(range)),
};

function changedAt(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (bytes[at] ?? 0) ^ 0x55;
  return changed;
}

/** The same for all liars, so that they agree with one another. */
function forged(victim: Victim, range: PieceRange): Uint8Array {
  return victim.right(range).slice().fill(0x66, 0, 16);
}

const half = (range: PieceRange) => Math.floor(range.length / 2);
const nothing = () => {};

export const LIES = {
  "every piece wrong in one byte": {
    requested: (victim, range) => {
      const wrong = changedAt(victim.right(range), victim.dice.below(range.length));
      victim.send(range.piece, range.begin, wrong);
    },
  },
  "some pieces wrong": {
    requested: (victim, range) => {
      if (victim.dice.below(3) > 0) honest.requested(victim, range);
      else victim.send(range.piece, range.begin, changedAt(victim.right(range), 0));
    },
  },
  "right beginning, wrong end": {
    requested: (victim, range) =>
      victim.send(range.piece, range.begin, changedAt(victim.right(range), range.length - 1)),
  },
  "right at first, wrong later": {
    requested: (victim, range) => {
      if (victim.requests < 3) honest.requested(victim, range);
      else victim.send(range.piece, range.begin, changedAt(victim.right(range), 9));
    },
  },
  "the forgery that all of them agree on": {
    requested: (victim, range) => victim.send(range.piece, range.begin, forged(victim, range)),
  },
  "another piece's bytes": {
    requested: (victim, range) => {
      const other = { ...range, piece: (range.piece + 1) % victim.file.manifest.pieces };
      const bytes = new Uint8Array(range.length);
      bytes.set(victim.right(other));
      victim.send(range.piece, range.begin, bytes);
    },
  },
  "the second half first": {
    requested: (victim, range) => {
      const bytes = victim.right(range);
      victim.send(range.piece, half(range), bytes.subarray(half(range)));
      victim.send(range.piece, 0, bytes.subarray(0, half(range)));
    },
  },
  "the first half twice": {
    requested: (victim, range) => {
      const bytes = victim.right(range).subarray(0, Math.max(1, half(range)));
      victim.send(range.piece, 0, bytes);
      victim.send(range.piece, 0, bytes);
    },
  },
  "each piece twice": {
    requested: (victim, range) => {
      honest.requested(victim, range);
      honest.requested(victim, range);
    },
  },
  "more than a piece": {
    requested: (victim, range) => victim.send(range.piece, 0, new Uint8Array(range.length + 1)),
  },
  "a frame of 4 GiB": {
    requested: (victim, range) => victim.send(range.piece, 0, victim.right(range), 0xffff_0000),
  },
  "frames without a byte": {
    requested: (victim, range) => {
      for (let times = 0; times < 20; times++) victim.send(range.piece, 0, new Uint8Array());
    },
  },
  "half a frame, then silence": {
    requested: (victim, range) =>
      victim.send(range.piece, 0, victim.right(range).subarray(0, half(range)), range.length),
  },
  "half a piece, then silence": {
    requested: (victim, range) => victim.send(range.piece, 0, victim.right(range).subarray(0, half(range))),
  },
  "half a piece, then a refusal": {
    requested: (victim, range) => {
      victim.send(range.piece, 0, victim.right(range).subarray(0, half(range)));
      victim.reject(range, "unreadable");
    },
  },
  "no answer to requests": { requested: nothing },
  "all it offers refused": {
    requested: (victim, range) =>
      victim.reject(range, victim.dice.below(2) === 0 ? "not-have" : "unreadable"),
  },
  "refused and offered again": {
    requested: (victim, range) => {
      victim.reject(range, "not-have");
      if (victim.requests < 10 * REFUSED_PIECES_MAX) victim.have(range.piece);
    },
  },
  "for ever busy": { requested: (victim, range) => victim.reject(range, "busy") },
  "only the last piece, and never sent": {
    opened: (victim) => {
      const bits = new Bitfield(victim.file.manifest.pieces);
      bits.set(victim.file.manifest.pieces - 1);
      victim.opened(bits);
    },
    requested: nothing,
  },
  "pieces that are not there": {
    opened: (victim) => victim.have(0, victim.file.manifest.pieces, 0xffff_ffff),
  },
  "the same piece offered over and over": {
    opened: (victim) => {
      victim.have(...new Array<number>(HAVE_PIECES_MAX / 16).fill(0));
      victim.have(0);
    },
  },
  "a bitfield of another length": { opened: (victim) => victim.opened(new Bitfield(4_096)) },
  "opened twice": {
    opened: (victim) => {
      victim.opened();
      victim.opened();
    },
  },
  "unasked pieces": {
    opened: (victim) => {
      victim.opened();
      for (let piece = 0; piece < victim.file.manifest.pieces; piece++)
        victim.send(piece, 0, new Uint8Array(1_024).fill(1));
    },
  },
  "another channel's bytes": {
    requested: (victim, range) =>
      victim.send(range.piece, range.begin, victim.right(range), range.length, 77),
  },
  "what is no frame": {
    requested: (victim) => victim.bytes(Uint8Array.from({ length: 200 }, () => victim.dice.below(256))),
  },
  "a channel that is refused": { opened: (victim) => victim.refuse() },
  "a channel ended in the middle": {
    requested: (victim, range) => {
      honest.requested(victim, range);
      victim.refuse();
    },
  },
  "a line that ends in the middle of a piece": {
    requested: (victim, range) => {
      victim.send(range.piece, 0, victim.right(range).subarray(0, half(range)), range.length);
      victim.hangUp();
    },
  },
  "asks back without a right": {
    requested: (victim, range) => {
      const { fileId } = victim.file.manifest.summary;
      const gid = "0".repeat(32) as (PeerMessage & { kind: "open" })["gid"];
      victim.say({ kind: "open", channel: 5, gid, fileId, grant: "none" });
      victim.say({ kind: "request", channel: 5, range });
      honest.requested(victim, range);
    },
  },
  "no answer for the file": { opened: nothing },
  "no hello": { isMute: true },
} as const satisfies Record<string, Lie>;

export type LieName = keyof typeof LIES;
export const LIE_NAMES = Object.keys(LIES) as readonly LieName[];

export class LyingSource {
  readonly source: Source;
  readonly lieName: LieName;
  /** Channels that were opened to it. */
  channels = 0;
  readonly #lie: Lie;
  readonly #file: Content;
  readonly #dice: Prng;

  private constructor(source: Source, lieName: LieName, { file, dice }: { file: Content; dice: Prng }) {
    this.source = source;
    this.lieName = lieName;
    this.#lie = LIES[lieName];
    this.#file = file;
    this.#dice = dice;
  }

  /** @param names it; its key is the same for the same number */
  static async start(
    network: SimNetwork,
    number: number,
    lieName: LieName,
    { file, dice }: { readonly file: Content; readonly dice: Prng },
  ): Promise<LyingSource> {
    const digit = (number % 10).toString();
    const fingerprint = `bad${digit}`.repeat(16) as Fingerprint;
    const user = `mal${number}` as UserName;
    const uid = `bad${digit}`.repeat(8) as Uid;
    let liar: LyingSource | undefined;
    const accept = (connection: Connection) => liar?.accept(connection);
    const { address } = await network.transport(fingerprint).listen({ host: "sim", port: 0 }, accept);
    liar = new LyingSource({ user, uid, fingerprint, address, complete: true }, lieName, { file, dice });
    return liar;
  }

  accept(connection: Connection): void {
    const victims = new Map<number, Victim>();
    const peer = new RawPeer(connection, (message) => {
      if (message.kind === "open") {
        this.channels++;
        const victim = new Victim(peer, message.channel, { file: this.#file, dice: this.#dice });
        victims.set(message.channel, victim);
        (this.#lie.opened ?? honest.opened)(victim);
      }
      const victim = victims.get(message.channel);
      if (message.kind !== "request" || victim === undefined) return;
      victim.requests++;
      (this.#lie.requested ?? honest.requested)(victim, message.range);
    });
    if (this.#lie.isMute !== true) peer.hello();
  }
}
