import { afterEach, describe, expect, test } from "bun:test";
import * as v from "valibot";
import { Failure } from "../base/failure.ts";
import type { Fingerprint, UserName } from "../base/ids.ts";
import { IDLE_CLOSE_MS, IDLE_PING_MS, RPC_MS_MAX, RPC_PENDING_MAX } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import { failureOf } from "../testing/failure-of.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { type SimConnection, SimNetwork } from "../testing/sim-network.ts";
import { encodeMessage } from "../wire/envelope.ts";
import { encodeFrame, frameHeader } from "../wire/frame.ts";
import { userName } from "../wire/schema.ts";
import { RpcConnection, type RpcHandler, type RpcReply } from "./rpc.ts";

const protocol = {
  methods: {
    add: { params: v.object({ a: v.number(), b: v.number() }), result: v.object({ sum: v.number() }) },
    greet: { params: v.object({ name: userName }), result: v.object({ names: v.array(userName) }) },
    echo: { params: v.object({}), result: v.object({}) },
  },
  notice: v.object({ text: v.string() }),
} as const;
type Methods = typeof protocol.methods;
type Handler = RpcHandler<Methods, typeof protocol.notice>;

const near = "a".repeat(64) as Fingerprint;
const far = "b".repeat(64) as Fingerprint;

/** Answers as the methods' names say. */
async function serve(method: string, params: unknown, tail: Uint8Array): Promise<RpcReply<never>> {
  await Promise.resolve();
  const { a, b } = params as { a: number; b: number };
  const reply: RpcReply<unknown> = method === "add" ? { result: { sum: a + b } } : { result: {}, tail };
  return reply as RpcReply<never>;
}

const networks: SimNetwork[] = [];
afterEach(() => {
  for (const network of networks.splice(0)) expect(network.errors).toEqual([]);
});

function setUp(serverHandler: Partial<Handler> = {}, clientHandler: Partial<Handler> = {}) {
  const clock = new ManualClock();
  const network = new SimNetwork({ prng: new Prng(3) });
  networks.push(network);
  const reported: unknown[] = [];
  const ended: (Failure | undefined)[] = [];
  const report = (error: unknown) => reported.push(error);
  const [nearEnd, farEnd] = network.pair(near, far);
  const end = (connection: SimConnection, handler: Partial<Handler>) =>
    new RpcConnection<Methods, typeof protocol.notice>({
      connection,
      protocol,
      clock,
      report,
      handler: { closed: (reason) => ended.push(reason), ...handler },
    });
  const client = end(nearEnd, clientHandler);
  const server = end(farEnd, { request: serve, ...serverHandler });
  return { clock, network, reported, ended, client, server, nearEnd, farEnd };
}

/** A request handler that answers when told to. */
function heldBack() {
  const replies: ((reply: RpcReply<never>) => void)[] = [];
  const request = () => new Promise<RpcReply<never>>((resolve) => replies.push(resolve));
  const answerAll = () => {
    for (const reply of replies.splice(0)) reply({ result: {} } as RpcReply<never>);
  };
  return { request, answerAll, replies };
}

