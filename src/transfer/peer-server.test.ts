import { describe, expect, test } from "bun:test";
import { Bitfield } from "../base/bitfield.ts";
import { Failure } from "../base/failure.ts";
import type { FileId, Fingerprint, Gid, PieceIndex, Uid } from "../base/ids.ts";
import {
  FUTILE_MESSAGES_AT_ONCE_MAX,
  GRANT_LIFETIME_MS,
  PIECE_BYTES,
  REQUESTS_QUEUED_PER_CHANNEL_MAX,
  UNSENT_BYTES_PER_PEER_MAX,
  UPLOADS_AT_ONCE_MAX,
} from "../base/limits.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { RawPeer } from "../testing/raw-peer.ts";
import { SimNetwork } from "../testing/sim-network.ts";
import { content, GrantOffice, gid, otherGid } from "../testing/transfer-world.ts";
import type { PeerMessage, PieceRange } from "../wire/client-peer.ts";
import type { Slot } from "./disk/contract.ts";
import { SharedSlotPool } from "./disk/slot-pool.ts";
import { PeerLink } from "./peer-link.ts";
import { PeerServer } from "./peer-server.ts";
import type { ServedFile } from "./served-file.ts";

const seeder = "0".repeat(64) as Fingerprint;
const file = content(40);
const { fileId } = file.manifest.summary;
const piece = (index: number) => index as PieceIndex;
const range = (index: number, begin = 0, length = PIECE_BYTES): PieceRange => ({
  piece: index,
  begin,
  length,
});

/** Pieces from memory; while it is held shut, reading waits. */
class MemoryFile implements ServedFile {
  readonly gid: Gid;
  readonly table = file.manifest;
  readonly have: Bitfield;
  /** How often it was opened, less how often closed. */
  openings = 0;
  /** Pieces being read or waited for, in order. */
  readonly reads: number[] = [];
  /** What reading comes to. */
  outcome: () => boolean = () => true;
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(have = Bitfield.full(file.manifest.pieces), group = gid) {
    this.have = have;
    this.gid = group;
  }

  hold(): void {
    this.#gate = Promise.withResolvers();
  }

  async letGo(): Promise<void> {
    this.#gate?.resolve();
    this.#gate = undefined;
    await settle();
  }

  opened(): void {
    this.openings++;
  }

  closed(): void {
    this.openings--;
  }

  async load(index: PieceIndex, slot: Slot): Promise<boolean> {
    this.reads.push(index);
    await this.#gate?.promise;
    slot.bytes.set(file.bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES));
    return this.outcome();
  }
}

interface Conditions {
  readonly slots?: number;
  /** Of grants: short ones end before a link would have to be kept alive. */
  readonly lifetimeMs?: number;
}

function setUp({ slots = UPLOADS_AT_ONCE_MAX, lifetimeMs = GRANT_LIFETIME_MS }: Conditions = {}) {
  const clock = new ManualClock();
  const office = new GrantOffice(clock);
  const network = new SimNetwork();
  const pool = new SharedSlotPool(new SharedArrayBuffer(slots * PIECE_BYTES));
  const server = new PeerServer({
    smallFiles: undefined,
    slots: pool,
    clock,
    nowMs: () => clock.nowMs(),
    keys: () => [office.publicKey],
  });
  const links: PeerLink[] = [];

  /** A member's machine with a link to the server. */
  const connect = (digit: string, machine = digit) => {
    const fingerprint = machine.repeat(64) as Fingerprint;
    const uid = digit.repeat(32) as Uid;
    const [near, far] = network.pair(seeder, fingerprint);
    const link = new PeerLink(near, { serving: server, clock, whenClosed: () => {} });
    links.push(link);
    const raw = new RawPeer(far);
    raw.hello();
    const grant = (group = gid) => office.grant({ uid, fingerprint }, group, lifetimeMs).text;
    const open = (channel = 1, { group = gid, text = grant(group), id = fileId } = {}) =>
      raw.say({ kind: "open", channel, gid: group, fileId: id, grant: text });
    const ask = (...pieces: number[]) => {
      for (const index of pieces) raw.say({ kind: "request", channel: 1, range: range(index) });
    };
    /** Says of each piece that has come that it is here, until no more come. */
    const takeIn = async () => {
      for (let told = 0; told < raw.data.length; await settle())
        for (; told < raw.data.length; told++)
          raw.say({ kind: "arrived", channel: 1, piece: raw.data[told]?.piece ?? 0 });
    };
    const closedWith = () => raw.heardOf("closed").map(({ channel, failure }) => [channel, failure.code]);
    return { fingerprint, uid, link, far, raw, grant, open, ask, takeIn, closedWith };
  };

  /** With no turn left under way, and nobody connected, all buffers are back. */
  const end = async () => {
    for (const link of links) link.close();
    await settle();
    expect(pool.free).toBe(pool.capacity);
    expect(network.errors).toEqual([]);
  };
  return { clock, office, network, pool, server, connect, end };
}

