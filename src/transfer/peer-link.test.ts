import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileId, Fingerprint, Gid } from "../base/ids.ts";
import {
  BAD_GRANTS_AT_ONCE_MAX,
  BAD_GRANTS_PER_SECOND_MAX,
  CHANNELS_PER_CONNECTION_MAX,
  FUTILE_MESSAGES_AT_ONCE_MAX,
  HANDSHAKE_MS_MAX,
  IDLE_CLOSE_MS,
  IDLE_PING_MS,
  LINK_IDLE_MS,
} from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { RawPeer } from "../testing/raw-peer.ts";
import { SimNetwork, type SimNetworkOptions } from "../testing/sim-network.ts";
import { encodeDataHead, encodeHello, encodePeerMessage, type PeerMessage } from "../wire/client-peer.ts";
import { encodeFrame, frameHeader } from "../wire/frame.ts";
import { type ChannelHandler, PeerLink, type ServingSide, type Wanted } from "./peer-link.ts";

const self = "1".repeat(64) as Fingerprint;
const other = "2".repeat(64) as Fingerprint;
const gid = "a".repeat(32) as Gid;
const fileId = "f".repeat(64) as FileId;
const open = (channel: number): PeerMessage => ({ kind: "open", channel, gid, fileId, grant: "g" });
const range = (piece: number) => ({ piece, begin: 0, length: 10 });
const ended = (channel: number): PeerMessage => ({
  kind: "closed",
  channel,
  failure: new Failure("unknown-file", "not here"),
});
const numbered = (length: number, from = 0) => Uint8Array.from({ length }, (_, at) => (from + at) % 251);

/** Keeps what it is told; bytes of data go to one target for each piece, or nowhere. */
class RecordingHandler implements ChannelHandler {
  readonly told: unknown[] = [];
  readonly failures: Failure[] = [];
  readonly targets = new Map<number, Uint8Array>();
  /** Called at the beginning of each data frame. */
  onData: () => void = () => {};

  target(piece: number, bytes: number): Uint8Array {
    const target = new Uint8Array(bytes);
    this.targets.set(piece, target);
    return target;
  }

  opened(bits: Uint8Array | undefined): void {
    this.told.push(["opened", bits === undefined ? "all" : [...bits]]);
  }
  have(pieces: readonly number[]): void {
    this.told.push(["have", ...pieces]);
  }
  given(pieces: readonly number[]): void {
    this.told.push(["given", ...pieces]);
  }
  dataBegins(piece: number, begin: number, length: number): Uint8Array | undefined {
    this.told.push(["begins", piece, begin, length]);
    this.onData();
    return this.targets.get(piece)?.subarray(begin, begin + length);
  }
  dataGrows(piece: number, bytes: number): void {
    const last = this.told.at(-1);
    if (Array.isArray(last) && last[0] === "grows" && last[1] === piece) last[2] += bytes;
    else this.told.push(["grows", piece, bytes]);
  }
  dataEnds(piece: number, begin: number, length: number): void {
    this.told.push(["ends", piece, begin, length]);
  }
  rejected({ piece }: { piece: number }, reason: string): void {
    this.told.push(["rejected", piece, reason]);
  }
  closed(failure: Failure): void {
    this.told.push(["closed"]);
    this.failures.push(failure);
  }
}

class RecordingServing implements ServingSide {
  readonly told: unknown[] = [];
  /** What it does when a request comes. */
  onRequest: (link: PeerLink) => void = () => {};
  onOpen: (link: PeerLink, channel: number) => void = () => {};
  /** What it says of a piece that has arrived. */
  isOnItsWay: (piece: number) => boolean = () => true;

  open(link: PeerLink, channel: number, _wanted: Wanted, grant: string): void {
    this.told.push(["open", channel, grant]);
    this.onOpen(link, channel);
  }
  renew(_link: PeerLink, channel: number, grant: string): void {
    this.told.push(["renew", channel, grant]);
  }
  request(link: PeerLink, channel: number, { piece }: { piece: number }): void {
    this.told.push(["request", channel, piece]);
    this.onRequest(link);
  }
  cancel(_link: PeerLink, channel: number, { piece }: { piece: number }): void {
    this.told.push(["cancel", channel, piece]);
  }
  arrived(_link: PeerLink, channel: number, piece: number): boolean {
    this.told.push(["arrived", channel, piece]);
    return this.isOnItsWay(piece);
  }
  leave(_link: PeerLink, channel: number): void {
    this.told.push(["leave", channel]);
  }
  linkClosed(): void {
    this.told.push(["link-closed"]);
  }
}