describe("calls", () => {
  test("are answered with their own result, in whatever order the answers come", async () => {
    const gates = new Map<number, () => void>();
    const { client } = setUp({
      request: async (method, params, tail) => {
        await new Promise<void>((open) => gates.set((params as { a: number }).a, open));
        return serve(method, params, tail);
      },
    });
    const sums = [1, 2, 3].map((a) => client.call("add", { a, b: 10 }));
    await settle();
    for (const a of [3, 1, 2]) gates.get(a)?.();
    expect((await Promise.all(sums)).map(({ result }) => result.sum)).toEqual([11, 12, 13]);
  });

  test("carry a tail of raw bytes both ways, which both may keep", async () => {
    const { client } = setUp();
    const tail = Uint8Array.from({ length: 5_000 }, (_, index) => index);
    const answer = await client.call("echo", {}, tail);
    await settle();
    expect(answer.tail).toEqual(tail);
    expect((await client.call("echo", {})).tail).toHaveLength(0);
  });

  test("a Failure of the handler travels as it is", async () => {
    const { client, reported } = setUp({
      request: async () => {
        throw new Failure("not-owner", "only the owner may");
      },
    });
    const failure = await failureOf(client.call("echo", {}));
    expect([failure.code, failure.message]).toEqual(["not-owner", "only the owner may"]);
    expect(reported).toEqual([]);
    expect(client.isOpen).toBe(true);
  });

  test("any other exception travels without details and is reported here", async () => {
    const bug = new TypeError("secret path /etc/x");
    const { client, reported } = setUp({
      request: () => {
        throw bug;
      },
    });
    const failure = await failureOf(client.call("echo", {}));
    expect(failure.code).toBe("internal");
    expect(failure.message).not.toContain("secret");
    expect(reported).toEqual([bug]);
  });

  test("an answer that fits no frame is reported and travels as internal", async () => {
    const { client, reported } = setUp({
      request: async () => ({ result: {}, tail: new Uint8Array(2 ** 21) }) as RpcReply<never>,
    });
    expect((await failureOf(client.call("echo", {}))).code).toBe("internal");
    expect(reported).toHaveLength(1);
  });

  test("parameters that the schema refuses never reach the handler; the connection stays", async () => {
    let asked = 0;
    const { client } = setUp({
      request: async (...request) => {
        asked++;
        return serve(...request);
      },
    });
    const failure = await failureOf(client.call("add", { a: 1, b: "2" as unknown as number }));
    expect(failure.code).toBe("protocol");
    expect(failure.message).toContain("b:");
    const typed = await failureOf(client.call("greet", { name: "a b" as UserName }));
    expect([typed.code, typed.message]).toEqual([
      "invalid-input",
      'user id must be one word, without spaces: "a b"',
    ]);
    expect(asked).toBe(0);
    expect((await client.call("add", { a: 1, b: 2 })).result).toEqual({ sum: 3 });
  });

  test("a result that the schema refuses fails the call, and is told as the other side's fault", async () => {
    const { client } = setUp({
      request: async () => ({ result: { names: ["ann", ""] } }) as unknown as RpcReply<never>,
    });
    const failure = await failureOf(client.call("greet", { name: "ann" as UserName }));
    expect([failure.code, failure.message]).toEqual([
      "protocol",
      'the tracker\'s answer to greet makes no sense (names.1: user id is empty: "")',
    ]);
    expect(client.isOpen).toBe(true);
  });

  test("unknown methods are refused, also those that every object has", async () => {
    const { client } = setUp();
    for (const method of ["remove", "constructor", "__proto__", "toString"]) {
      const bad = client as unknown as { call(method: string, params: object): Promise<unknown> };
      const outcome = await bad.call(method, {}).catch((error: unknown) => error);
      expect(outcome).toBeInstanceOf(Error);
    }
    const { nearEnd, farEnd } = setUp();
    nearEnd.send(encodeMessage({ kind: "request", n: 0, method: "constructor", params: {} }));
    await settle();
    expect(farEnd.queuedBytes).toBe(0);
  });
});

describe("every call ends", () => {
  test("at its deadline; a late answer is thrown away and the connection stays", async () => {
    const { request, answerAll } = heldBack();
    const { client, clock } = setUp({ request });
    const failure = failureOf(client.call("echo", {}));
    await settle();
    clock.advance(RPC_MS_MAX);
    expect((await failure).code).toBe("timeout");
    answerAll();
    await settle();
    expect(client.isOpen).toBe(true);
  });

  test("when the connection ends, with its reason", async () => {
    const { request } = heldBack();
    const { client, network, clock } = setUp({ request });
    const failure = failureOf(client.call("echo", {}));
    await settle();
    network.cut(near);
    expect((await failure).message).toBe("the connection was cut");
    expect((await failureOf(client.call("echo", {}))).message).toBe("the connection was cut");
    await settle();
    expect(clock.pending).toBe(0);
  });

  test("when the other side closes in good order", async () => {
    const { request } = heldBack();
    const { client, server } = setUp({ request });
    const failure = failureOf(client.call("echo", {}));
    await settle();
    server.close();
    expect((await failure).code).toBe("peer-unreachable");
  });

  test("an answered call leaves no timer behind", async () => {
    const { client, server, clock } = setUp();
    await client.call("echo", {});
    client.close();
    server.close();
    await settle();
    expect(clock.pending).toBe(0);
  });
});