/** One peer with an open channel for a file that is served whole. */
async function opened(conditions: Conditions = {}) {
  const world = setUp(conditions);
  const served = new MemoryFile();
  world.server.serve(served);
  const peer = world.connect("1");
  peer.open();
  await settle();
  expect(peer.raw.heard).toEqual([{ kind: "opened", channel: 1, bits: undefined }]);
  return { ...world, served, peer };
}

describe("who may open a channel", () => {
  const wrongGrants: readonly (readonly [
    what: string,
    grant: (world: ReturnType<typeof setUp>) => string,
  ])[] = [
    ["no grant", () => ""],
    ["nonsense", () => "x.y"],
    [
      "the grant of a tracker that is not known",
      ({ clock }) => {
        const stranger = new GrantOffice(clock);
        return stranger.grant({ uid: "1".repeat(32) as Uid, fingerprint: "1".repeat(64) as Fingerprint })
          .text;
      },
    ],
    [
      "a grant that has ended",
      ({ clock, connect }) => {
        const text = connect("1").grant();
        clock.advance(GRANT_LIFETIME_MS);
        return text;
      },
    ],
    ["another machine's grant", ({ connect }) => connect("2").grant()],
    ["a grant for another group", ({ connect }) => connect("1").grant(otherGid)],
  ];
  for (const [what, grant] of wrongGrants) {
    test(`not with ${what}: refused with a reason, whether the file is there or not`, async () => {
      const world = setUp();
      const text = grant(world);
      const peer = world.connect("1");
      peer.open(1, { text });
      await settle();
      world.server.serve(new MemoryFile());
      peer.open(2, { text });
      await settle();
      const told = peer.raw.heardOf("closed");
      expect(told.map(({ channel, failure }) => [channel, failure.code])).toEqual([
        [1, "peer-refused"],
        [2, "peer-refused"],
      ]);
      expect(told[0]?.failure.message).toBe(told[1]?.failure.message ?? "");
      expect(peer.link.isOpen).toBe(true);
      await world.end();
    });
  }

  test("only the admitted learn that a file is not here", async () => {
    const { server, connect, end } = setUp();
    server.serve(new MemoryFile());
    const peer = connect("1");
    peer.open(1, { id: "e".repeat(64) as FileId });
    peer.open(2, { group: otherGid });
    await settle();
    expect(peer.closedWith()).toEqual([
      [1, "unknown-file"],
      [2, "unknown-file"],
    ]);
    await end();
  });

  test("a channel that was refused answers no request", async () => {
    const { server, connect, end } = setUp();
    const served = new MemoryFile();
    server.serve(served);
    const peer = connect("1");
    peer.open(1, { text: "" });
    peer.ask(0);
    await settle();
    expect(served.reads).toEqual([]);
    expect(peer.raw.data).toEqual([]);
    await end();
  });
});

