import { describe, expect, test } from "bun:test";
import { Bitfield } from "../base/bitfield.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import {
  BUSY_REST_MS,
  DISK_RETRY_MS,
  GRANT_LIFETIME_MS,
  GRANT_RENEW_BEFORE_MS,
  LINK_IDLE_MS,
  PIECE_BYTES,
  REQUEST_MS_MAX,
  SOURCE_RETRY_MS_MIN,
  SOURCES_KNOWN_MAX,
  WRONG_PIECES_MAX,
} from "../base/limits.ts";
import { Pacer } from "../base/pacer.ts";
import { RawPeer } from "../testing/raw-peer.ts";
import { SimStorage } from "../testing/sim-storage.ts";
import {
  type Content,
  content,
  gid,
  inWorld,
  type Machine,
  type TransferWorld,
} from "../testing/transfer-world.ts";
import { encodeFrame, PONG_KIND } from "../wire/frame.ts";
import type { Grant } from "./contract.ts";
import { PeerNetwork } from "./peer-network.ts";
import { Swarm } from "./swarm.ts";

const self = "5".repeat(64) as Fingerprint;
const uid = "5".repeat(32) as Machine["uid"];
const second = 1_000;

interface Conditions {
  readonly file?: Content;
  readonly sources?: readonly Machine[];
  readonly budget?: number;
  readonly buffers?: number;
  readonly have?: Bitfield;
  readonly delivery?: "microtask" | "manual";
  /** Bytes a second. */
  readonly limit?: number;
}

/** A swarm of its own, without the download around it, and what it said. */
class SwarmBench {
  readonly told: string[] = [];
  readonly written: number[] = [];
  /** What noting a piece comes to. */
  record: (piece: number) => Promise<void> = async () => {};
  readonly storage: SimStorage;
  readonly descriptor: number;
  readonly network: PeerNetwork;
  readonly swarm: Swarm;
  readonly file: Content;
  readonly #world: TransferWorld;
  /** What the next questions for a grant come to. */
  grant: () => Promise<Grant>;
  grantsAsked = 0;

  constructor(world: TransferWorld, conditions: Conditions) {
    const { file = content(8), sources = [], budget = 8, buffers = 16, delivery = "microtask" } = conditions;
    this.#world = world;
    this.file = file;
    this.storage = new SimStorage({ buffers, delivery });
    this.descriptor = this.storage.addFile(new Uint8Array(file.bytes.length));
    this.grant = async () => world.office.grant({ uid, fingerprint: self });
    const serving = {
      open() {},
      renew() {},
      request() {},
      cancel() {},
      arrived: () => true,
      leave() {},
      linkClosed() {},
    };
    const { clock } = world;
    const receiving = new Pacer({ clock, sliceBytes: PIECE_BYTES });
    receiving.limit(conditions.limit);
    this.network = new PeerNetwork({ transport: world.network.transport(self), clock, serving });
    this.swarm = new Swarm(
      {
        network: this.network,
        slots: this.storage.workers.slots,
        clock,
        authority: {
          fingerprint: self,
          keys: () => [],
          clockAheadMs: () => 0,
          grant: () => {
            this.grantsAsked++;
            return this.grant();
          },
        },
        budget,
        receiving,
        seed: 3,
      },
      {
        wanted: { kind: "open", gid, fileId: file.manifest.summary.fileId },
        table: file.manifest,
        have: conditions.have ?? new Bitfield(file.manifest.pieces),
        store: (piece, slot, verified) =>
          this.storage.workers.store(this.descriptor, file.manifest, piece, slot, verified),
      },
      {
        record: (piece) => this.record(piece),
        written: (piece) => this.written.push(piece),
        diskFailed: ({ code }) => this.told.push(code),
        diskReady: () => this.told.push("disk-ready"),
        done: () => this.told.push("done"),
      },
    );
    for (const machine of sources) this.swarm.addSource(machine.source());
  }

  get isDone(): boolean {
    return this.told.includes("done");
  }

  get isRight(): boolean {
    return Buffer.compare(this.storage.bytesOf(this.descriptor), this.file.bytes) === 0;
  }

