import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import type { Connection, ConnectionHandler } from "../net/connection.ts";
import { ManualClock, settle } from "./manual-clock.ts";
import { SimNetwork } from "./sim-network.ts";

const ann = "a".repeat(64) as Fingerprint;
const bob = "b".repeat(64) as Fingerprint;

function listenTo(connection: Connection, heard: string[] = []): string[] {
  const handler: ConnectionHandler = {
    data: (bytes) => heard.push(Buffer.from(bytes).toString()),
    drained: () => {},
    closed: (reason) => heard.push(`closed ${reason?.code}`),
  };
  connection.attach(handler);
  return heard;
}

function pair(network = new SimNetwork()) {
  const [near, far] = network.pair(ann, bob);
  return { network, near, far, nearHeard: listenTo(near), farHeard: listenTo(far) };
}

describe("listening and dialling", () => {
  test("both ends know each other, and nothing is lost before a handler is attached", async () => {
    const network = new SimNetwork();
    const accepted: Connection[] = [];
    const listener = await network.transport(bob).listen({ host: "h", port: 0 }, (connection) => {
      connection.send(Buffer.from("welcome"));
      accepted.push(connection);
    });
    const near = await network.transport(ann).dial(listener.address, bob);
    await settle();
    const heard = listenTo(near);
    await settle();
    expect(heard).toEqual(["welcome"]);
    expect([near.peer, accepted[0]?.peer]).toEqual([bob, ann]);
  });

  test("a wrong key, a place where nobody listens, a taken place and a severed line are failures", async () => {
    const network = new SimNetwork();
    const address = { host: "h", port: 1 };
    const codeOf = (attempt: Promise<unknown>) =>
      attempt.then(
        () => "none",
        (error: unknown) => (error instanceof Failure ? error.code : "bug"),
      );
    const dial = (expected: Fingerprint | undefined) =>
      codeOf(network.transport(ann).dial(address, expected));
    expect(await dial(bob)).toBe("peer-unreachable");
    const listener = await network.transport(bob).listen(address, () => {});
    expect(await dial(ann)).toBe("peer-refused");
    expect(await dial(undefined)).toBe("none");
    expect(await codeOf(network.transport(ann).listen(address, () => {}))).toBe("address-in-use");
    network.sever(ann, bob);
    expect(await dial(bob)).toBe("peer-unreachable");
    network.heal(bob, ann);
    expect(await dial(bob)).toBe("none");
    listener.close();
    expect(await dial(bob)).toBe("peer-unreachable");
  });
});

describe("data", () => {
  test("arrives in order, never from within send", async () => {
    const { near, farHeard } = pair();
    near.send(Buffer.from("a"));
    near.send(Buffer.from("b"));
    expect(farHeard).toEqual([]);
    await settle();
    expect(farHeard).toEqual(["a", "b"]);
  });

  test("is cut anywhere if a generator is handed in, and is whole again together", async () => {
    const { near, farHeard } = pair(new SimNetwork({ prng: new Prng(7) }));
    near.send(Buffer.from("0123456789".repeat(10)));
    await settle();
    expect(farHeard.length).toBeGreaterThan(1);
    expect(farHeard.join("")).toBe("0123456789".repeat(10));
  });

  test("is only lent: what a handler keeps is spoiled", async () => {
    const [near, far] = new SimNetwork().pair(ann, bob);
    let keptBytes = new Uint8Array();
    far.attach({
      data: (bytes) => {
        keptBytes = bytes as typeof keptBytes;
      },
      drained() {},
      closed() {},
    });
    near.send(Buffer.from("a"));
    await settle();
    expect(keptBytes).toEqual(Uint8Array.of(0xee));
  });

  test("waits while the reader is paused or the sender frozen; callbacks tell when it has left", async () => {
    const { near, far, farHeard } = pair();
    let left = 0;
    far.pause();
    near.sendThen(Buffer.from("a"), () => left++);
    await settle();
    expect([farHeard.length, left, near.queuedBytes]).toEqual([0, 0, 1]);
    far.resume();
    await settle();
    expect([farHeard.length, left, near.queuedBytes]).toEqual([1, 1, 0]);
    near.freeze();
    near.send(Buffer.from("b"));
    await settle();
    expect(farHeard).toEqual(["a"]);
    near.thaw();
    await settle();
    expect(farHeard).toEqual(["a", "b"]);
  });

  test("takes as long as the scheduler makes it", async () => {
    const clock = new ManualClock();
    const { near, farHeard } = pair(new SimNetwork({ schedule: (run) => clock.after(30, run) }));
    near.send(Buffer.from("a"));
    clock.advance(29);
    expect(farHeard).toEqual([]);
    clock.advance(1);
    expect(farHeard).toEqual(["a"]);
  });

  test("more than the bound ends the connection", async () => {
    const { near, far, nearHeard } = pair();
    far.pause();
    near.send(new Uint8Array(SEND_QUEUE_BYTES_MAX + 1));
    await settle();
    expect(nearHeard).toEqual(["closed peer-unreachable"]);
  });
});