describe("requests", () => {
  test("are answered with the bytes asked for", async () => {
    const { peer, end } = await opened();
    peer.ask(3);
    peer.raw.say({ kind: "request", channel: 1, range: range(4, 100, 50) });
    await settle();
    const [whole, part] = peer.raw.data;
    expect(whole).toMatchObject({ channel: 1, piece: 3, begin: 0 });
    expect(Buffer.compare(whole?.bytes ?? new Uint8Array(), piecesOf(3))).toBe(0);
    expect(part).toMatchObject({ channel: 1, piece: 4, begin: 100 });
    expect(Buffer.compare(part?.bytes ?? new Uint8Array(), piecesOf(4).subarray(100, 150))).toBe(0);
    await end();
  });

  for (const [what, wrong] of [
    ["of a piece that the file does not have", range(40)],
    ["of a piece far beyond", range(2 ** 32 - 1)],
  ] as const) {
    test(`${what} close the link`, async () => {
      const { peer, end } = await opened();
      peer.raw.say({ kind: "request", channel: 1, range: wrong });
      peer.ask(0);
      await settle();
      expect(peer.link.isOpen).toBe(false);
      expect(peer.raw.data).toEqual([]);
      await end();
    });
  }

  test("beyond the end of a short last piece close the link", async () => {
    const short = content(1.5);
    const { server, connect, end } = setUp();
    const served = Object.assign(new MemoryFile(Bitfield.full(2)), { table: short.manifest });
    server.serve(served);
    const peer = connect("1");
    peer.open(1, { id: short.manifest.summary.fileId });
    peer.raw.say({ kind: "request", channel: 1, range: range(1, 0, PIECE_BYTES / 2 + 1) });
    await settle();
    expect(peer.link.isOpen).toBe(false);
    await end();
  });

  test("of a piece that is not here yet are rejected, and it is told when it comes", async () => {
    const { server, connect, end } = setUp();
    const served = new MemoryFile(new Bitfield(40));
    served.have.set(7);
    server.serve(served);
    const peer = connect("1");
    peer.open();
    peer.ask(8);
    await settle();
    served.have.set(8);
    server.announce(served, [piece(8)]);
    peer.ask(8);
    await settle();
    expect(peer.raw.heard).toEqual([
      { kind: "opened", channel: 1, bits: Uint8Array.of(1, 0, 0, 0, 0) },
      { kind: "reject", channel: 1, range: range(8), reason: "not-have" },
      { kind: "have", channel: 1, pieces: [8] },
    ]);
    expect(peer.raw.data).toHaveLength(1);
    await end();
  });

  test("of a piece that the disk does not give, or gives wrong, are rejected", async () => {
    const { peer, served, end } = await opened();
    served.outcome = () => false;
    peer.ask(0);
    await settle();
    served.outcome = () => {
      throw new Failure("disk-error", "input/output error");
    };
    peer.ask(1);
    await settle();
    expect(peer.raw.heardOf("reject").map((said) => [said.range.piece, said.reason])).toEqual([
      [0, "unreadable"],
      [1, "unreadable"],
    ]);
    expect(peer.raw.data).toEqual([]);
    await end();
  });

  test("beyond what a channel may have waiting are rejected as busy, and the others are answered", async () => {
    const { peer, served, end } = await opened();
    served.hold();
    const asked = REQUESTS_QUEUED_PER_CHANNEL_MAX + UPLOADS_AT_ONCE_MAX + 5;
    // Bytes, not pieces: so that the bound on unsent bytes is not met first.
    const said = Array.from({ length: asked }, (_, at): PeerMessage => {
      const one = range(at % 40, Math.floor(at / 40), 1);
      return { kind: "request", channel: 1, range: one };
    });
    peer.raw.say(...said);
    await settle();
    const rejects = peer.raw.heardOf("reject").length;
    expect(rejects).toBeGreaterThan(0);
    await served.letGo();
    await peer.takeIn();
    expect(peer.raw.data).toHaveLength(asked - rejects);
    await end();
  });

  test("taken back while they wait are not answered", async () => {
    const { peer, served, end } = await opened({ slots: 1 });
    served.hold();
    peer.ask(0, 1, 2);
    peer.raw.say({ kind: "cancel", channel: 1, range: range(1) });
    peer.raw.say({ kind: "cancel", channel: 1, range: range(0) });
    peer.raw.say({ kind: "cancel", channel: 1, range: range(2 ** 31) });
    await settle();
    await served.letGo();
    expect(peer.raw.data.map((data) => data.piece)).toEqual([0, 2]);
    await end();
  });

  test("wait while downloads have all the buffers, and go on when one is free", async () => {
    const { peer, pool, end } = await opened({ slots: 2 });
    const held = [pool.acquire(), pool.acquire()];
    peer.ask(0, 1, 2);
    await settle();
    expect(peer.raw.data).toEqual([]);
    for (const slot of held) if (slot !== undefined) pool.release(slot);
    await settle();
    await peer.takeIn();
    expect(peer.raw.data.map((data) => data.piece)).toEqual([0, 1, 2]);
    await end();
  });
});