/** A link whose other end is in the test's hands. */
function setUp(options: SimNetworkOptions = {}) {
  const clock = new ManualClock();
  const network = new SimNetwork(options);
  const [near, far] = network.pair(self, other);
  const serving = new RecordingServing();
  const gone: PeerLink[] = [];
  const link = new PeerLink(near, { serving, clock, whenClosed: (one) => gone.push(one) });
  const peer = new RawPeer(far);
  const openChannel = (handler = new RecordingHandler()) => ({
    handler,
    channel: link.openChannel({ kind: "open", gid, fileId }, "grant", handler),
  });
  return { clock, network, near, far, serving, gone, link, peer, openChannel };
}

async function greeted(options: SimNetworkOptions = {}) {
  const world = setUp(options);
  world.peer.hello();
  await settle();
  return world;
}

describe("the hello", () => {
  test("goes out before anything else, without waiting for the other side", async () => {
    const { peer, openChannel } = setUp();
    openChannel();
    await settle();
    expect(peer.greeted).toBe(true);
    expect(peer.heard).toEqual([open(1)].map((message) => ({ ...message, grant: "grant" })));
  });

  const wrongStarts: readonly (readonly [what: string, bytes: Uint8Array])[] = [
    ["a message before it", encodePeerMessage(open(1))],
    ["data before it", Buffer.concat([encodeDataHead({ channel: 1, piece: 0, begin: 0 }, 3), numbered(3)])],
    ["that of another protocol", encodeFrame(15, Buffer.from("http/1.1"))],
    ["that of another version", encodeFrame(15, Buffer.from("p2p peer 999"))],
    ["bytes that are no frame", Buffer.from("GET / HTTP/1.1\r\nHost: example\r\n\r\n")],
  ];
  for (const [what, bytes] of wrongStarts) {
    test(`${what} closes the link, and nobody hears a word of it`, async () => {
      const { peer, serving, openChannel, gone, link } = setUp();
      const { handler } = openChannel();
      handler.target(0, 3);
      peer.bytes(bytes);
      peer.bytes(encodeHello());
      await settle();
      expect(link.isOpen).toBe(false);
      expect(peer.ended).toBeDefined();
      expect(gone).toEqual([link]);
      expect(serving.told).toEqual([["link-closed"]]);
      expect(handler.told).toEqual([["closed"]]);
      expect(handler.failures[0]?.code).toBe("protocol");
    });
  }

  test("a second one closes the link", async () => {
    const { peer, link } = await greeted();
    peer.hello();
    await settle();
    expect(link.isOpen).toBe(false);
  });
});

