/** What the journeys of `client-app.test.ts` do not show: dead hosts, late answers, slow lines, tokens that end. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { Failure as FailureType } from "../base/failure.ts";
import { Failure } from "../base/failure.ts";
import type { GroupName, RequestId, Uid, UserName } from "../base/ids.ts";
import { RPC_MS_MAX, TRACKER_HELLO_MS_MAX, TRACKER_STAGGER_MS } from "../base/limits.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { hexId } from "../testing/test-tracker.ts";
import type { Method, Params } from "../wire/client-tracker.ts";
import type { Answer, TrackerLink, TrackerLinkHandler } from "./tracker-link.ts";
import { TrackerSession } from "./tracker-session.ts";

const ANNA = "anna" as UserName;
const SESSION = { uid: hexId<Uid>("anna"), name: ANNA, news: [] };
const LAB = "lab" as GroupName;

/** Answers by a table; a method that is not in it is never answered. */
class ScriptedLink implements TrackerLink {
  isOpen = true;
  readonly calls: { readonly method: Method; readonly params: unknown }[] = [];
  readonly answers = new Map<Method, (params: never) => unknown>();
  readonly #ended = Promise.withResolvers<never>();

  constructor(
    readonly index: number,
    readonly handler: TrackerLinkHandler,
  ) {
    this.#ended.promise.catch(() => {});
    this.answers.set("hello", () => ({ tracker: index + 1, clockMs: 0, keys: [`key ${index}`] }));
    this.answers.set("ping", () => ({}));
    this.answers.set("login", () => ({ ...SESSION, token: "token 1" }));
    this.answers.set("resume", () => ({ ...SESSION, token: "token 2" }));
    this.answers.set("create_group", () => ({}));
  }

  async call<M extends Method>(method: M, params: Params<M>): Promise<Answer<M>> {
    this.calls.push({ method, params });
    const answer = this.answers.get(method);
    if (!this.isOpen || answer === undefined) return this.#ended.promise;
    return { result: answer(params as never), tail: new Uint8Array() } as Answer<M>;
  }

  close(reason?: FailureType): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#ended.reject(reason ?? new Failure("tracker-unreachable", "ended"));
    this.handler.closed(reason);
  }

  methods(): Method[] {
    return this.calls.flatMap(({ method }) => (method === "ping" ? [] : [method]));
  }
}

let clock: ManualClock;
let links: ScriptedLink[];
let told: string[];
/** What a dial of each tracker leads to. */
let dialled: ((index: number, handler: TrackerLinkHandler) => Promise<TrackerLink>)[];

function answering(script: (link: ScriptedLink) => void = () => {}) {
  return async (index: number, handler: TrackerLinkHandler) => {
    const link = new ScriptedLink(index, handler);
    script(link);
    links.push(link);
    return link;
  };
}
const deadHost = () => new Promise<TrackerLink>(() => {});

function open(): TrackerSession {
  const session = new TrackerSession(
    {
      dial: (index, handler) => (dialled[index] ?? deadHost)(index, handler),
      clock,
      listening: () => ({ host: "0.0.0.0", port: 7000 }),
      events: {
        up: ({ no }, news) => told.push(`up ${no}${news === undefined ? "" : " resumed"}`),
        down: () => told.push("down"),
        distrusted: ({ message }) => told.push(message),
        notice: ({ kind }) => told.push(kind),
        ended: (message) => told.push(`ended: ${message}`),
      },
    },
    {
      trackers: [1, 2].map((no) => ({ no, address: { host: "192.0.2.1", port: 8000 + no }, pin: undefined })),
      program: "test",
    },
  );
  session.start();
  return session;
}

const createGroup = (session: TrackerSession) =>
  session.call("create_group", { id: hexId<RequestId>("request"), group: LAB });

beforeEach(() => {
  clock = new ManualClock();
  links = [];
  told = [];
  dialled = [];
});