describe("a piece on its way", () => {
  test("is told to the others who fetch the file, when it is given for the first time", async () => {
    const { connect, peer, end } = await opened();
    const other = connect("2");
    other.open();
    await settle();
    peer.ask(7);
    await settle();
    await peer.takeIn();
    other.ask(7);
    await settle();
    expect(other.raw.heardOf("given")).toEqual([{ kind: "given", channel: 1, pieces: [7] }]);
    expect(peer.raw.heardOf("given")).toEqual([]);
    await end();
  });

  test("is not told by one that has only a part, nor to one whose grant has ended", async () => {
    const { server, clock, connect, end } = setUp({ lifetimeMs: 5_000 });
    const part = new MemoryFile(new Bitfield(40));
    part.have.set(7);
    server.serve(part);
    server.serve(new MemoryFile(Bitfield.full(40), otherGid));
    const [one, two, late] = [connect("1"), connect("2"), connect("3")];
    late.open(1, { group: otherGid });
    await settle();
    clock.advance(4_000);
    for (const peer of [one, two]) {
      peer.open(1);
      peer.open(2, { group: otherGid });
    }
    await settle();
    one.ask(7);
    await settle();
    expect(two.raw.heardOf("given")).toEqual([]);
    clock.advance(1_000);
    one.raw.say({ kind: "request", channel: 2, range: range(8) });
    await settle();
    expect(two.raw.heardOf("given")).toEqual([{ kind: "given", channel: 2, pieces: [8] }]);
    expect(late.raw.heardOf("given")).toEqual([]);
    await end();
  });

  test("that nobody asked for is bounded as other messages that move nothing are", async () => {
    const { peer, end } = await opened();
    for (let count = 0; count <= FUTILE_MESSAGES_AT_ONCE_MAX; count++)
      peer.raw.say({ kind: "arrived", channel: 1, piece: count });
    await settle();
    expect(peer.link.isOpen).toBe(false);
    await end();
  });
});

describe("a revocation", () => {
  test("cuts that user's channels of that group at once, and nobody else's", async () => {
    const { server, connect, end } = setUp();
    server.serve(new MemoryFile());
    server.serve(new MemoryFile(Bitfield.full(40), otherGid));
    const removed = connect("1");
    const other = connect("2");
    removed.open(1);
    removed.open(2, { group: otherGid });
    other.open(1);
    await settle();
    server.revoke(gid, removed.uid);
    removed.ask(0);
    removed.raw.say({ kind: "request", channel: 2, range: range(5) });
    other.ask(1);
    await settle();
    expect(removed.closedWith()).toEqual([[1, "peer-refused"]]);
    expect(removed.raw.data.map((data) => [data.channel, data.piece])).toEqual([[2, 5]]);
    expect(other.raw.data).toHaveLength(1);
    await end();
  });

  test("that spares a machine cuts the user's others, and lets that one go on", async () => {
    const { server, connect, end } = setUp();
    server.serve(new MemoryFile());
    const spared = connect("1");
    const other = connect("1", "a");
    for (const peer of [spared, other]) peer.open(1);
    await settle();
    server.revoke(gid, spared.uid, spared.fingerprint);
    for (const peer of [spared, other]) peer.ask(0);
    await settle();
    expect(other.closedWith()).toEqual([[1, "peer-refused"]]);
    expect(other.raw.data).toEqual([]);
    expect(spared.closedWith()).toEqual([]);
    expect(spared.raw.data).toHaveLength(1);
    await end();
  });

  test("while a piece is being read lets no byte of it leave", async () => {
    const { server, served, peer, pool, end } = await opened();
    served.hold();
    peer.ask(0, 1, 2);
    await settle();
    expect(served.reads).toEqual([0, 1]);
    server.revoke(gid, peer.uid);
    await served.letGo();
    expect(peer.raw.data).toEqual([]);
    expect(pool.free).toBe(pool.capacity);
    await end();
  });

  test("refuses the grants signed before it, for new channels and for those renewed, and admits the member again when that is told", async () => {
    const { server, served, peer, end } = await opened();
    const before = peer.grant();
    server.revoke(gid, peer.uid);
    peer.open(2, { text: before });
    await settle();
    expect(peer.closedWith()).toEqual([
      [1, "peer-refused"],
      [2, "peer-refused"],
    ]);
    server.readmit(gid, peer.uid);
    peer.open(3);
    peer.raw.say({ kind: "request", channel: 3, range: range(0) });
    await settle();
    expect(peer.raw.data).toHaveLength(1);
    server.revoke(gid, peer.uid);
    peer.raw.say({ kind: "renew", channel: 3, grant: before });
    await settle();
    expect(peer.closedWith().slice(2)).toEqual([[3, "peer-refused"]]);
    expect(served.openings).toBe(0);
    expect(server.refusals.get("revoked")).toBe(3);
    await end();
  });

  test("throws away what waits for a reader that is slow, and ends the link", async () => {
    const { server, peer, pool, end } = await opened();
    peer.far.pause();
    peer.ask(0, 1, 2, 3);
    await settle();
    server.revoke(gid, peer.uid);
    await settle();
    expect(peer.link.isOpen).toBe(false);
    expect(pool.free).toBe(pool.capacity);
    await end();
  });

  test("reaches a channel of a file that was withdrawn and is offered again", async () => {
    const { server, peer, end } = await opened();
    server.serve(new MemoryFile());
    server.revoke(gid, peer.uid);
    peer.ask(0);
    await settle();
    expect(peer.raw.data).toEqual([]);
    await end();
  });
});

