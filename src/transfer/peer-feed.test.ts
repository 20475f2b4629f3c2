import { describe, expect, test } from "bun:test";
import type { Bitfield } from "../base/bitfield.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid, PieceIndex } from "../base/ids.ts";
import { CHANNEL_OPEN_MS_MAX, PIECE_BYTES } from "../base/limits.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { RawPeer } from "../testing/raw-peer.ts";
import { SimNetwork } from "../testing/sim-network.ts";
import { content } from "../testing/transfer-world.ts";
import type { RejectReason } from "../wire/client-peer.ts";
import type { Slot } from "./disk/contract.ts";
import { SharedSlotPool } from "./disk/slot-pool.ts";
import { type FeedEvents, PeerFeed } from "./peer-feed.ts";
import { type ChannelHandler, PeerLink, type ServingSide } from "./peer-link.ts";

const self = "1".repeat(64) as Fingerprint;
const other = "2".repeat(64) as Fingerprint;
const gid = "a".repeat(32) as Gid;
const piece = (index: number) => index as PieceIndex;
const CAPACITY = 3;
/** Two whole pieces and a short one. */
const file = content(2.5);
const bytesOf = (index: number) => file.bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);

function serveNobody(): ServingSide {
  return {
    open() {},
    renew() {},
    request() {},
    cancel() {},
    arrived: () => true,
    leave() {},
    linkClosed() {},
  };
}

/** Expects all but what it is told not to; keeps the slots that are handed over. */
class Receiver implements FeedEvents {
  readonly told: unknown[] = [];
  readonly slots = new Map<PieceIndex, Slot>();
  readonly unexpected = new Set<number>();
  failure: Failure | undefined;

  opened(_feed: PeerFeed, bits: Bitfield): void {
    this.told.push(["opened", ...bits.indices()]);
  }
  have(_feed: PeerFeed, pieces: readonly PieceIndex[]): void {
    this.told.push(["have", ...pieces]);
  }
  given(_feed: PeerFeed, pieces: readonly PieceIndex[]): void {
    this.told.push(["given", ...pieces]);
  }
  received(_feed: PeerFeed, index: PieceIndex): boolean {
    return !this.unexpected.has(index);
  }
  arrived(_feed: PeerFeed, index: PieceIndex, slot: Slot | undefined): void {
    this.told.push(["arrived", index, slot === undefined ? "thrown away" : "in a slot"]);
    if (slot !== undefined) this.slots.set(index, slot);
  }
  refused(_feed: PeerFeed, index: PieceIndex, reason: RejectReason): void {
    this.told.push(["refused", index, reason]);
  }
  closed(_feed: PeerFeed, failure: Failure): void {
    this.told.push(["closed"]);
    this.failure = failure;
  }
}

async function setUp() {
  const network = new SimNetwork();
  const [near, far] = network.pair(self, other);
  const nobody = serveNobody();
  const link = new PeerLink(near, { serving: nobody, clock: new ManualClock(), whenClosed: () => {} });
  const peer = new RawPeer(far);
  const pool = new SharedSlotPool(new SharedArrayBuffer(CAPACITY * PIECE_BYTES));
  const clock = new ManualClock();
  const receiver = new Receiver();
  const { manifest } = file;
  const feed = new PeerFeed(
    link,
    {
      table: manifest,
      slots: pool,
      clock,
      open: (handler) =>
        link.openChannel({ kind: "open", gid, fileId: manifest.summary.fileId }, "grant", handler),
    },
    receiver,
  );
  peer.hello();
  peer.say({ kind: "opened", channel: 1, bits: undefined });
  await settle();
  expect(clock.pending).toBe(0);
  receiver.told.length = 0;
  /** The bytes of a piece from one place to another, in a frame that may be announced as longer. */
  const send = async (index: number, from: number, to: number, wholeTo = to) => {
    const bytes = bytesOf(index).subarray(from, to);
    peer.sayData({ channel: 1, piece: index, begin: from }, bytes, wholeTo - from);
    await settle();
  };
  const sendRest = async (index: number, from: number, to: number) => {
    peer.bytes(bytesOf(index).subarray(from, to));
    await settle();
  };
  /** As the receiver does in the end. */
  const giveBack = () => {
    for (const slot of receiver.slots.values()) pool.release(slot);
    receiver.slots.clear();
    return pool.free;
  };
  return { link, peer, pool, receiver, feed, send, sendRest, giveBack };
}