describe("endings", () => {
  test("close is heard at both ends, the reason only here; unsent callbacks still come", async () => {
    const { network, near, far, nearHeard, farHeard } = pair();
    let called = 0;
    near.sendThen(Buffer.from("lost"), () => called++);
    near.close(new Failure("protocol", "nonsense"));
    near.sendThen(Buffer.from("late"), () => called++);
    await settle();
    expect(nearHeard).toEqual(["closed protocol"]);
    expect(farHeard).toEqual(["closed undefined"]);
    expect(called).toBe(2);
    expect([near.isOpen, far.isOpen, network.connections(ann).length]).toEqual([false, false, 0]);
  });

  test("finish delivers first", async () => {
    const { near, nearHeard, farHeard } = pair();
    near.send(Buffer.from("last words"));
    near.finish();
    near.send(Buffer.from("too late"));
    await settle();
    expect(farHeard).toEqual(["last words", "closed undefined"]);
    expect(nearHeard).toEqual(["closed undefined"]);
  });

  test("a cut line is heard at both ends as unreachable", async () => {
    const { network, nearHeard, farHeard } = pair();
    network.cut(bob);
    await settle();
    expect(nearHeard).toEqual(["closed peer-unreachable"]);
    expect(farHeard).toEqual(["closed peer-unreachable"]);
  });

  test("an exception of a handler ends its connection and is kept", async () => {
    const { network, near, far } = pair();
    far.attach({
      data: () => {
        throw new Error("bug");
      },
      drained() {},
      closed() {},
    });
    near.send(Buffer.from("a"));
    await settle();
    expect(network.errors).toHaveLength(1);
    expect(near.isOpen).toBe(false);
  });
});

describe("lines that a simulation rules", () => {
  function ruled() {
    const blocked = new Set<Fingerprint>();
    const network = new SimNetwork({ passes: ({ from }) => !blocked.has(from) });
    return { blocked, ...pair(network) };
  }

  test("what does not pass waits, in order, and so does the end", async () => {
    const { blocked, network, near, far, nearHeard, farHeard } = ruled();
    blocked.add(ann);
    near.send(Buffer.from("a"));
    far.send(Buffer.from("b"));
    await settle();
    expect([nearHeard, farHeard]).toEqual([["b"], []]);
    near.send(Buffer.from("c"));
    blocked.clear();
    network.wake();
    await settle();
    expect(farHeard).toEqual(["a", "c"]);
    blocked.add(ann);
    near.close();
    await settle();
    expect(farHeard).toEqual(["a", "c"]);
    blocked.clear();
    network.wake();
    await settle();
    expect(farHeard).toEqual(["a", "c", "closed undefined"]);
  });

  test("each direction of each line takes its own time", async () => {
    const lines: string[] = [];
    const schedule = (run: () => void, { from, to }: { from: Fingerprint; to: Fingerprint }) => {
      lines.push(`${from[0]}${to[0]}`);
      queueMicrotask(run);
    };
    const { near, far } = pair(new SimNetwork({ schedule }));
    await settle();
    lines.length = 0;
    near.send(Buffer.from("a"));
    far.send(Buffer.from("b"));
    expect(lines).toEqual(["ab", "ba"]);
  });
});

describe("a program that is gone", () => {
  test("is told nothing more; what it had sent arrives", async () => {
    const { near, far, nearHeard, farHeard } = pair();
    near.send(Buffer.from("last words"));
    near.abandon("sent");
    far.send(Buffer.from("too late"));
    await settle();
    expect([nearHeard, farHeard]).toEqual([[], ["last words", "closed undefined"]]);
  });

  test("may take what it had sent with it", async () => {
    const { near, nearHeard, farHeard } = pair();
    near.send(Buffer.from("lost"));
    near.abandon("lost");
    await settle();
    expect([nearHeard, farHeard]).toEqual([[], ["closed peer-unreachable"]]);
  });

  test("leaves silence if its machine has lost its power, until that is back", async () => {
    const { network, near, far, farHeard } = pair();
    near.abandon("silent");
    far.send(Buffer.from("anybody there?"));
    await settle();
    expect([farHeard, far.isOpen]).toEqual([[], true]);
    network.reset(ann);
    await settle();
    expect(farHeard).toEqual(["closed peer-unreachable"]);
  });
});