describe("a grant that ends", () => {
  const lifetimeMs = 5_000;

  test("without renewal ends the channel with the next request", async () => {
    const { clock, served, peer, end } = await opened({ lifetimeMs });
    clock.advance(lifetimeMs - 1);
    peer.ask(0);
    await settle();
    expect(peer.raw.data).toHaveLength(1);
    clock.advance(1);
    peer.ask(1, 2);
    await settle();
    expect(peer.raw.data).toHaveLength(1);
    expect(peer.closedWith()).toEqual([[1, "peer-refused"]]);
    expect(served.openings).toBe(0);
    await end();
  });

  test("ends the channel though nothing is said on it, and throws away what waits for a slow reader", async () => {
    const { clock, server, pool, peer, connect, end } = await opened({ lifetimeMs });
    const idle = connect("2");
    idle.open();
    await settle();
    peer.far.pause();
    peer.ask(0, 1, 2, 3);
    await settle();
    clock.advance(lifetimeMs);
    await settle();
    expect(idle.closedWith()).toEqual([[1, "peer-refused"]]);
    expect(peer.link.isOpen).toBe(false);
    expect(pool.free).toBe(pool.capacity);
    expect(server.refusals.get("ended")).toBe(2);
    await end();
  });

  test("while a piece is being read lets no byte of it leave", async () => {
    const { clock, served, peer, end } = await opened({ lifetimeMs });
    served.hold();
    peer.ask(0);
    await settle();
    clock.advance(lifetimeMs);
    await served.letGo();
    expect(peer.raw.data).toEqual([]);
    expect(peer.closedWith()).toEqual([[1, "peer-refused"]]);
    await end();
  });

  test("ends the news of what there is, too", async () => {
    const { clock, server, connect, end } = setUp({ lifetimeMs });
    const served = new MemoryFile(new Bitfield(40));
    server.serve(served);
    const peer = connect("1");
    peer.open();
    await settle();
    clock.advance(lifetimeMs);
    server.announce(served, [piece(1)]);
    await settle();
    expect(peer.raw.heardOf("have")).toEqual([]);
    expect(peer.closedWith()).toEqual([[1, "peer-refused"]]);
    await end();
  });

  test("and is renewed in time interrupts nothing", async () => {
    const { clock, peer, end } = await opened({ lifetimeMs });
    for (let renewals = 0; renewals < 4; renewals++) {
      clock.advance(lifetimeMs - 1);
      peer.raw.say({ kind: "renew", channel: 1, grant: peer.grant() });
      peer.ask(renewals);
      await settle();
    }
    expect(peer.raw.data).toHaveLength(4);
    await end();
  });

  test("is not renewed by somebody else's", async () => {
    const { peer, connect, end } = await opened();
    peer.raw.say({ kind: "renew", channel: 1, grant: connect("2").grant() });
    peer.ask(0);
    await settle();
    expect(peer.closedWith()).toEqual([[1, "peer-refused"]]);
    expect(peer.raw.data).toEqual([]);
    await end();
  });
});