describe("pieces", () => {
  test("arrive whole in a slot each, asked for and named as they are", async () => {
    const { feed, peer, pool, receiver, send, giveBack } = await setUp();
    feed.request(piece(0));
    feed.request(piece(2));
    await send(0, 0, PIECE_BYTES);
    await send(2, 0, PIECE_BYTES / 2);
    expect(peer.heardOf("request").map(({ range }) => range)).toEqual([
      { piece: 0, begin: 0, length: PIECE_BYTES },
      { piece: 2, begin: 0, length: PIECE_BYTES / 2 },
    ]);
    expect(receiver.told).toEqual([
      ["arrived", 0, "in a slot"],
      ["arrived", 2, "in a slot"],
    ]);
    expect(receiver.slots.get(piece(0))?.bytes).toEqual(bytesOf(0));
    expect(receiver.slots.get(piece(2))?.bytes.subarray(0, PIECE_BYTES / 2)).toEqual(bytesOf(2));
    expect(pool.free).toBe(CAPACITY - 2);
    expect(giveBack()).toBe(CAPACITY);
  });

  test("may come in several frames, mixed with those of others", async () => {
    const { feed, receiver, send, giveBack } = await setUp();
    feed.request(piece(0));
    feed.request(piece(1));
    await send(0, 0, 1_000);
    await send(1, 0, 70);
    await send(0, 1_000, PIECE_BYTES);
    await send(1, 70, PIECE_BYTES);
    expect(receiver.slots.get(piece(0))?.bytes).toEqual(bytesOf(0));
    expect(receiver.slots.get(piece(1))?.bytes).toEqual(bytesOf(1));
    expect(giveBack()).toBe(CAPACITY);
  });

  test("that nobody expects take no slot, and their end is told", async () => {
    const { receiver, pool, send } = await setUp();
    receiver.unexpected.add(1);
    await send(1, 0, 5_000, PIECE_BYTES);
    expect(pool.free).toBe(CAPACITY);
    expect(receiver.told).toEqual([]);
  });

  test("that find no slot free are told as thrown away, and come well the next time", async () => {
    const { feed, receiver, pool, send, giveBack } = await setUp();
    const held = [pool.acquire(), pool.acquire(), pool.acquire()];
    feed.request(piece(0));
    await send(0, 0, PIECE_BYTES);
    expect(receiver.told).toEqual([["arrived", 0, "thrown away"]]);
    for (const slot of held) if (slot !== undefined) pool.release(slot);
    feed.request(piece(0));
    await send(0, 0, PIECE_BYTES);
    expect(receiver.slots.get(piece(0))?.bytes).toEqual(bytesOf(0));
    expect(giveBack()).toBe(CAPACITY);
  });
});

describe("a request taken back", () => {
  test("before its first byte holds nothing", async () => {
    const { feed, peer, pool } = await setUp();
    feed.request(piece(0));
    feed.cancel(piece(0));
    await settle();
    expect(peer.heardOf("cancel")).toHaveLength(1);
    expect(pool.free).toBe(CAPACITY);
  });

  test("between two frames of its piece gives the slot back, and the rest is thrown away without blame", async () => {
    const { feed, link, receiver, pool, send } = await setUp();
    feed.request(piece(0));
    await send(0, 0, 1_000);
    expect(pool.free).toBe(CAPACITY - 1);
    feed.cancel(piece(0));
    expect(pool.free).toBe(CAPACITY);
    await send(0, 1_000, 2_000);
    await send(0, 2_000, PIECE_BYTES);
    expect(link.isOpen).toBe(true);
    expect(receiver.told).toEqual([]);
    expect(pool.free).toBe(CAPACITY);
  });

  test("may be asked again, and its piece then comes from the beginning", async () => {
    const { feed, receiver, send, giveBack } = await setUp();
    feed.request(piece(0));
    await send(0, 0, 1_000);
    feed.cancel(piece(0));
    feed.request(piece(0));
    await send(0, 0, PIECE_BYTES);
    expect(receiver.slots.get(piece(0))?.bytes).toEqual(bytesOf(0));
    expect(giveBack()).toBe(CAPACITY);
  });

  test("within the frame of its whole piece keeps the slot until the frame ends, then hands it over", async () => {
    const { feed, receiver, pool, send, sendRest, giveBack } = await setUp();
    feed.request(piece(0));
    await send(0, 0, 1_000, PIECE_BYTES);
    feed.cancel(piece(0));
    expect(pool.free).toBe(CAPACITY - 1);
    await sendRest(0, 1_000, PIECE_BYTES);
    expect(receiver.told).toEqual([["arrived", 0, "in a slot"]]);
    expect(receiver.slots.get(piece(0))?.bytes).toEqual(bytesOf(0));
    expect(giveBack()).toBe(CAPACITY);
  });

  test("within a frame of a part gives the slot back when that frame ends", async () => {
    const { feed, receiver, pool, send, sendRest } = await setUp();
    feed.request(piece(0));
    await send(0, 0, 1_000, 2_000);
    feed.cancel(piece(0));
    await sendRest(0, 1_000, 2_000);
    expect(receiver.told).toEqual([]);
    expect(pool.free).toBe(CAPACITY);
  });

  test("after its piece came is harmless", async () => {
    const { feed, send, giveBack } = await setUp();
    feed.request(piece(0));
    await send(0, 0, PIECE_BYTES);
    feed.cancel(piece(0));
    expect(giveBack()).toBe(CAPACITY);
  });
});