describe("channels", () => {
  test("run both ways at once over one connection, under equal numbers", async () => {
    const network = new SimNetwork({ prng: new Prng(5) });
    const clock = new ManualClock();
    const [near, far] = network.pair(self, other);
    const sides = [near, far].map((connection) => {
      const serving = new RecordingServing();
      const link = new PeerLink(connection, { serving, clock, whenClosed: () => {} });
      const handler = new RecordingHandler();
      handler.target(7, 5);
      return {
        serving,
        link,
        handler,
        channel: link.openChannel({ kind: "open", gid, fileId }, "grant", handler),
      };
    });
    await settle();
    for (const [at, { link, channel }] of sides.entries()) {
      channel.request(range(7));
      link.send({ kind: "opened", channel: 1, bits: Uint8Array.of(at) });
      link.sendData({ channel: 1, piece: 7, begin: 0 }, Uint8Array.of(1, 2, 3, 4, at), () => {});
    }
    await settle();
    for (const [at, { serving, handler }] of sides.entries()) {
      expect(serving.told).toEqual([
        ["open", 1, "grant"],
        ["request", 1, 7],
      ]);
      expect(handler.told).toEqual([
        ["opened", [1 - at]],
        ["begins", 7, 0, 5],
        ["grows", 7, 5],
        ["ends", 7, 0, 5],
      ]);
      expect(handler.targets.get(7)).toEqual(Uint8Array.of(1, 2, 3, 4, 1 - at));
    }
    expect(network.errors).toEqual([]);
  });

  test("each hears its own messages only", async () => {
    const { peer, openChannel } = await greeted();
    const one = openChannel();
    const two = openChannel();
    peer.say(
      { kind: "have", channel: 2, pieces: [4, 5] },
      { kind: "opened", channel: 1, bits: undefined },
      { kind: "reject", channel: 2, range: range(3), reason: "busy" },
    );
    await settle();
    expect(one.handler.told).toEqual([["opened", "all"]]);
    expect(two.handler.told).toEqual([
      ["have", 4, 5],
      ["rejected", 3, "busy"],
    ]);
  });

  test("what the opener says of an ended channel stays unsaid, and what it hears is thrown away", async () => {
    const { peer, link, openChannel } = await greeted();
    const { channel, handler } = openChannel();
    openChannel();
    handler.target(0, 3);
    peer.say(ended(1));
    await settle();
    expect(handler.told).toEqual([["closed"]]);
    peer.heard.length = 0;
    channel.request(range(0));
    channel.cancel(range(0));
    channel.renew("new");
    channel.leave();
    peer.say({ kind: "opened", channel: 1, bits: undefined }, { kind: "have", channel: 1, pieces: [0] });
    peer.sayData({ channel: 1, piece: 0, begin: 0 }, Uint8Array.of(9, 9, 9));
    peer.say(ended(1));
    await settle();
    expect(peer.heard).toEqual([]);
    expect(handler.told).toEqual([["closed"]]);
    expect(handler.targets.get(0)).toEqual(Uint8Array.of(0, 0, 0));
    expect(link.isOpen).toBe(true);
  });

  test("one that was left hears nothing more, not even that it is closed", async () => {
    const { peer, openChannel, link } = await greeted();
    const { channel, handler } = openChannel();
    openChannel();
    channel.leave();
    peer.say({ kind: "opened", channel: 1, bits: undefined }, ended(1));
    await settle();
    link.close();
    await settle();
    expect(handler.told).toEqual([]);
    expect(peer.heardOf("leave")).toEqual([{ kind: "leave", channel: 1 }]);
  });

  test("what the peer still says of a channel that it left, or that was ended here, is harmless", async () => {
    const { peer, serving, link } = await greeted();
    peer.say(open(5), open(6), open(7));
    await settle();
    link.endServed(5, new Failure("peer-refused", "no"));
    link.endServed(5, new Failure("peer-refused", "no, again"));
    peer.say({ kind: "leave", channel: 6 });
    serving.told.length = 0;
    for (const channel of [5, 6])
      peer.say(
        { kind: "request", channel, range: range(0) },
        { kind: "cancel", channel, range: range(0) },
        { kind: "renew", channel, grant: "x" },
        { kind: "leave", channel },
      );
    await settle();
    expect(serving.told).toEqual([["leave", 6]]);
    expect(peer.heardOf("closed")).toHaveLength(1);
    expect(link.isOpen).toBe(true);
  });

  test("a number may be used again once its channel has ended", async () => {
    const { peer, serving, link } = await greeted();
    peer.say(open(5), { kind: "leave", channel: 5 }, open(5), {
      kind: "request",
      channel: 5,
      range: range(1),
    });
    await settle();
    expect(serving.told).toEqual([
      ["open", 5, "g"],
      ["leave", 5],
      ["open", 5, "g"],
      ["request", 5, 1],
    ]);
    expect(link.isOpen).toBe(true);
  });

  test("cannot be opened on a link that has ended", async () => {
    const { link, peer } = await greeted();
    peer.close();
    await settle();
    const handler = new RecordingHandler();
    expect(() => link.openChannel({ kind: "open", gid, fileId }, "grant", handler)).toThrow(Failure);
    expect(handler.told).toEqual([]);
  });
});

