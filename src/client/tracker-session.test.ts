/** What the journeys of `client-app.test.ts` do not show: dead hosts, late answers, slow lines, tokens that end. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { FailureCode, Failure as FailureType } from "../base/failure.ts";
import { Failure } from "../base/failure.ts";
import type { GroupName, RequestId, Uid, UserName } from "../base/ids.ts";
import {
  RPC_MS_MAX,
  TRACKER_HELLO_MS_MAX,
  TRACKER_LATER_MS,
  TRACKER_PING_WAITING_MS,
  TRACKER_PONG_MS_MAX,
  TRACKER_SEEK_MS,
  TRACKER_STAGGER_MS_MAX,
  TRACKER_WAIT_MS,
} from "../base/limits.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { hexId } from "../testing/test-tracker.ts";
import type { Method, Params } from "../wire/client-tracker.ts";
import type { Answer, TrackerLink, TrackerLinkHandler } from "./tracker-link.ts";
import { staggerMs, TrackerSession } from "./tracker-session.ts";

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
    return { result: await answer(params as never), tail: new Uint8Array() } as Answer<M>;
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
/** A tracker that answers this method so, and everything else as usual. */
function answeringTo(method: Method, answer: (params: never) => unknown) {
  return answering((link) => link.answers.set(method, answer));
}
const refusing = (method: Method, code: FailureCode, message: string) =>
  answeringTo(method, () => {
    throw new Failure(code, message);
  });
/** As a process that was stopped: connections stay open, and nothing is answered any more. */
function hang(link: ScriptedLink | undefined): void {
  link?.answers.clear();
}
const deadHost = () => new Promise<TrackerLink>(() => {});