describe("how many at once", () => {
  test("a caller holds back what the other side would not accept, and sends it as answers come", async () => {
    const { request, answerAll, replies } = heldBack();
    const { client } = setUp({ request });
    const calls = Array.from({ length: RPC_PENDING_MAX + 5 }, () => client.call("echo", {}));
    await settle();
    expect(replies).toHaveLength(RPC_PENDING_MAX);
    answerAll();
    await settle();
    expect(replies).toHaveLength(5);
    answerAll();
    await Promise.all(calls);
  });

  test("a call that timed out while held back is never sent", async () => {
    const { request, answerAll, replies } = heldBack();
    const { client, clock } = setUp({ request });
    const calls = Array.from({ length: RPC_PENDING_MAX + 1 }, () => failureOf(client.call("echo", {})));
    await settle();
    clock.advance(RPC_MS_MAX);
    await Promise.all(calls);
    answerAll();
    await settle();
    expect(replies).toHaveLength(0);
    expect(client.isOpen).toBe(true);
  });

  test("who sends more requests than accepted is cut off", async () => {
    const { request } = heldBack();
    const { nearEnd, server, ended } = setUp({ request });
    for (let n = 0; n <= RPC_PENDING_MAX; n++)
      nearEnd.send(encodeMessage({ kind: "request", n, method: "echo", params: {} }));
    await settle();
    expect(server.isOpen).toBe(false);
    expect(ended.map((reason) => reason?.code)).toContain("too-many");
  });
});

describe("notices", () => {
  test("arrive in order between answers", async () => {
    const heard: string[] = [];
    const { server, client } = setUp({}, { notice: ({ text }) => heard.push(text) });
    server.notify({ text: "one" });
    server.notify({ text: "two" });
    await client.call("echo", {});
    expect(heard).toEqual(["one", "two"]);
  });

  test("after the end are ignored", () => {
    const { server } = setUp();
    server.close();
    server.notify({ text: "late" });
    expect(server.isOpen).toBe(false);
  });
});

describe("a breach of the protocol ends the connection", () => {
  const breaches: [name: string, bytes: Uint8Array][] = [
    ["garbage", Buffer.from("GET / HTTP/1.0\r\n\r\n")],
    ["an unknown frame", encodeFrame(99)],
    ["a frame too long", frameHeader(1, 2 ** 31)],
    ["a message that is none", encodeFrame(1, Buffer.from("nonsense"))],
    ["an answer to nothing", encodeMessage({ kind: "answer", n: 0, result: {} })],
    ["a refusal of nothing", encodeMessage({ kind: "refusal", n: 7, failure: new Failure("usage", "") })],
    ["a notice to one who takes none", encodeMessage({ kind: "notice", notice: { text: "x" } })],
  ];
  for (const [name, bytes] of breaches) {
    test(name, async () => {
      const { nearEnd, server, ended, reported } = setUp();
      nearEnd.send(bytes);
      await settle();
      expect(server.isOpen).toBe(false);
      expect(ended.map((reason) => reason?.code)).toContain("protocol");
      expect(reported).toEqual([]);
    });
  }

  test("a request to one who serves none, and a notice of the wrong form", async () => {
    for (const bytes of [
      encodeMessage({ kind: "request", n: 0, method: "echo", params: {} }),
      encodeMessage({ kind: "notice", notice: { text: 7 } }),
    ]) {
      const { farEnd, client } = setUp({}, { notice: () => {} });
      farEnd.send(bytes);
      await settle();
      expect(client.isOpen).toBe(false);
    }
  });

  test("what follows in the same chunk is not looked at", async () => {
    let asked = 0;
    const { nearEnd, server } = setUp({
      request: async (...request) => {
        asked++;
        server.close();
        return serve(...request);
      },
    });
    const request = (n: number) => encodeMessage({ kind: "request", n, method: "echo", params: {} });
    nearEnd.send(Buffer.concat([request(0), request(1)]));
    await settle();
    expect(asked).toBe(1);
  });
});

describe("silence", () => {
  test("two live ends keep each other alive", async () => {
    const { clock, client, server } = setUp();
    await clock.advanceSlowly(IDLE_CLOSE_MS * 4, IDLE_PING_MS / 3);
    expect([client.isOpen, server.isOpen]).toEqual([true, true]);
  });

  test("an end that hangs is given up, and its calls with it", async () => {
    const { clock, client, farEnd } = setUp();
    farEnd.freeze();
    await clock.advanceSlowly(IDLE_CLOSE_MS - RPC_MS_MAX / 2, IDLE_PING_MS / 3);
    const failure = failureOf(client.call("echo", {}));
    await clock.advanceSlowly(RPC_MS_MAX / 2 + IDLE_PING_MS, IDLE_PING_MS / 3);
    expect(client.isOpen).toBe(false);
    expect((await failure).message).toContain("silent");
  });
});