  get freeSlots(): number {
    return this.storage.workers.slots.free;
  }

  row(machine: Machine) {
    const { sources } = this.swarm.snapshot();
    return sources.find(({ source }) => source.fingerprint === machine.fingerprint);
  }

  /** Whatever state it was in: nothing of it stays. */
  async end(): Promise<void> {
    const stopped = this.swarm.stop();
    await this.storage.deliver();
    await stopped;
    const timers = this.#world.clock.pending;
    this.network.close();
    await this.#world.pass(5);
    expect(this.freeSlots).toBe(this.storage.workers.slots.capacity);
    expect(this.#world.network.connections(self)).toEqual([]);
    // Only the links' own were left.
    expect(this.#world.clock.pending).toBeLessThanOrEqual(timers);
  }
}

async function seed(world: TransferWorld, file: Content, name = "ann"): Promise<Machine> {
  const machine = await world.machine(name);
  machine.share(file);
  return machine;
}

async function seeds(world: TransferWorld, file: Content, ...names: string[]): Promise<Machine[]> {
  const machines: Machine[] = [];
  for (const name of names) {
    machines.push(await seed(world, file, name));
  }
  return machines;
}

/** A source whose every byte is the test's own; its channel is open and it has been asked for something. */
async function rawSource(world: TransferWorld, bench: SwarmBench) {
  const fingerprint = "7".repeat(64) as Fingerprint;
  const accepted = Promise.withResolvers<RawPeer>();
  const transport = world.network.transport(fingerprint);
  const listener = await transport.listen({ host: "sim", port: 0 }, (connection) => {
    const raw = new RawPeer(connection);
    raw.hello();
    raw.say({ kind: "opened", channel: 1, bits: undefined });
    accepted.resolve(raw);
  });
  const { user } = await world.machine("sly");
  bench.swarm.addSource({ user, uid, fingerprint, address: listener.address, complete: true });
  const peer = await world.outcome(accepted.promise);
  await world.until(() => peer.heardOf("request").length > 0);
  return { peer, listener };
}

describe("fetching", () => {
  test(
    "brings every piece once, told as it is written, and then says done",
    inWorld(async (world) => {
      const ann = await seed(world, content(8));
      const bench = new SwarmBench(world, { sources: [ann] });
      await world.until(() => bench.isDone);
      expect(bench.isRight).toBe(true);
      expect(bench.written.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(bench.told).toEqual(["done"]);
      expect(bench.swarm.snapshot()).toMatchObject({ doneBytes: 8 * PIECE_BYTES, wastedBytes: 0 });
      await bench.end();
    }),
  );

  test(
    "takes from all its sources",
    inWorld(async (world) => {
      const file = content(24);
      const machines = await seeds(world, file, "ann", "bob", "cid");
      const bench = new SwarmBench(world, { file, sources: machines });
      await world.until(() => bench.isDone);
      expect(bench.isRight).toBe(true);
      let bytes = 0;
      for (const machine of machines) {
        const row = bench.row(machine);
        expect(row?.verifiedBytes).toBeGreaterThan(0);
        bytes += row?.verifiedBytes ?? 0;
      }
      expect(bytes).toBe(file.bytes.length);
      await bench.end();
    }),
  );

  test("comes out the same however the bytes are cut on their way", async () => {
    for (let seed = 1; seed <= 4; seed++)
      await inWorld(async (world) => {
        const machines = await seeds(world, content(3.25), "ann", "bob");
        const bench = new SwarmBench(world, { file: content(3.25), sources: machines });
        await world.until(() => bench.isDone);
        expect(bench.isRight).toBe(true);
        await bench.end();
      }, seed)();
  });

  test(
    "asks only for what is missing",
    inWorld(async (world) => {
      const ann = await seed(world, content(8));
      const have = Bitfield.full(8);
      have.clear(2);
      const bench = new SwarmBench(world, { sources: [ann], have });
      await world.until(() => bench.isDone);
      expect(bench.written).toEqual([2]);
      await bench.end();
    }),
  );

  test(
    "does not ask this machine itself",
    inWorld(async (world) => {
      const ann = await world.machine("ann");
      const bench = new SwarmBench(world, {});
      bench.swarm.addSource({ ...ann.source(), fingerprint: self });
      await world.pass(10);
      expect(bench.swarm.snapshot().sources).toEqual([]);
      await bench.end();
    }),
  );

  test(
    "remembers no more sources than its bound",
    inWorld(async (world) => {
      const ann = await world.machine("ann");
      const bench = new SwarmBench(world, {});
      bench.swarm.pause();
      for (let at = 0; at < SOURCES_KNOWN_MAX + 50; at++) {
        const fingerprint = at.toString(16).padStart(64, "0") as Fingerprint;
        bench.swarm.addSource({ ...ann.source(), fingerprint });
      }
      expect(bench.swarm.snapshot().sources).toHaveLength(SOURCES_KNOWN_MAX);
      await bench.end();
    }),
  );
});

describe("a bad source", () => {
  test(
    "that sends wrong pieces is dropped and says so, and the file comes right from the others",
    inWorld(async (world) => {
      const file = content(24);
      const ann = await seed(world, file);
      const eve = await world.machine("eve");
      eve.shareWrong(file);
      const bench = new SwarmBench(world, { file, sources: [ann, eve] });
      await world.until(() => bench.isDone);
      expect(bench.isRight).toBe(true);
      expect(bench.row(eve)).toMatchObject({ state: "dropped", verifiedBytes: 0 });
      expect(bench.row(eve)?.wrongPieces).toBeGreaterThanOrEqual(WRONG_PIECES_MAX);
      expect(bench.row(eve)?.trouble).toContain("dropped");
      expect(bench.swarm.snapshot().wastedBytes).toBeGreaterThan(0);
      bench.swarm.addSource(eve.source());
      await world.pass(LINK_IDLE_MS + second, second);
      expect(bench.row(eve)?.state).toBe("dropped");
      // Its channel was left, so its link has gone idle; that to the other is in use.
      expect(world.network.connections(self).map(({ peer }) => peer)).toEqual([ann.fingerprint]);
      await bench.end();
    }),
  );

  test(
    "that takes requests and answers none is given up in time, and another is asked",
    inWorld(async (world) => {
      const file = content(4);
      const sly = await world.machine("sly", { delivery: "manual" });
      sly.share(file);
      const bench = new SwarmBench(world, { file, sources: [sly] });
      await world.pass(100);
      expect(sly.storage.pending).toBeGreaterThan(0);
      const ann = await seed(world, file);
      bench.swarm.addSource(ann.source());
      await world.until(() => bench.isDone, 2 * REQUEST_MS_MAX, 100);
      expect(bench.isRight).toBe(true);
      expect(bench.row(sly)?.verifiedBytes).toBe(0);
      await bench.end();
    }),
  );

  test(
    "that stops in the middle of a piece holds no buffer when it is given up",
    inWorld(async (world) => {
      const file = content(4);
      const bench = new SwarmBench(world, { file });
      const { peer, listener } = await rawSource(world, bench);
      const [asked] = peer.heardOf("request");
      const head = { channel: 1, piece: asked?.range.piece ?? 0, begin: 0 };
      const capacity = bench.freeSlots;
      // A whole frame with a part of the piece, and then no more of it.
      peer.sayData(head, new Uint8Array(9));
      await world.pass(5);
      expect(bench.freeSlots).toBe(capacity - 1);
      for (let ms = 0; ms <= REQUEST_MS_MAX; ms += second) {
        peer.bytes(encodeFrame(PONG_KIND));
        await world.pass(second, 100);
      }
      expect(bench.freeSlots).toBe(capacity);
      // A part of a frame: its bytes may still come, until the link ends.
      peer.sayData(head, new Uint8Array(9), PIECE_BYTES);
      await world.pass(5);
      expect(bench.freeSlots).toBe(capacity - 1);
      peer.close();
      await world.pass(5);
      expect(bench.freeSlots).toBe(capacity);
      listener.close();
      await bench.end();
    }),
  );

  test(
    "that refuses or cannot be reached says why, and is tried again later",
    inWorld(async (world) => {
      const file = content(2);
      const ann = await world.machine("ann");
      const off = await world.machine("off");
      world.network.sever(self, off.fingerprint);
      off.share(file);
      const bench = new SwarmBench(world, { file, sources: [ann, off] });
      await world.pass(20);
      expect(bench.row(ann)).toMatchObject({ state: "refused", trouble: "the file is not shared here" });
      expect(bench.row(off)).toMatchObject({ state: "unreachable" });
      expect(bench.row(off)?.trouble).toContain("connection refused");
      world.network.heal(self, off.fingerprint);
      await world.until(() => bench.isDone, 2 * SOURCE_RETRY_MS_MIN);
      expect(bench.row(off)).toMatchObject({ trouble: undefined, verifiedBytes: file.bytes.length });
      await bench.end();
    }),
  );
});

describe("sources that come and go", () => {
  test(
    "one lost in the middle is replaced by the others",
    inWorld(async (world) => {
      const file = content(24);
      const [ann, bob] = [await seed(world, file), await seed(world, file, "bob")];
      const bench = new SwarmBench(world, { file, sources: [ann, bob] });
      await world.until(() => bench.written.length >= 3);
      world.network.sever(self, ann.fingerprint);
      await world.until(() => bench.isDone);
      expect(bench.isRight).toBe(true);
      expect(bench.row(ann)?.state).toBe("gone");
      await bench.end();
    }),
  );

  test(
    "when all are gone it waits, and goes on at once with word that one is there",
    inWorld(async (world) => {
      const file = content(24);
      const ann = await seed(world, file);
      const bench = new SwarmBench(world, { file, sources: [ann] });
      await world.until(() => bench.written.length >= 3);
      world.network.sever(self, ann.fingerprint);
      await world.pass(60 * second, 50);
      const { length } = bench.written;
      expect(length).toBeLessThan(24);
      world.network.heal(self, ann.fingerprint);
      bench.swarm.addSource(ann.source());
      await world.until(() => bench.isDone, 200);
      expect(bench.isRight).toBe(true);
      expect(bench.written).toHaveLength(24);
      await bench.end();
    }),
  );

  test(
    "without word it dials again by itself",
    inWorld(async (world) => {
      const file = content(2);
      const machines = [await seed(world, file)];
      for (const { fingerprint } of machines) world.network.sever(self, fingerprint);
      const bench = new SwarmBench(world, { file, sources: machines });
      await world.pass(3 * second, 10);
      for (const { fingerprint } of machines) world.network.heal(self, fingerprint);
      await world.until(() => bench.isDone, 10 * second, 10);
      await bench.end();
    }),
  );

  test("a link that ends at any moment of opening a channel over it only costs a retry", async () => {
    const file = content(2);
    for (let turns = 0; turns < 12; turns++)
      await inWorld(async (world) => {
        const ann = await seed(world, file);
        const bench = new SwarmBench(world, { file });
        const link = await world.outcome(bench.network.linkTo(ann.fingerprint, ann.source().address));
        bench.grant = async () => {
          let close = () => link.close();
          for (let turn = 0; turn < turns; turn++) {
            const then = close;
            close = () => queueMicrotask(then);
          }
          close();
          return world.office.grant({ uid, fingerprint: self });
        };
        bench.swarm.addSource(ann.source());
        await world.until(() => bench.isDone, 5 * second, 10);
        expect(bench.isRight).toBe(true);
        await bench.end();
      })();
  });
});

describe("pause", () => {
  test(
    "stops all asking, gives back what is half received, and resume goes on where it was",
    inWorld(async (world) => {
      const file = content(24);
      const machines = await seeds(world, file, "ann", "bob");
      const bench = new SwarmBench(world, { file, sources: machines });
      await world.until(() => bench.written.length >= 3);
      bench.swarm.pause();
      bench.swarm.pause();
      await world.pass(20);
      const { length } = bench.written;
      expect(bench.freeSlots).toBe(bench.storage.workers.slots.capacity);
      await world.pass(10 * second, 100);
      expect(bench.written).toHaveLength(length);
      for (const machine of machines) expect(bench.row(machine)?.state).toBe("gone");
      bench.swarm.resume();
      bench.swarm.resume();
      await world.until(() => bench.written.length > length, 200);
      bench.swarm.pause();
      bench.swarm.resume();
      await world.until(() => bench.isDone, 200);
      expect(bench.written).toHaveLength(24);
      expect(bench.isRight).toBe(true);
      await bench.end();
    }),
  );

  test(
    "while a source is dialled leaves no channel, and resume finds the source again",
    inWorld(async (world) => {
      const ann = await seed(world, content(4));
      for (const pauseMs of [0, 1, 2, 3]) {
        const bench = new SwarmBench(world, { file: content(4), sources: [ann] });
        await world.pass(pauseMs);
        bench.swarm.pause();
        await world.pass(20);
        expect(bench.row(ann)?.state).toBe("gone");
        bench.swarm.resume();
        await world.until(() => bench.isDone, 5 * second);
        await bench.end();
      }
    }),
  );

  test(
    "and resume in one turn while a source is dialled change nothing",
    inWorld(async (world) => {
      const machines = [await seed(world, content(4))];
      const bench = new SwarmBench(world, { file: content(4), sources: machines });
      bench.swarm.pause();
      bench.swarm.resume();
      await world.until(() => bench.isDone, 100);
      expect(bench.grantsAsked).toBe(1);
      await bench.end();
    }),
  );
});

describe("stopping", () => {
  test(
    "waits for the pieces being written, and tells of them",
    inWorld(async (world) => {
      const machines = [await seed(world, content(8))];
      const bench = new SwarmBench(world, { sources: machines, delivery: "manual" });
      await world.until(() => bench.storage.pending >= 2);
      let hasStopped = false;
      const stopping = bench.swarm.stop().then(() => {
        hasStopped = true;
      });
      await world.pass(5);
      expect(hasStopped).toBe(false);
      await bench.storage.deliver();
      await stopping;
      expect(bench.written.length).toBeGreaterThan(0);
      expect(bench.freeSlots).toBe(bench.storage.workers.slots.capacity);
      await bench.end();
    }),
  );

  test(
    "in any moment leaves no timer, no channel and no buffer",
    inWorld(async (world) => {
      const file = content(8);
      const machines = await seeds(world, file, "ann", "bob");
      const off = await world.machine("off");
      world.network.sever(self, off.fingerprint);
      for (let ms = 0; ms < 24; ms++) {
        const bench = new SwarmBench(world, { file, sources: [...machines, off], budget: 2 });
        await world.pass(ms);
        await bench.end();
      }
    }),
  );

  test(
    "while the disk fails, or a grant is asked for, arms nothing anew",
    inWorld(async (world) => {
      const machines = [await seed(world, content(8))];
      const bench = new SwarmBench(world, { sources: machines, delivery: "manual" });
      await world.until(() => bench.storage.pending >= 2);
      bench.storage.faults = { write: () => new Failure("disk-full", "no room") };
      const renewal = Promise.withResolvers<Grant>();
      bench.grant = () => renewal.promise;
      await world.pass(GRANT_LIFETIME_MS - GRANT_RENEW_BEFORE_MS, second);
      expect(bench.grantsAsked).toBe(2);
      bench.network.close();
      await world.pass(5);
      const others = world.clock.pending;
      const stopping = bench.swarm.stop();
      await bench.storage.deliver();
      await stopping;
      renewal.resolve(world.office.grant({ uid, fingerprint: self }));
      await world.pass(5);
      expect(bench.told).toEqual([]);
      expect(world.clock.pending).toBeLessThan(others);
      await bench.end();
      for (const machine of machines) await machine.engine.close();
      await world.pass(5);
      expect(world.clock.pending).toBe(0);
    }),
  );

  test(
    "twice, or after a pause, is harmless, and nothing is asked any more",
    inWorld(async (world) => {
      const machines = [await seed(world, content(8))];
      const bench = new SwarmBench(world, { sources: machines });
      await world.pass(8);
      bench.swarm.pause();
      await bench.swarm.stop();
      await bench.swarm.stop();
      bench.swarm.resume();
      for (const machine of machines) bench.swarm.addSource(machine.source());
      const { length } = bench.written;
      await world.pass(100);
      expect(bench.written).toHaveLength(length);
      await bench.end();
    }),
  );
});

describe("buffers", () => {
  test(
    "that others hold make a piece come later, and nobody is blamed",
    inWorld(async (world) => {
      const ann = await seed(world, content(8));
      const bench = new SwarmBench(world, { sources: [ann], buffers: 4 });
      const { slots } = bench.storage.workers;
      const held = Array.from({ length: 4 }, () => slots.acquire());
      await world.pass(3 * second);
      expect(bench.written).toEqual([]);
      for (const slot of held) if (slot !== undefined) slots.release(slot);
      await world.until(() => bench.isDone, 3 * second);
      expect(bench.isRight).toBe(true);
      expect(bench.row(ann)).toMatchObject({ state: "connected", wrongPieces: 0 });
      await bench.end();
    }),
  );

  test(
    "or not, a piece that is not recorded yet keeps its place in the budget and is told to nobody: no kill costs more",
    inWorld(async (world) => {
      const ann = await seed(world, content(8));
      const bench = new SwarmBench(world, { sources: [ann], budget: 3 });
      const recorded: (() => void)[] = [];
      bench.record = () => new Promise((resolve) => recorded.push(resolve));
      await world.until(() => recorded.length === 3);
      await world.pass(3 * second, 100);
      expect([recorded.length, bench.written, bench.swarm.snapshot().doneBytes]).toEqual([3, [], 0]);
      expect(bench.freeSlots).toBe(bench.storage.workers.slots.capacity);
      recorded.shift()?.();
      await world.until(() => recorded.length === 3);
      expect(bench.written.length).toBe(1);
      bench.record = async () => {};
      for (const release of recorded) release();
      await world.until(() => bench.isDone);
      await bench.end();
    }),
  );

  test(
    "never exceed the budget",
    inWorld(async (world) => {
      const file = content(24);
      const machines = await seeds(world, file, "ann", "bob", "cid", "dan");
      const bench = new SwarmBench(world, { file, sources: machines, budget: 3 });
      let least = bench.freeSlots;
      await world.until(() => {
        least = Math.min(least, bench.freeSlots);
        return bench.isDone;
      });
      expect(bench.storage.workers.slots.capacity - least).toBeLessThanOrEqual(3);
      await bench.end();
    }),
  );
});

describe("the disk", () => {
  test(
    "that fails under one piece gives back the buffer of another whose bytes still come",
    inWorld(async (world) => {
      const file = content(2);
      const bench = new SwarmBench(world, { file });
      const { peer, listener } = await rawSource(world, bench);
      bench.storage.faults = { write: () => new Failure("disk-full", "no room") };
      const half = PIECE_BYTES / 2;
      const bytesOf = (piece: number) => file.bytes.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
      const [one, other] = peer.heardOf("request").map(({ range }) => range.piece);
      if (one === undefined || other === undefined) throw new Error("two pieces are asked for at once");
      // The first piece is whole, and being stored, when the second is half here.
      peer.sayData({ channel: 1, piece: one, begin: 0 }, bytesOf(one));
      peer.sayData({ channel: 1, piece: other, begin: 0 }, bytesOf(other).subarray(0, half), PIECE_BYTES);
      await world.until(() => bench.told.length > 0);
      await world.pass(2);
      expect(peer.heardOf("cancel").map(({ range }) => range.piece)).toEqual([other]);
      peer.bytes(bytesOf(other).subarray(half));
      await world.pass(5);
      expect(bench.freeSlots).toBe(bench.storage.workers.slots.capacity);
      expect(bench.swarm.snapshot().wastedBytes).toBeGreaterThan(0);
      listener.close();
      await bench.end();
    }),
  );

  test(
    "that is full is told once, tried again, and the download goes on when there is room",
    inWorld(async (world) => {
      const machines = [await seed(world, content(8))];
      const bench = new SwarmBench(world, { sources: machines });
      bench.storage.faults = { write: () => new Failure("disk-full", "no room") };
      await world.pass(3.5 * DISK_RETRY_MS, 10);
      expect(bench.told).toEqual(["disk-full"]);
      expect(bench.written).toEqual([]);
      expect(bench.freeSlots).toBe(bench.storage.workers.slots.capacity);
      bench.storage.faults = {};
      await world.until(() => bench.isDone, 2 * DISK_RETRY_MS, 10);
      expect(bench.told).toEqual(["disk-full", "disk-ready", "done"]);
      expect(bench.isRight).toBe(true);
      await bench.end();
    }),
  );

  test(
    "that fails again later is told again",
    inWorld(async (world) => {
      const machines = [await seed(world, content(8))];
      const bench = new SwarmBench(world, { sources: machines, budget: 1 });
      bench.storage.faults = {
        write: (count) => (count === 2 || count === 5 ? new Failure("disk-full", "no room") : undefined),
      };
      await world.until(() => bench.isDone, 4 * DISK_RETRY_MS, 10);
      expect(bench.told).toEqual(["disk-full", "disk-ready", "disk-full", "disk-ready", "done"]);
      await bench.end();
    }),
  );
});

describe("grants", () => {
  /** So slow a source that the grant ends many times before the file is here. */
  async function slowly(world: TransferWorld, isDone: () => boolean, sources: readonly Machine[]) {
    for (let turn = 0; turn < 400 && !isDone(); turn++) {
      await world.pass(15 * second, second);
      for (const { storage } of sources) await storage.deliver(1);
      await world.pass(10);
    }
    expect(isDone()).toBe(true);
  }

  test(
    "are renewed before they end, so that a long download is never cut",
    inWorld(async (world) => {
      const file = content(40);
      const ann = await world.machine("ann", { delivery: "manual" });
      ann.share(file);
      const bench = new SwarmBench(world, { file, sources: [ann] });
      await slowly(world, () => bench.isDone, [ann]);
      expect(world.clock.monotonicMs()).toBeGreaterThan(GRANT_LIFETIME_MS);
      expect(bench.row(ann)).toMatchObject({ state: "connected", trouble: undefined });
      expect(bench.isRight).toBe(true);
      await bench.end();
    }),
  );

  test(
    "are renewed for every source in time, also when one more was dialled with a newer one",
    inWorld(async (world) => {
      const file = content(24);
      const ann = await world.machine("ann", { delivery: "manual" });
      ann.share(file);
      const bench = new SwarmBench(world, { file, sources: [ann] });
      const refused: string[] = [];
      const watch = () => {
        const trouble = bench.row(ann)?.trouble;
        if (trouble !== undefined) refused.push(trouble);
        return bench.isDone;
      };
      await world.pass(GRANT_LIFETIME_MS - GRANT_RENEW_BEFORE_MS - 5 * second, second);
      const bob = await world.machine("bob", { delivery: "manual" });
      bob.share(file);
      bench.swarm.addSource(bob.source());
      await slowly(world, watch, [ann, bob]);
      expect(refused).toEqual([]);
      await bench.end();
    }),
  );

  test(
    "that no tracker renews are asked for again soon, and those that stand are used on",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await world.machine("ann", { delivery: "manual" });
      ann.share(file);
      const bench = new SwarmBench(world, { file, sources: [ann] });
      await world.pass(second);
      const { grant } = bench;
      bench.grant = async () => {
        throw new Failure("tracker-unreachable", "no tracker answers");
      };
      await world.pass(GRANT_LIFETIME_MS - GRANT_RENEW_BEFORE_MS + 10 * second, second);
      expect(bench.grantsAsked).toBeGreaterThan(5);
      expect(bench.row(ann)?.state).toBe("connected");
      bench.grant = grant;
      await world.pass(GRANT_LIFETIME_MS, second);
      for (let turn = 0; turn < 100 && !bench.isDone; turn++) {
        await ann.storage.deliver();
        await world.pass(50, 10);
      }
      expect(bench.isDone).toBe(true);
      expect(bench.row(ann)?.trouble).toBeUndefined();
      await bench.end();
    }),
  );

  test(
    "that are refused make the source wait, and the reason is shown",
    inWorld(async (world) => {
      const ann = await seed(world, content(2));
      const bench = new SwarmBench(world, { file: content(2) });
      const { grant } = bench;
      bench.grant = async () => {
        throw new Failure("not-member", "you are no member of the group");
      };
      bench.swarm.addSource(ann.source());
      await world.pass(10);
      expect(bench.row(ann)).toMatchObject({ trouble: "you are no member of the group" });
      bench.grant = grant;
      await world.until(() => bench.isDone, 3 * second);
      await bench.end();
    }),
  );
});

test(
  "a piece that came though it was given up is used if it is still missing",
  inWorld(async (world) => {
    const file = content(2);
    const ann = await world.machine("ann", { delivery: "manual" });
    ann.share(file);
    const bench = new SwarmBench(world, { file, sources: [ann] });
    await world.pass(REQUEST_MS_MAX, 100);
    for (let turn = 0; turn < 20 && !bench.isDone; turn++) {
      await ann.storage.deliver();
      await world.pass(20);
    }
    expect(bench.isDone).toBe(true);
    expect(bench.written.toSorted()).toEqual([0, 1]);
    await bench.end();
  }),
);

describe("what keeps more from coming", () => {
  test(
    "is said of a source that serves others first, as long as it is left alone",
    inWorld(async (world) => {
      const bench = new SwarmBench(world, { file: content(8) });
      const { peer, listener } = await rawSource(world, bench);
      const limit = () => bench.swarm.snapshot().sources[0]?.limit;
      expect(limit()).toBeUndefined();
      for (const { channel, range } of peer.heardOf("request"))
        peer.say({ kind: "reject", channel, range, reason: "busy" });
      await world.pass(BUSY_REST_MS / 2);
      expect(limit()).toBe("busy");
      await world.pass(BUSY_REST_MS);
      expect(limit()).toBeUndefined();
      listener.close();
      await bench.end();
    }),
  );

  test(
    "is the limit on all downloads, under which a source that has everything is not called one without",
    inWorld(async (world) => {
      const ann = await seed(world, content(8));
      const bench = new SwarmBench(world, { sources: [ann], limit: PIECE_BYTES });
      await world.until(() => bench.swarm.snapshot().doneBytes > 0);
      expect(bench.swarm.snapshot().rateBound).toBe(true);
      expect(bench.row(ann)?.limit).toBeUndefined();
      await bench.end();
    }),
  );

  test(
    "is the disk, while most of what came is not yet stored",
    inWorld(async (world) => {
      const ann = await seed(world, content(8));
      const bench = new SwarmBench(world, { sources: [ann], budget: 4, delivery: "manual" });
      expect(bench.swarm.snapshot().diskBound).toBe(false);
      await world.until(() => bench.storage.pending >= 3);
      expect(bench.swarm.snapshot().diskBound).toBe(true);
      expect(bench.row(ann)?.limit).toBeUndefined();
      await bench.end();
    }),
  );

  test(
    "is said of a source that has nothing of what is missing",
    inWorld(async (world) => {
      const file = content(8);
      const bench = new SwarmBench(world, { file });
      const { listener } = await rawSource(world, bench);
      const fingerprint = "8".repeat(64) as Fingerprint;
      const transport = world.network.transport(fingerprint);
      const other = await transport.listen({ host: "sim", port: 0 }, (connection) => {
        const raw = new RawPeer(connection);
        raw.hello();
        raw.say({ kind: "opened", channel: 1, bits: new Uint8Array(1) });
      });
      const { user } = await world.machine("sly");
      bench.swarm.addSource({ user, uid, fingerprint, address: other.address, complete: false });
      const row = () =>
        bench.swarm.snapshot().sources.find(({ source }) => source.fingerprint === fingerprint);
      await world.until(() => row()?.state === "connected");
      expect(row()?.limit).toBe("nothing-missing");
      listener.close();
      other.close();
      await bench.end();
    }),
  );
});
