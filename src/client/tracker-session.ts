/**
 * Keeps this client in touch with some tracker of its list, and its user's session open there.
 *
 * At most one link is in use. When it ends or its tracker falls silent, the others are dialled, each a moment after the
 * one before, and the first that says hello and takes the session's token is used from then on. Calls that were not
 * answered, or that a tracker could not carry out for its own part, are repeated there: changes carry a request id, so a
 * repeat is answered and not redone. Which trackers come next is `tracker-health`'s to say; of the calls no more is known
 * here than what opens a session.
 */
import { type Address, formatAddress } from "../base/address.ts";
import { defined } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Failure, type FailureCode, toFailure } from "../base/failure.ts";
import type { UserName } from "../base/ids.ts";
import {
  EVENTS_KEPT_MAX,
  RPC_MS_MAX,
  TRACKER_HELLO_MS_MAX,
  TRACKER_SEEK_MS,
  TRACKER_STAGGER_MS_MAX,
  TRACKER_WAIT_MS,
} from "../base/limits.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import {
  CLIENT_TRACKER_VERSION,
  type Method,
  type Notice,
  type Params,
  type Result,
} from "../wire/client-tracker.ts";
import { Heartbeat } from "./heartbeat.ts";
import { TrackerHealth } from "./tracker-health.ts";
import type { Answer, DialTracker, TrackerCalls, TrackerLink } from "./tracker-link.ts";

/** What a tracker says while the session goes on. */
export type StandingNotice = Exclude<Notice, { kind: "session-ended" | "keys" }>;

export type Resumed = Pick<Result<"resume">, "name" | "news">;

export interface TrackerSessionEvents {
  /** A tracker answers; `session` if the user's goes on there. */
  up(tracker: TrackerEntry, session: Resumed | undefined): void;
  /**
   * None has answered for a while; they are tried on. Told once until the next `up`.
   * @param tried their addresses, each with its trouble
   */
  down(tried: string): void;
  /** In place of `down`, if one answers with a wrong key and nobody waits to be told so. */
  distrusted(failure: Failure): void;
  notice(notice: StandingNotice): void;
  /** The user is logged out: a tracker said so. */
  ended(message: string): void;
}

export interface TrackerSessionDependencies {
  readonly dial: DialTracker;
  readonly clock: Clock;
  readonly events: TrackerSessionEvents;
  /** Where this client listens for peers. */
  readonly listening: () => Address;
}

export interface TrackerSessionOptions {
  readonly trackers: readonly TrackerEntry[];
  /** Name and version of this program, for the tracker's log. */
  readonly program: string;
}

interface Current {
  readonly link: TrackerLink;
  readonly index: number;
  readonly heartbeat: Heartbeat;
}

interface Waiter {
  resolve(current: Current): void;
  reject(failure: Failure): void;
}

/** What became of the user's session at a tracker. */
type Resumption =
  | { readonly kind: "none" } // nobody is logged in
  | { readonly kind: "resumed"; readonly session: Result<"resume"> }
  | { readonly kind: "refused"; readonly message: string }; // the token does not count any more

/** What a tracker answers that cannot go on: the same call is for another one. */
const LEAVING: ReadonlySet<FailureCode> = new Set<FailureCode>(["try-another", "disk-error"]);
/** What a tracker answers a greeting that works and cannot serve yet. */
const LATER: ReadonlySet<FailureCode> = new Set<FailureCode>(["try-later", "try-another", "too-many"]);
/** What a tracker may answer to a token that says nothing about the token. */
const PASSING: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "try-later",
  "try-another",
  "too-many",
  "timeout",
  "internal",
  "protocol",
  "disk-error",
  "disk-full",
]);

/** How long the dial of one tracker goes on alone. */
export function staggerMs(trackers: number): number {
  return Math.min(TRACKER_STAGGER_MS_MAX, Math.floor(TRACKER_SEEK_MS / Math.max(1, trackers - 1)));
}