describe("files served", () => {
  test("a whole one takes the place of a partial one: channels go on, and hear what is new", async () => {
    const { server, connect, end } = setUp();
    const part = new MemoryFile(new Bitfield(40));
    for (const index of [0, 5]) part.have.set(index);
    server.serve(part);
    const peer = connect("1");
    peer.open();
    await settle();
    part.hold();
    peer.ask(0);
    await settle();
    const whole = new MemoryFile();
    server.serve(whole);
    expect([part.openings, whole.openings]).toEqual([0, 1]);
    server.stop(part);
    expect(server.find(gid, fileId)).toBe(whole);
    await part.letGo();
    peer.ask(9);
    await settle();
    const news = peer.raw.heardOf("have").flatMap(({ pieces }) => pieces);
    expect(news).toHaveLength(38);
    expect(news).not.toContain(5);
    expect(peer.raw.data.map((data) => data.piece)).toEqual([0, 9]);
    expect(whole.reads).toEqual([9]);
    expect(peer.closedWith()).toEqual([]);
    await end();
    expect(whole.openings).toBe(0);
  });

  test("one that is stopped ends its channels, also while it is being read", async () => {
    const { server, served, peer, pool, end } = await opened();
    served.hold();
    peer.ask(0, 1);
    await settle();
    server.stop(served);
    await served.letGo();
    peer.open(2);
    await settle();
    expect(peer.raw.data).toEqual([]);
    expect(peer.closedWith()).toEqual([
      [1, "unknown-file"],
      [2, "unknown-file"],
    ]);
    expect(server.served()).toEqual([]);
    expect(pool.free).toBe(pool.capacity);
    await end();
  });

  test("are opened with the first channel and closed with the last, whatever ends it", async () => {
    const { served, peer, connect, end } = await opened();
    const other = connect("2");
    other.open();
    await settle();
    expect(served.openings).toBe(1);
    peer.raw.say({ kind: "leave", channel: 1 });
    await settle();
    expect(served.openings).toBe(1);
    other.raw.close();
    await settle();
    expect(served.openings).toBe(0);
    await end();
  });
});

describe("buffers", () => {
  test("come back when the peer leaves or is lost while its pieces are read", async () => {
    for (const how of ["leave", "lost"] as const) {
      const { served, peer, pool, end } = await opened();
      served.hold();
      peer.ask(0, 1, 2);
      await settle();
      expect(pool.free).toBe(pool.capacity - 2);
      if (how === "leave") peer.raw.say({ kind: "leave", channel: 1 });
      else peer.raw.close();
      await settle();
      await served.letGo();
      expect(pool.free).toBe(pool.capacity);
      expect(peer.raw.data).toEqual([]);
      await end();
    }
  });

  test("come back when the line breaks under pieces on their way", async () => {
    const { network, peer, pool, end } = await opened();
    peer.far.pause();
    peer.ask(0, 1, 2);
    await settle();
    expect(pool.free).toBe(pool.capacity - 2);
    network.cut(seeder, peer.fingerprint);
    await settle();
    expect(pool.free).toBe(pool.capacity);
    await end();
  });

  test("a slow reader holds no more than its bound, and once it is late keeps nobody waiting", async () => {
    const { clock, peer, pool, connect, end } = await opened();
    const bound = UNSENT_BYTES_PER_PEER_MAX / PIECE_BYTES;
    peer.far.pause();
    peer.ask(...Array.from({ length: 30 }, (_, at) => at));
    await settle();
    clock.advance(1_000);
    await settle();
    expect(pool.capacity - pool.free).toBe(bound);
    const other = connect("2");
    other.open();
    other.ask(...Array.from({ length: 30 }, (_, at) => at));
    await settle();
    await other.takeIn();
    expect(other.raw.data).toHaveLength(30);
    expect(pool.capacity - pool.free).toBe(bound);
    peer.far.resume();
    await settle();
    await peer.takeIn();
    expect(peer.raw.data).toHaveLength(30);
    await end();
  });

  test("are shared between two peers who ask for much: neither gets far ahead", async () => {
    const { served, peer, connect, end } = await opened({ slots: 1 });
    const other = connect("2");
    other.open();
    await settle();
    served.hold();
    const order: string[] = [];
    peer.ask(...Array.from({ length: 20 }, (_, at) => at));
    await settle();
    other.ask(...Array.from({ length: 20 }, (_, at) => 20 + at));
    await settle();
    await served.letGo();
    for (let read = 0; read < served.reads.length; await settle()) {
      read = served.reads.length;
      await peer.takeIn();
      await other.takeIn();
    }
    for (const index of served.reads) order.push(index < 20 ? "first" : "second");
    expect(order).toHaveLength(40);
    let lead = 0;
    for (const who of order.slice(0, 30)) {
      lead += who === "first" ? 1 : -1;
      expect(Math.abs(lead)).toBeLessThanOrEqual(5);
    }
    await end();
  });
});

function piecesOf(index: number): Uint8Array {
  return file.bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
}