describe("finding a tracker", () => {
  test("a host that does not even refuse delays the next one only a moment", async () => {
    dialled = [deadHost, answering()];
    open();
    await clock.advanceSlowly(TRACKER_STAGGER_MS - 1, 100);
    expect(told).toEqual([]);
    await clock.advanceSlowly(1, 1);
    expect(told).toEqual(["up 2"]);
  });

  test("one that answers late is sent away: another is in use", async () => {
    const late = Promise.withResolvers<void>();
    const slow = answering();
    dialled = [(index, handler) => late.promise.then(() => slow(index, handler)), answering()];
    open();
    await clock.advanceSlowly(TRACKER_STAGGER_MS, 100);
    late.resolve();
    await settle();
    expect(told).toEqual(["up 2"]);
    expect(links.map(({ index, isOpen }) => [index, isOpen])).toEqual([
      [1, true],
      [0, false],
    ]);
  });

  test("one that takes connections and does not say hello is given up", async () => {
    dialled = [answering((link) => link.answers.delete("hello")), deadHost];
    open();
    await settle();
    await clock.advanceSlowly(TRACKER_HELLO_MS_MAX, 500);
    expect(links[0]?.isOpen).toBe(false);
  });

  test("none for a while is told once, until one is there again", async () => {
    dialled = [async () => Promise.reject(new Failure("tracker-unreachable", "refused"))];
    dialled[1] = dialled[0] ?? deadHost;
    open();
    await clock.advanceSlowly(30_000, 500);
    expect(told).toEqual(["down"]);
    dialled[0] = answering();
    await clock.advanceSlowly(3_000, 500);
    expect(told).toEqual(["down", "up 1"]);
  });

  test("a tracker with a wrong key is reported in its own words", async () => {
    const refused = async () => Promise.reject(new Failure("tracker-refused", "another key than before"));
    dialled = [refused, refused];
    const asked = createGroup(open()).catch((error: Failure) => error);
    await clock.advanceSlowly(5_000, 500);
    expect(await asked).toMatchObject({ code: "tracker-refused", message: "another key than before" });
    expect(told).toEqual([]);
  });

  test("also beside one out of reach, and to whom asks nothing", async () => {
    dialled = [
      async () => Promise.reject(new Failure("tracker-unreachable", "connection refused")),
      async () => Promise.reject(new Failure("tracker-refused", "another key than before")),
    ];
    open();
    await clock.advanceSlowly(5_000, 500);
    expect(told).toEqual(["another key than before"]);
  });

  test("after closing nothing is left behind, and nothing can be asked", async () => {
    dialled = [answering(), deadHost];
    const session = open();
    await settle();
    session.close();
    await settle();
    expect(clock.pending).toBe(0);
    expect(links[0]?.isOpen).toBe(false);
    expect(createGroup(session)).rejects.toThrow("no tracker answers");
  });
});

describe("the session", () => {
  test("goes on elsewhere by its newest token, without the password", async () => {
    dialled = [answering(), answering()];
    const session = open();
    await session.login(ANNA, "secret");
    links[0]?.close();
    await clock.advanceSlowly(1_000, 100);
    links[1]?.close();
    await clock.advanceSlowly(1_000, 100);
    expect(told).toEqual(["up 1", "up 2 resumed", "up 1 resumed"]);
    const tokens = links.flatMap(({ calls }) => calls.filter(({ method }) => method === "resume"));
    expect(tokens.map(({ params }) => (params as { token: string }).token)).toEqual(["token 1", "token 2"]);
    expect(session.keys).toEqual(["key 0", "key 1"]);
  });

  test("ends when a tracker refuses the token, and the tracker is used on", async () => {
    const refusing = answering((link) =>
      link.answers.set("resume", () => {
        throw new Failure("not-logged-in", "the password was changed: log in again");
      }),
    );
    dialled = [answering(), refusing];
    const session = open();
    await session.login(ANNA, "secret");
    links[0]?.close();
    await clock.advanceSlowly(1_000, 100);
    expect(told).toEqual(["up 1", "up 2", "ended: the password was changed: log in again"]);
    await createGroup(session);
    expect(links[1]?.methods()).toEqual(["hello", "resume", "create_group"]);
  });

  test("does not end when a tracker cannot judge the token: another is asked", async () => {
    const behind = answering((link) =>
      link.answers.set("resume", () => {
        throw new Failure("try-later", "the account is not known here yet");
      }),
    );
    dialled = [answering(), behind];
    const session = open();
    await session.login(ANNA, "secret");
    links[0]?.close();
    await clock.advanceSlowly(1_000, 100);
    expect(told).toEqual(["up 1", "up 1 resumed"]);
  });

  test("after a log-out a lost connection resumes nothing", async () => {
    dialled = [answering((link) => link.answers.set("logout", () => ({}))), answering()];
    const session = open();
    await session.login(ANNA, "secret");
    await session.logout();
    links[0]?.close();
    await clock.advanceSlowly(1_000, 100);
    expect(links[1]?.methods()).toEqual(["hello"]);
  });

  test("a call that was waiting when the session ended does not go out in the next one", async () => {
    dialled = [answering(), deadHost];
    const session = open();
    await session.login(ANNA, "secret");
    dialled[0] = deadHost;
    links[0]?.close();
    const waiting = createGroup(session).catch((error: Failure) => error);
    await session.logout();
    dialled[0] = answering();
    await clock.advanceSlowly(3_000, 100);
    expect(await waiting).toMatchObject({ code: "not-logged-in" });
    expect(links.flatMap((link) => link.methods())).not.toContain("create_group");
  });

  test("a notice that it has ended is told once", async () => {
    dialled = [answering()];
    const session = open();
    await session.login(ANNA, "secret");
    links[0]?.handler.notice({ kind: "session-ended", message: "bye" });
    links[0]?.handler.notice({ kind: "session-ended", message: "bye" });
    expect(told).toEqual(["up 1", "ended: bye"]);
  });
});