export class TrackerSession implements TrackerCalls {
  readonly #dependencies: TrackerSessionDependencies;
  readonly #clock: Clock;
  readonly #events: TrackerSessionEvents;
  readonly #trackers: readonly TrackerEntry[];
  readonly #program: string;
  readonly #health: TrackerHealth;

  #current: Current | undefined;
  readonly #trying = new Set<number>();
  /** Why each tracker could not be used when it was tried last. */
  readonly #troubles = new Map<number, Failure>();
  readonly #waiters = new Set<Waiter>();
  #cancelSeek = () => {};
  #cancelDown = () => {};
  #token: string | undefined;
  /** Of the user whose password is being changed: the change that ends the session may be its own. */
  #changing: { readonly name: UserName; readonly password: string } | undefined;
  #name: UserName | undefined;
  /** Counts ends of the user's session: a call that was waiting then must not go out in the name of the next user. */
  #era = 0;
  #closed = false;
  /** Of each tracker met, the keys of those whose grants count there. */
  readonly #keys = new Map<number, readonly string[]>();
  #clockAheadMs = 0;

  constructor(dependencies: TrackerSessionDependencies, options: TrackerSessionOptions) {
    this.#dependencies = dependencies;
    this.#clock = dependencies.clock;
    this.#events = dependencies.events;
    this.#trackers = options.trackers;
    this.#program = options.program;
    this.#health = new TrackerHealth(options.trackers.length);
  }

  /** Begins to look for a tracker, and goes on until `close`. */
  start(): void {
    this.#cancelDown = this.#clock.after(TRACKER_WAIT_MS, () => this.#tellDown());
    this.#seek();
  }

  /** The one that answers now. */
  get tracker(): TrackerEntry | undefined {
    return this.#current === undefined ? undefined : this.#trackers[this.#current.index];
  }