describe("what a peer does wrong", () => {
  const misdeeds: readonly (readonly [what: string, ...bytes: Uint8Array[]])[] = [
    ["a frame of no known kind", encodeFrame(99, numbered(4))],
    ["a frame that is too long", frameHeader(19, 1_000_000)],
    ["a message cut short", encodeFrame(19, numbered(3))],
    ["a channel opened twice", encodePeerMessage(open(3)), encodePeerMessage(open(3))],
    [
      "too many channels",
      ...Array.from({ length: CHANNELS_PER_CONNECTION_MAX + 1 }, (_, at) => encodePeerMessage(open(at + 1))),
    ],
    [
      "data on a channel that was never opened",
      encodeDataHead({ channel: 77, piece: 0, begin: 0 }, 3),
      numbered(3),
    ],
    [
      "a word on a channel that was never opened",
      encodePeerMessage({ kind: "have", channel: 77, pieces: [1] }),
    ],
    [
      "a reject of channel 0",
      encodePeerMessage({ kind: "reject", channel: 0, range: range(0), reason: "busy" }),
    ],
  ];
  for (const [what, ...bytes] of misdeeds) {
    test(`${what}: the link ends, each handler is told once, and nothing after`, async () => {
      const { peer, link, gone, serving, openChannel } = await greeted();
      const handlers = [openChannel().handler, openChannel().handler];
      peer.bytes(Buffer.concat(bytes));
      peer.say({ kind: "opened", channel: 1, bits: undefined }, { kind: "have", channel: 2, pieces: [1] });
      await settle();
      peer.say(ended(1), open(900));
      await settle();
      expect(link.isOpen).toBe(false);
      expect(gone).toEqual([link]);
      expect(serving.told.filter((told) => Array.isArray(told) && told[0] === "link-closed")).toHaveLength(1);
      expect(serving.told.at(-1)).toEqual(["link-closed"]);
      for (const handler of handlers) expect(handler.told).toEqual([["closed"]]);
    });
  }

  test("what a handler finds wrong ends the link too", async () => {
    const { peer, link, openChannel } = await greeted();
    const { handler } = openChannel();
    handler.onData = () => {
      throw new Failure("protocol", "out of order");
    };
    peer.sayData({ channel: 1, piece: 0, begin: 0 }, numbered(3));
    await settle();
    expect(link.isOpen).toBe(false);
    expect(handler.told).toEqual([["begins", 0, 0, 3], ["closed"]]);
    expect(handler.failures[0]?.message).toBe("out of order");
  });

  test("once the serving side has closed the link, the rest of the same chunk is not heard", async () => {
    const { peer, serving } = await greeted();
    serving.onRequest = (link) => link.close(new Failure("protocol", "no such piece"));
    peer.say(
      open(1),
      { kind: "request", channel: 1, range: range(0) },
      { kind: "request", channel: 1, range: range(1) },
      open(2),
    );
    await settle();
    expect(serving.told).toEqual([["open", 1, "g"], ["request", 1, 0], ["link-closed"]]);
  });

  test("a line that breaks tells every handler why", async () => {
    const { network, openChannel } = await greeted();
    const handlers = [openChannel().handler, openChannel().handler];
    network.cut(self);
    await settle();
    for (const { told, failures } of handlers) {
      expect(told).toEqual([["closed"]]);
      expect(failures[0]?.code).toBe("peer-unreachable");
    }
  });

  test("a peer that closes in good order is unreachable for those who still wanted something", async () => {
    const { peer, openChannel } = await greeted();
    const { handler } = openChannel();
    peer.close();
    await settle();
    expect(handler.failures[0]?.code).toBe("peer-unreachable");
  });
});