describe("what a tracker says unasked", () => {
  test("is not lost when it comes before the client has taken the link into use", async () => {
    const hasty = answering((link) =>
      link.answers.set("resume", () => {
        link.handler.notice({ kind: "revoked", gid: hexId("lab"), uid: hexId("ben") });
        return { ...SESSION, token: "token 2" };
      }),
    );
    dialled = [answering(), hasty];
    const session = open();
    await session.login(ANNA, "secret");
    links[0]?.close();
    await clock.advanceSlowly(1_000, 100);
    expect(told).toEqual(["up 1", "up 2 resumed", "revoked"]);
  });

  test("of a link that is not in use is not heard", async () => {
    dialled = [answering(), answering()];
    open();
    await settle();
    links[0]?.close();
    await settle();
    links[0]?.handler.notice({ kind: "together" });
    expect(told).toEqual(["up 1", "up 2"]);
  });

  test("new keys count at once, in place of that tracker's earlier ones, beside those of the others", async () => {
    dialled = [answering(), answering()];
    const session = open();
    await settle();
    links[0]?.close();
    await settle();
    expect(session.keys).toEqual(["key 0", "key 1"]);
    links[1]?.handler.notice({ kind: "keys", keys: ["key 1", "key 2"] });
    expect(session.keys).toEqual(["key 0", "key 1", "key 2"]);
    links[1]?.handler.notice({ kind: "keys", keys: ["key 2"] });
    expect(session.keys).toEqual(["key 0", "key 2"]);
  });
});

describe("a tracker that falls silent", () => {
  test("is left while a part of a piece list travels only after all the time that a call may take", async () => {
    const mute = answering((link) => {
      link.answers.delete("ping");
      link.answers.delete("put_blob");
    });
    dialled = [mute, answering()];
    const session = open();
    await settle();
    void session
      .call("put_blob", { group: LAB, digest: hexId("blob", 64), offset: 0, total: 52 }, new Uint8Array(52))
      .catch(() => {});
    await clock.advanceSlowly(RPC_MS_MAX - 1_000, 500);
    expect(told).toEqual(["up 1"]);
    await clock.advanceSlowly(5_000, 500);
    expect(told).toEqual(["up 1", "up 2"]);
  });

  test("answers of a tracker are no reason to leave it", async () => {
    dialled = [
      answering((link) =>
        link.answers.set("create_group", () => {
          throw new Failure("name-taken", "taken");
        }),
      ),
      answering(),
    ];
    const session = open();
    await settle();
    expect(createGroup(session)).rejects.toThrow("taken");
    await clock.advanceSlowly(60_000, 1_000);
    expect(told).toEqual(["up 1"]);
  });
});