  /** Ed25519 public keys of the trackers whose grants count. */
  get keys(): readonly string[] {
    return [...new Set([...this.#keys.values()].flat())];
  }

  /** How far the tracker's wall clock is ahead of this machine's. */
  get clockAheadMs(): number {
    return this.#clockAheadMs;
  }

  /**
   * Asks a tracker, and asks again if the link ends before the answer or the tracker cannot go on.
   * @throws Failure the tracker's answer, or "tracker-unreachable" after a bounded wait
   */
  async call<M extends Method>(method: M, params: Params<M>, tail?: Uint8Array): Promise<Answer<M>> {
    const giveUpMs = this.#clock.monotonicMs() + RPC_MS_MAX;
    const era = this.#era;
    let refused: Failure | undefined;
    for (;;) {
      const current = this.#current ?? (await this.#connected(refused));
      if (era !== this.#era) throw new Failure("not-logged-in", "logged out meanwhile");
      const answered = current.heartbeat.callBegins(method);
      try {
        return await current.link.call(method, params, tail);
      } catch (error) {
        const failure = toFailure(error);
        if (current.link.isOpen) {
          if (!LEAVING.has(failure.code)) throw error;
          refused = failure;
        }
        if (this.#closed || this.#clock.monotonicMs() >= giveUpMs) throw refused ?? this.#unreachable();
        this.#lost(current.link, failure);
      } finally {
        answered();
      }
    }
  }

  async login(name: Params<"login">["name"], password: string): Promise<Result<"login">> {
    const listening = this.#dependencies.listening();
    const { result } = await this.call("login", { name, password, listening });
    this.#hold(result);
    return result;
  }

  /** A tracker that is out of reach learns it from the connection that is gone. */
  async logout(): Promise<void> {
    this.#endSession();
    if (this.#current !== undefined) await this.call("logout", {});
  }

  async changePassword(params: Params<"change_password">): Promise<void> {
    if (this.#name !== undefined) this.#changing = { name: this.#name, password: params.new };
    try {
      const { result } = await this.call("change_password", params);
      this.#token = result.token;
    } finally {
      this.#changing = undefined;
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelSeek();
    this.#cancelDown();
    const current = this.#current;
    this.#current = undefined;
    current?.heartbeat.stop();
    current?.link.close();
    for (const waiter of this.#waiters) waiter.reject(this.#unreachable());
  }

  /**
   * The link in use, once there is one.
   * @param otherwise why there is nothing to wait for, if that is known better than that nobody answers
   */
  #connected(otherwise: Failure | undefined): Promise<Current> {
    if (this.#closed) return Promise.reject(this.#unreachable());
    const { promise, resolve, reject } = Promise.withResolvers<Current>();
    const waiter: Waiter = { resolve, reject };
    const cancel = this.#clock.after(TRACKER_WAIT_MS, () => reject(otherwise ?? this.#unreachable()));
    this.#waiters.add(waiter);
    return promise.finally(() => {
      cancel();
      this.#waiters.delete(waiter);
    });
  }

  #tellDown(): void {
    const distrust = this.#distrust();
    if (distrust === undefined) this.#events.down(this.#tried());
    else if (this.#waiters.size === 0) this.#events.distrusted(distrust);
  }

  /** Why no tracker can be asked. One whose key is wrong answers, but is not to be trusted: that is said in full. */
  #unreachable(): Failure {
    const start = `p2p tracker tracker_info.txt ${this.#trackers[0]?.no ?? 1}`;
    return (
      this.#distrust() ??
      new Failure(
        "tracker-unreachable",
        `no tracker answers: tried ${this.#tried()}; start one with: ${start}`,
      )
    );
  }

  #distrust(): Failure | undefined {
    return [...this.#troubles.values()].find(({ code }) => code === "tracker-refused");
  }

  #tried(): string {
    const shown = this.#trackers.map(({ address }, index) => {
      const trouble = this.#troubles.get(index)?.message ?? "no answer";
      return `${formatAddress(address)} (${trouble})`;
    });
    return shown.join(", ");
  }

  /** Tries the tracker that comes next, and goes on until one is in use. */
  #seek(): void {
    this.#cancelSeek();
    if (this.#closed || this.#current !== undefined) return;
    const choice = this.#health.next(this.#clock.monotonicMs(), this.#trying);
    if (choice.kind === "try") void this.#try(choice.index);
    const waitMs = choice.kind === "try" ? staggerMs(this.#trackers.length) : choice.ms;
    this.#cancelSeek = this.#clock.after(waitMs, () => this.#seek());
  }

  async #try(index: number): Promise<void> {
    this.#trying.add(index);
    try {
      await this.#open(index);
    } catch (error) {
      const failure = toFailure(error);
      const nowMs = this.#clock.monotonicMs();
      this.#troubles.set(index, failure);
      if (LATER.has(failure.code)) this.#health.postponed(index, nowMs);
      else this.#health.failed(index, nowMs);
    } finally {
      this.#trying.delete(index);
      this.#seek();
    }
  }

  async #open(index: number): Promise<void> {
    let opened: TrackerLink | undefined;
    /** A tracker that has resumed the session may speak before the link is in use here. */
    const early: Notice[] = [];
    const link = await this.#dependencies.dial(index, {
      notice: (notice) => {
        if (opened !== undefined && this.#current?.link === opened) this.#noticed(index, notice);
        else if (early.length < EVENTS_KEPT_MAX) early.push(notice);
      },
      closed: (reason) => {
        if (opened !== undefined) this.#lost(opened, reason);
      },
    });
    opened = link;
    const silent = new Failure("timeout", "it takes connections but does not answer");
    const cancel = this.#clock.after(TRACKER_HELLO_MS_MAX, () => link.close(silent));
    try {
      await this.#greet(link, index);
      if (this.#current?.link === link) for (const notice of early) this.#noticed(index, notice);
    } finally {
      cancel();
      if (this.#current?.link !== link) link.close();
    }
  }

  /** Makes the link the one in use, unless another was faster. */
  async #greet(link: TrackerLink, index: number): Promise<void> {
    const late = () => this.#closed || this.#current !== undefined;
    if (late()) return;
    const greeting = { version: CLIENT_TRACKER_VERSION, program: this.#program, newFiles: true } as const;
    const askedMs = this.#clock.nowMs();
    const { result: hello } = await link.call("hello", greeting);
    if (late()) return;
    // In the middle of the round trip, as far as can be known; what follows takes time of its own.
    const clockAheadMs = hello.clockMs - (askedMs + this.#clock.nowMs()) / 2;
    const token = this.#token;
    const resumption: Resumption = token === undefined ? { kind: "none" } : await this.#resume(link, token);
    if (late()) return;
    if (this.#token !== token) throw new Failure("try-later", "logged in or out meanwhile");
    this.#keys.set(index, hello.keys);
    this.#clockAheadMs = Math.round(clockAheadMs);
    this.#adopt(link, index, resumption);
  }

  async #resume(link: TrackerLink, token: string): Promise<Resumption> {
    const listening = this.#dependencies.listening();
    const resumed = await sessionFrom(link, () => link.call("resume", { token, listening }));
    if (resumed.kind === "resumed" || this.#changing === undefined) return resumed;
    const login = { ...this.#changing, listening };
    const renewed = await sessionFrom(link, () => link.call("login", login));
    return renewed.kind === "resumed" ? renewed : resumed;
  }

  #adopt(link: TrackerLink, index: number, resumption: Resumption): void {
    const heartbeat = new Heartbeat({
      clock: this.#clock,
      ping: () => link.call("ping", {}),
      silent: () => this.#lost(link, new Failure("timeout", "it does not answer any more")),
    });
    const current: Current = { link, index, heartbeat };
    this.#current = current;
    this.#health.answered(index, this.#clock.monotonicMs());
    this.#cancelSeek();
    this.#cancelDown();
    if (resumption.kind === "resumed") this.#hold(resumption.session);
    if (resumption.kind === "refused") this.#endSession();
    const tracker = defined(this.#trackers[index], "a tracker of the list");
    this.#events.up(tracker, resumption.kind === "resumed" ? resumption.session : undefined);
    if (resumption.kind === "refused") this.#events.ended(resumption.message);
    for (const waiter of this.#waiters) waiter.resolve(current);
  }

  /** Harmless for a link that is not the one in use. */
  #lost(link: TrackerLink, reason: Failure | undefined): void {
    const current = this.#current;
    if (current?.link !== link) return;
    this.#current = undefined;
    current.heartbeat.stop();
    link.close();
    this.#troubles.set(
      current.index,
      reason ?? new Failure("tracker-unreachable", "it ended the connection"),
    );
    this.#health.failed(current.index, this.#clock.monotonicMs());
    if (this.#closed) return;
    this.start();
  }

  #hold({ token, name }: Result<"login">): void {
    this.#token = token;
    this.#name = name;
  }

  #endSession(): void {
    this.#token = undefined;
    this.#era++;
  }

  #noticed(index: number, notice: Notice): void {
    switch (notice.kind) {
      case "keys":
        this.#keys.set(index, notice.keys);
        break;
      case "session-ended":
        if (this.#token === undefined) break;
        this.#endSession();
        this.#events.ended(notice.message);
        break;
      default:
        this.#events.notice(notice);
    }
  }
}

/** @throws Failure that says nothing about the session */
async function sessionFrom(
  link: TrackerLink,
  open: () => Promise<Answer<"resume" | "login">>,
): Promise<Exclude<Resumption, { kind: "none" }>> {
  try {
    return { kind: "resumed", session: (await open()).result };
  } catch (error) {
    const failure = toFailure(error);
    if (!link.isOpen || PASSING.has(failure.code)) throw failure;
    return { kind: "refused", message: failure.message };
  }
}