function open(trackers = 2): TrackerSession {
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
      trackers: Array.from({ length: trackers }, (_, index) => ({
        no: index + 1,
        address: { host: "192.0.2.1", port: 8001 + index },
        pin: undefined,
      })),
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
    await clock.advanceSlowly(staggerMs(2) - 1, 100);
    expect(told).toEqual([]);
    await clock.advanceSlowly(1, 1);
    expect(told).toEqual(["up 2"]);
  });

  test("however many there are, the last is tried in time", () => {
    for (const trackers of [1, 2, 3, 5, 64]) {
      expect(staggerMs(trackers)).toBeLessThanOrEqual(TRACKER_STAGGER_MS_MAX);
      expect((trackers - 1) * staggerMs(trackers)).toBeLessThanOrEqual(TRACKER_SEEK_MS);
      expect(staggerMs(trackers)).toBeGreaterThan(0);
    }
  });

  test("one that answers late is sent away: another is in use", async () => {
    const late = Promise.withResolvers<void>();
    const slow = answering();
    dialled = [(index, handler) => late.promise.then(() => slow(index, handler)), answering()];
    open();
    await clock.advanceSlowly(staggerMs(2), 100);
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
    const changed = refusing("resume", "not-logged-in", "the password was changed: log in again");
    dialled = [answering(), changed];
    const session = open();
    await session.login(ANNA, "secret");
    links[0]?.close();
    await clock.advanceSlowly(1_000, 100);
    expect(told).toEqual(["up 1", "up 2", "ended: the password was changed: log in again"]);
    await createGroup(session);
    expect(links[1]?.methods()).toEqual(["hello", "resume", "create_group"]);
  });

  test("does not end when a tracker cannot judge the token: another is asked", async () => {
    dialled = [answering(), refusing("resume", "try-later", "the account is not known here yet")];
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

  test("that was ended while a tracker judged its token is not opened there", async () => {
    const judged = Promise.withResolvers<unknown>();
    dialled = [
      answering((link) => link.answers.set("logout", () => ({}))),
      answeringTo("resume", () => judged.promise),
    ];
    const session = open();
    await session.login(ANNA, "secret");
    links[0]?.close();
    await settle();
    await session.logout();
    judged.resolve({ ...SESSION, token: "token 2" });
    await clock.advanceSlowly(1_000, 100);
    expect(told).toEqual(["up 1", "up 1"]);
    expect(links.map(({ index, isOpen }) => [index, isOpen])).toEqual([
      [0, false],
      [1, false],
      [0, true],
    ]);
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

/** What design promises: a command of somebody whose tracker is gone ends within this. */
const FAILOVER_MS_MAX = 2_000;
/** What the links to that tracker were asked, less greetings and pings. */
const askedOf = (index: number) => links.filter((link) => link.index === index).flatMap(({ calls }) => calls);
const groupsMadeAt = (index: number) => askedOf(index).filter(({ method }) => method === "create_group");

describe("a command whose tracker is gone", () => {
  test("ends within two seconds when the tracker hangs, also one that has been idle for long", async () => {
    dialled = [answering(), answering()];
    const session = open();
    await session.login(ANNA, "secret");
    await clock.advanceSlowly(60_000, 500);
    hang(links[0]);
    dialled[0] = answering(hang);
    const { outcome, tookMs } = await clock.during(createGroup(session), FAILOVER_MS_MAX);
    expect(outcome).toMatchObject({ result: {} });
    expect(tookMs).toBe(TRACKER_PING_WAITING_MS + TRACKER_PONG_MS_MAX);
    expect(told).toEqual(["up 1", "up 2 resumed"]);
  });

  test("ends within two seconds when three of four trackers hang", async () => {
    dialled = [answering(), answering(hang), deadHost, answering()];
    const session = open(4);
    await session.login(ANNA, "secret");
    hang(links[0]);
    const { tookMs } = await clock.during(createGroup(session), FAILOVER_MS_MAX, 1);
    expect(tookMs).toBe(TRACKER_PING_WAITING_MS + TRACKER_PONG_MS_MAX + 2 * staggerMs(4));
    expect(told).toEqual(["up 1", "up 4 resumed"]);
  });

  test("ends at once when the connection ends, and was asked twice with one id", async () => {
    dialled = [answering((link) => link.answers.delete("create_group")), answering()];
    const session = open();
    await session.login(ANNA, "secret");
    const creating = createGroup(session);
    await settle();
    links[0]?.close();
    expect((await clock.during(creating, FAILOVER_MS_MAX)).tookMs).toBe(0);
    expect(groupsMadeAt(0)).toEqual(groupsMadeAt(1));
    expect(groupsMadeAt(1)).toHaveLength(1);
  });

  test.each(["disk-error", "try-another"] as const)(
    "is for another one when the tracker cannot go on (%s), with the same id, and nobody is bothered",
    async (code) => {
      dialled = [refusing("create_group", code, "this tracker stops; try another tracker"), answering()];
      const session = open();
      await session.login(ANNA, "secret");
      const { outcome, tookMs } = await clock.during(createGroup(session), FAILOVER_MS_MAX);
      expect(outcome).toMatchObject({ result: {} });
      expect(tookMs).toBe(0);
      expect(links[0]?.isOpen).toBe(false);
      expect(groupsMadeAt(0)).toEqual(groupsMadeAt(1));
      expect(told).toEqual(["up 1", "up 2 resumed"]);
    },
  );

  test("is refused in the words of the only tracker, when that cannot go on and no other answers", async () => {
    dialled = [refusing("create_group", "disk-error", "this tracker cannot write its log")];
    const session = open(1);
    await session.login(ANNA, "secret");
    const creating = createGroup(session);
    dialled[0] = async () => Promise.reject(new Failure("tracker-unreachable", "connection refused"));
    const { outcome, tookMs } = await clock.during(creating, 10_000);
    expect(outcome).toMatchObject({ code: "disk-error", message: "this tracker cannot write its log" });
    expect(tookMs).toBe(TRACKER_WAIT_MS);
  });

  test("is answered to the one who asks when the tracker says later for a reason of theirs", async () => {
    dialled = [refusing("login", "try-later", "too many wrong passwords; try again in 2 s"), answering()];
    const session = open();
    expect(session.login(ANNA, "secret")).rejects.toThrow("too many wrong passwords");
    await settle();
    expect(told).toEqual(["up 1"]);
  });

  test("that changes the password ends in a session, though the first tracker had done it already", async () => {
    const done = answering((link) => {
      link.answers.set("resume", () => {
        throw new Failure("not-logged-in", "the password was changed: log in again");
      });
      link.answers.set("change_password", () => ({ token: "token 3" }));
    });
    dialled = [answering(), done];
    const session = open();
    await session.login(ANNA, "secret");
    const changing = session.changePassword({ id: hexId<RequestId>("change"), old: "secret", new: "better" });
    await settle();
    links[0]?.close();
    expect((await clock.during(changing, FAILOVER_MS_MAX)).outcome).toBeUndefined();
    expect(told).toEqual(["up 1", "up 2 resumed"]);
    expect(links[1]?.methods()).toEqual(["hello", "resume", "login", "change_password"]);
    expect(askedOf(1)[2]?.params).toMatchObject({ name: ANNA, password: "better" });
  });
});

describe("a tracker that cannot serve yet", () => {
  /** Says later for that long. */
  function starting(method: Method, ms: number, otherwise: (params: never) => unknown) {
    return answeringTo(method, (params) => {
      if (clock.monotonicMs() >= ms) return otherwise(params);
      throw new Failure("try-later", "this tracker is starting; try again shortly");
    });
  }
  const greeting = () => ({ tracker: 1, clockMs: 0, keys: [] });

  test("is passed over for the next one without waiting", async () => {
    dialled = [starting("hello", 2_000, greeting), answering()];
    const session = open();
    const { tookMs } = await clock.during(createGroup(session), FAILOVER_MS_MAX);
    expect(tookMs).toBe(0);
    expect(told).toEqual(["up 2"]);
  });

  test("is waited for when there is no other, and nobody is told of trouble", async () => {
    dialled = [starting("hello", 2_000, greeting), deadHost];
    const session = open();
    const { outcome, tookMs } = await clock.during(createGroup(session), TRACKER_WAIT_MS);
    expect(outcome).toMatchObject({ result: {} });
    expect(tookMs).toBeWithin(2_000, 2_000 + TRACKER_LATER_MS + 1);
    expect(told).toEqual(["up 1"]);
  });

  test("takes the session as soon as it has heard of the account, while the others are gone", async () => {
    dialled = [answering(), starting("resume", 1_000, () => ({ ...SESSION, token: "token 2" }))];
    const session = open();
    await session.login(ANNA, "secret");
    dialled[0] = async () => Promise.reject(new Failure("tracker-unreachable", "connection refused"));
    links[0]?.close();
    const { tookMs } = await clock.during(createGroup(session), FAILOVER_MS_MAX);
    expect(tookMs).toBeWithin(1_000, 1_000 + TRACKER_LATER_MS + 1);
    expect(told).toEqual(["up 1", "up 2 resumed"]);
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