describe("slots are not for the peer to hold", () => {
  test("a refusal after a part of the piece gives the slot back", async () => {
    const { feed, peer, receiver, pool, send } = await setUp();
    feed.request(piece(0));
    await send(0, 0, 1_000);
    peer.say({ kind: "reject", channel: 1, range: { piece: 0, begin: 0, length: 1 }, reason: "busy" });
    await settle();
    expect(receiver.told).toEqual([["refused", 0, "busy"]]);
    expect(pool.free).toBe(CAPACITY);
  });

  test("a piece that is still of use though not asked for any more must come in one frame", async () => {
    const { feed, receiver, pool, send, giveBack } = await setUp();
    for (const index of [0, 1]) {
      feed.request(piece(index));
      feed.cancel(piece(index));
    }
    await send(0, 0, 10);
    expect(pool.free).toBe(CAPACITY);
    await send(1, 0, PIECE_BYTES);
    expect(receiver.told).toEqual([["arrived", 1, "in a slot"]]);
    expect(giveBack()).toBe(CAPACITY);
  });
});

describe("the end", () => {
  test("leaving gives back what is half received, says so once, and no event follows", async () => {
    const { feed, peer, receiver, pool, send, sendRest } = await setUp();
    feed.request(piece(0));
    feed.request(piece(1));
    await send(0, 0, 1_000);
    await send(1, 0, 1_000, PIECE_BYTES);
    expect(pool.free).toBe(CAPACITY - 2);
    feed.leave();
    feed.leave();
    expect(pool.free).toBe(CAPACITY);
    await sendRest(1, 1_000, PIECE_BYTES);
    feed.request(piece(2));
    await settle();
    expect(receiver.told).toEqual([]);
    expect(peer.heardOf("leave")).toHaveLength(1);
    expect(peer.heardOf("request")).toHaveLength(2);
  });

  test("a slot given back by leaving is not written to, though its frame goes on", async () => {
    const { feed, pool, send, sendRest } = await setUp();
    feed.request(piece(0));
    await send(0, 0, 1_000, PIECE_BYTES);
    feed.leave();
    const slots = [pool.acquire(), pool.acquire(), pool.acquire()];
    for (const slot of slots) slot?.bytes.fill(7);
    await sendRest(0, 1_000, PIECE_BYTES);
    for (const slot of slots) expect(slot?.bytes.every((byte) => byte === 7)).toBe(true);
    for (const slot of slots) if (slot !== undefined) pool.release(slot);
  });

  test("a channel closed by the source gives back what is half received and says why", async () => {
    const { feed, peer, receiver, pool, send } = await setUp();
    feed.request(piece(0));
    await send(0, 0, 1_000);
    peer.say({ kind: "closed", channel: 1, failure: new Failure("peer-refused", "no longer a member") });
    await settle();
    expect(receiver.told).toEqual([["closed"]]);
    expect(receiver.failure?.message).toBe("no longer a member");
    expect(pool.free).toBe(CAPACITY);
  });

  test("a link lost in the middle of a frame gives back its slot", async () => {
    const { feed, peer, receiver, pool, send } = await setUp();
    feed.request(piece(0));
    await send(0, 0, 1_000, PIECE_BYTES);
    peer.close();
    await settle();
    expect(receiver.told).toEqual([["closed"]]);
    expect(pool.free).toBe(CAPACITY);
  });
});