describe("bytes of data", () => {
  test("land in their place however the stream is cut", async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const { peer, openChannel, network } = await greeted({ prng: new Prng(seed) });
      const one = openChannel().handler;
      const two = openChannel().handler;
      one.target(0, 900);
      two.target(3, 500);
      peer.sayData({ channel: 1, piece: 0, begin: 0 }, numbered(400));
      peer.sayData({ channel: 2, piece: 3, begin: 0 }, numbered(500, 7));
      peer.say({ kind: "have", channel: 1, pieces: [9] });
      peer.sayData({ channel: 1, piece: 0, begin: 400 }, numbered(500, 400));
      await settle();
      expect(one.targets.get(0)).toEqual(numbered(900));
      expect(two.targets.get(3)).toEqual(numbered(500, 7));
      expect(one.told).toEqual([
        ["begins", 0, 0, 400],
        ["grows", 0, 400],
        ["ends", 0, 0, 400],
        ["have", 9],
        ["begins", 0, 400, 500],
        ["grows", 0, 500],
        ["ends", 0, 400, 500],
      ]);
      expect(network.errors).toEqual([]);
    }
  });

  test("that are thrown away are told of all the same: the peer is alive, and its frame ends", async () => {
    const { peer, openChannel } = await greeted();
    const { handler } = openChannel();
    peer.sayData({ channel: 1, piece: 0, begin: 0 }, numbered(10));
    await settle();
    expect(handler.told).toEqual([
      ["begins", 0, 0, 10],
      ["grows", 0, 10],
      ["ends", 0, 0, 10],
    ]);
  });

  test("of a channel left in the middle of its frame are written nowhere, and the stream stays in step", async () => {
    const { peer, openChannel, link } = await greeted();
    const { handler, channel } = openChannel();
    const next = openChannel().handler;
    const target = handler.target(0, 10);
    peer.sayData({ channel: 1, piece: 0, begin: 0 }, numbered(4, 1), 10);
    await settle();
    channel.leave();
    const asLeft = target.slice();
    handler.told.length = 0;
    peer.bytes(numbered(6, 5));
    peer.say({ kind: "have", channel: 2, pieces: [1] });
    await settle();
    expect(target).toEqual(asLeft);
    expect(handler.told).toEqual([]);
    expect(next.told).toEqual([["have", 1]]);
    expect(link.isOpen).toBe(true);
  });

  test("of a channel left just as its frame begins are written nowhere", async () => {
    const { peer, openChannel } = await greeted();
    const { handler, channel } = openChannel();
    const target = handler.target(0, 10);
    handler.onData = () => channel.leave();
    peer.sayData({ channel: 1, piece: 0, begin: 0 }, numbered(10, 1));
    await settle();
    expect(target).toEqual(new Uint8Array(10));
    expect(handler.told).toEqual([["begins", 0, 0, 10]]);
  });

  test("after the link has ended are written nowhere", async () => {
    const { peer, openChannel, link } = await greeted();
    const { handler } = openChannel();
    const target = handler.target(0, 10);
    peer.sayData({ channel: 1, piece: 0, begin: 0 }, numbered(4, 1), 10);
    await settle();
    const asLeft = target.slice();
    link.close();
    peer.bytes(numbered(6, 5));
    await settle();
    expect(target).toEqual(asLeft);
    expect(handler.told.at(-1)).toEqual(["closed"]);
  });

  test("whoever lends bytes to send gets them back, also when the link has ended", async () => {
    const { link } = await greeted();
    const given: string[] = [];
    link.sendData({ channel: 1, piece: 0, begin: 0 }, numbered(3), () => given.push("sent"));
    await settle();
    link.close();
    link.sendData({ channel: 1, piece: 0, begin: 0 }, numbered(3), () => given.push("dropped"));
    await settle();
    expect(given).toEqual(["sent", "dropped"]);
  });
});

describe("one who has shown no right to be here", () => {
  test("and says no hello in time is dropped", async () => {
    const world = setUp();
    await settle();
    world.clock.advance(HANDSHAKE_MS_MAX - 1);
    expect(world.link.isOpen).toBe(true);
    world.clock.advance(1);
    await settle();
    expect(world.peer.ended).toBeDefined();
    expect(world.clock.pending).toBe(0);
  });

  test("is not vouched for: only while a channel is open that was admitted, or that is wanted from here", async () => {
    const world = await greeted();
    world.peer.say(open(1));
    await settle();
    expect(world.near.isVouched).toBe(false);
    world.link.admit();
    expect(world.near.isVouched).toBe(true);
    world.peer.say({ kind: "leave", channel: 1 });
    await settle();
    expect(world.near.isVouched).toBe(false);
    const { channel } = world.openChannel();
    expect(world.near.isVouched).toBe(true);
    channel.leave();
    expect(world.near.isVouched).toBe(false);
  });
});