describe("what makes no sense ends the link and gives back every slot", () => {
  const cases: readonly (readonly [what: string, say: (peer: RawPeer) => void])[] = [
    ["bytes out of order", (peer) => peer.sayData({ channel: 1, piece: 0, begin: 999 }, new Uint8Array(10))],
    ["bytes again", (peer) => peer.sayData({ channel: 1, piece: 0, begin: 500 }, new Uint8Array(10))],
    [
      "bytes beyond the end of a piece",
      (peer) => peer.sayData({ channel: 1, piece: 0, begin: 1_000 }, new Uint8Array(PIECE_BYTES - 999)),
    ],
    [
      "bytes beyond the end of the last piece",
      (peer) => peer.sayData({ channel: 1, piece: 2, begin: 0 }, new Uint8Array(PIECE_BYTES / 2 + 1)),
    ],
    [
      "a piece that is not there",
      (peer) => peer.sayData({ channel: 1, piece: 3, begin: 0 }, new Uint8Array(1)),
    ],
    ["a have of such", (peer) => peer.say({ kind: "have", channel: 1, pieces: [0, 3] })],
    [
      "a refusal of such",
      (peer) =>
        peer.say({ kind: "reject", channel: 1, range: { piece: 9, begin: 0, length: 1 }, reason: "busy" }),
    ],
    ["a second opened", (peer) => peer.say({ kind: "opened", channel: 1, bits: undefined })],
  ];
  for (const [what, say] of cases) {
    test(what, async () => {
      const { feed, link, peer, receiver, pool, send } = await setUp();
      feed.request(piece(0));
      await send(0, 0, 1_000);
      say(peer);
      await settle();
      expect(link.isOpen).toBe(false);
      expect(receiver.told).toEqual([["closed"]]);
      expect(receiver.failure?.code).toBe("protocol");
      expect(pool.free).toBe(CAPACITY);
    });
  }

  test("a bitfield of another length", async () => {
    const { link, peer, receiver } = await setUp();
    link.close();
    const network = new SimNetwork();
    const [near, far] = network.pair(self, other);
    const nobody = serveNobody();
    const again = new PeerLink(near, { serving: nobody, clock: new ManualClock(), whenClosed: () => {} });
    const open = (handler: ChannelHandler) =>
      again.openChannel({ kind: "open", gid, fileId: file.manifest.summary.fileId }, "g", handler);
    new PeerFeed(
      again,
      {
        table: file.manifest,
        slots: new SharedSlotPool(new SharedArrayBuffer(0)),
        clock: new ManualClock(),
        open,
      },
      receiver,
    );
    const speaker = new RawPeer(far);
    speaker.hello();
    speaker.say({ kind: "opened", channel: 1, bits: new Uint8Array(9) });
    await settle();
    expect(peer.ended).toBeDefined();
    expect(again.isOpen).toBe(false);
    expect(receiver.failure?.code).toBe("protocol");
  });

  test("that accepts the connection and never answers for the file is given up after a while", async () => {
    const network = new SimNetwork();
    const [near, far] = network.pair(self, other);
    const nobody = serveNobody();
    const link = new PeerLink(near, { serving: nobody, clock: new ManualClock(), whenClosed: () => {} });
    const receiver = new Receiver();
    const clock = new ManualClock();
    const open = (handler: ChannelHandler) =>
      link.openChannel({ kind: "open", gid, fileId: file.manifest.summary.fileId }, "g", handler);
    new PeerFeed(
      link,
      { table: file.manifest, slots: new SharedSlotPool(new SharedArrayBuffer(0)), clock, open },
      receiver,
    );
    const silent = new RawPeer(far);
    silent.hello();
    await settle();
    clock.advance(CHANNEL_OPEN_MS_MAX - 1);
    expect(receiver.failure).toBeUndefined();
    clock.advance(1);
    expect(receiver.failure?.code).toBe("timeout");
    silent.say({ kind: "opened", channel: 1, bits: undefined });
    await settle();
    expect([receiver.told, link.isOpen]).toEqual([[["closed"]], true]);
  });
});