test("a peer that shows grants without end that do not count is dropped after some", async () => {
  const world = await greeted();
  world.serving.onOpen = (link, channel) => link.refuseGrant(channel, new Failure("peer-refused", "no"));
  for (let at = 1; at <= BAD_GRANTS_AT_ONCE_MAX; at++) world.peer.say(open(at));
  await settle();
  expect(world.link.isOpen).toBe(true);
  expect(world.peer.heardOf("closed")).toHaveLength(BAD_GRANTS_AT_ONCE_MAX);
  world.clock.advance(1_000 * BAD_GRANTS_PER_SECOND_MAX);
  for (let at = 1; at <= 2; at++) world.peer.say(open(100 + at));
  await settle();
  expect(world.peer.ended).toBeDefined();
});

describe("a peer whose messages move nothing", () => {
  const stray: PeerMessage = { kind: "request", channel: 9, range: range(0) };
  const floods: readonly [string, (world: ReturnType<typeof setUp>, at: number) => void][] = [
    ["asks on channels that it never opened", ({ peer }) => peer.say(stray)],
    [
      "opens and leaves one channel after the other",
      ({ peer }, at) => peer.say(open(at + 1), { kind: "leave", channel: at + 1 }),
    ],
    [
      "asks for what it is refused",
      ({ link, serving, peer }) => {
        serving.onRequest = () => link.reject(1, range(0), "busy");
        peer.say({ kind: "request", channel: 1, range: range(0) });
      },
    ],
  ];
  for (const [what, act] of floods) {
    test(`is dropped when it ${what} without end`, async () => {
      const world = await greeted();
      if (what.includes("refused")) world.peer.say(open(1));
      for (let at = 0; at < FUTILE_MESSAGES_AT_ONCE_MAX / 4; at++) act(world, at);
      await settle();
      expect(world.link.isOpen).toBe(true);
      for (let at = 0; at < FUTILE_MESSAGES_AT_ONCE_MAX; at++) act(world, FUTILE_MESSAGES_AT_ONCE_MAX + at);
      await settle();
      expect(world.peer.ended).toBeDefined();
    });
  }
});

describe("an idle link", () => {
  /** Both ends keep themselves alive meanwhile. */
  async function pass(world: ReturnType<typeof setUp>, ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= IDLE_PING_MS) {
      world.clock.advance(Math.min(left, IDLE_PING_MS));
      world.peer.bytes(encodeFrame(3));
      await settle();
    }
  }

  test("closes after a while", async () => {
    const world = await greeted();
    await pass(world, LINK_IDLE_MS - 1);
    expect(world.link.isOpen).toBe(true);
    await pass(world, 1);
    expect(world.link.isOpen).toBe(false);
    expect(world.peer.ended).toEqual({ reason: undefined });
    expect(world.clock.pending).toBe(0);
  });

  test("is none while a channel is open, whoever opened it", async () => {
    for (const opener of ["here", "there"] as const) {
      const world = await greeted();
      const leave =
        opener === "here"
          ? world.openChannel().channel.leave
          : () => world.peer.say({ kind: "leave", channel: 1 });
      if (opener === "there") world.peer.say(open(1));
      await settle();
      await pass(world, 3 * LINK_IDLE_MS);
      expect(world.link.isOpen).toBe(true);
      leave();
      await settle();
      await pass(world, LINK_IDLE_MS);
      expect(world.link.isOpen).toBe(false);
    }
  });

  test("counts from the end of the last channel, also one ended by its server", async () => {
    const world = await greeted();
    world.openChannel();
    await pass(world, LINK_IDLE_MS - 1);
    world.peer.say(ended(1), open(1));
    await settle();
    await pass(world, LINK_IDLE_MS - 1);
    world.link.endServed(1, new Failure("peer-refused", "no"));
    await pass(world, LINK_IDLE_MS - 1);
    expect(world.link.isOpen).toBe(true);
    await pass(world, 1);
    expect(world.link.isOpen).toBe(false);
  });

  test("a silent peer is pinged, and given up", async () => {
    const { clock, peer, link, openChannel } = await greeted();
    const { handler } = openChannel();
    await clock.advanceSlowly(IDLE_PING_MS, IDLE_PING_MS);
    expect(peer.pings).toBe(1);
    await clock.advanceSlowly(IDLE_CLOSE_MS, IDLE_PING_MS);
    expect(link.isOpen).toBe(false);
    expect(handler.failures[0]?.code).toBe("timeout");
    expect(clock.pending).toBe(0);
  });
});
