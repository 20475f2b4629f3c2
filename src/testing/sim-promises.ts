/**
 * The promises of `REPLICATION.md` and of the protocol, held against a simulated cluster while it runs and when it has
 * healed. Throws a `SimViolation` that names the promise.
 *
 * What was acknowledged must stay unless a fault took it from the last disk that held it: the history knows that for
 * each entry, and nothing else excuses a loss.
 */
import { Failure } from "../base/failure.ts";
import { RPC_MS_MAX } from "../base/limits.ts";
import { stateHash } from "../tracker/core/state-rows.ts";
import { covers } from "../tracker/core/version-vector.ts";
import type { Method, Result } from "../wire/client-tracker.ts";
import type { EntryKind } from "../wire/entry.ts";
import { checkGrant } from "../wire/signed.ts";
import {
  type AnswerFrom,
  type SimCall,
  type SimClient,
  type SimCommand,
  type SimCopies,
  stampIn,
} from "./sim-client.ts";
import { breach, type HistoryEntry, type SimHistory } from "./sim-history.ts";
import { judgeBounds, judgeRows, judgeState } from "./sim-judge.ts";
import type { SimLines } from "./sim-lines.ts";
import type { SimTracker } from "./sim-tracker.ts";
import { deviceOf } from "./test-tracker.ts";

/**
 * A client has found a tracker that came back within this long: a dial that was lost holds 2 s more after it was repeated
 * last, and then rests for 2 s.
 */
const FOUND_MS_MAX = 5_000;
/**
 * A command ends within this long if a tracker has been there all the while: 2 s to find it, and time to be done. Each other
 * one that was found meanwhile, and went away again, costs as much.
 */
const COMMAND_MS_MAX = 2_500;

/** What each method writes down. */
const MAKES: { readonly [M in Method]?: EntryKind } = {
  create_user: "account-created",
  change_password: "password-changed",
  create_group: "group-created",
  delete_group: "group-deleted",
  join_group: "join-requested",
  leave_group: "request-closed",
  accept_request: "request-accepted",
  reject_request: "request-closed",
  remove_member: "member-removed",
  transfer_owner: "owner-transferred",
  share: "share-set",
  stop_share: "share-set",
};

/** Of piece lists: a link that carries one is given as long as any answer may take before it counts as silent. */
const BULK_MS_MAX = RPC_MS_MAX + COMMAND_MS_MAX;
const BULKY: ReadonlySet<Method> = new Set<Method>(["put_blob", "get_blob"]);

/** Failures that say that no tracker has answered. */
const NOT_ANSWERED: ReadonlySet<string> = new Set(["tracker-unreachable", "peer-unreachable", "timeout"]);

export interface PromisesWorld {
  readonly history: SimHistory;
  readonly lines: SimLines;
  readonly trackers: readonly SimTracker[];
  /** Those that are to be equal. */
  readonly listed: readonly SimTracker[];
  nowMs(): number;
}

export class SimPromises {
  acknowledgedCount = 0;
  longestMs = 0;
  readonly #world: PromisesWorld;

  constructor(world: PromisesWorld) {
    this.#world = world;
  }

  /** A tracker has said yes: what it said is on its disk, or was. */
  acknowledged(
    client: SimClient,
    { method, params }: SimCommand,
    answer: AnswerFrom,
    copies: SimCopies,
  ): void {
    this.acknowledgedCount++;
    const tracker = this.#trackerAt(answer.from);
    const { id } = params as { id: Parameters<SimHistory["ofRequest"]>[0] };
    const held = this.#world.history
      .ofRequest(id)
      .filter(({ entry }) => covers(tracker.everHeld, entry.key) && entry.body.kind === MAKES[method]);
    if (held.length === 0)
      breach(`tracker ${tracker.no} said yes to ${method} ${id}, and nothing of it was ever on its disk`);
    if (copies !== "alone") this.#checkCopies(method, held, copies);
    if (method === "change_password")
      this.#checkToken(client, held, answer.result as Result<"change_password">);
  }

  /** Who is not told that one tracker alone has it may rely on a second; that its disk was taken away since is no lie. */
  #checkCopies(method: Method, made: readonly HistoryEntry[], copies: SimCopies): void {
    if (copies === undefined) breach(`${method} was done, and nobody was told how many trackers have it`);
    const holders = this.#world.trackers.filter((tracker) =>
      made.some(({ entry }) => covers(tracker.everHeld, entry.key)),
    );
    if (holders.length < 2)
      breach(`${method} was said to be on more than one disk, and is on ${holders.length}`);
  }

  /** A grant has been given. */
  granted(
    client: SimClient,
    { grant }: Result<"grant">,
    from: number,
    gid: Parameters<typeof checkGrant>[2]["gid"],
  ): void {
    const keys = [this.#trackerAt(from).signing.publicKey];
    const shown = (fingerprint: SimClient["fingerprint"]) =>
      checkGrant(grant, keys, { gid, fingerprint, nowMs: 0 });
    if (typeof shown(client.fingerprint) === "string")
      breach("a grant does not admit the machine that it was given to");
    if (typeof shown(deviceOf("a thief")) !== "string") breach("a grant admits another machine");
  }

  /** A call has ended: in time, and with a tracker's answer, if one was there to give it. */
  ended(call: SimCall, outcome: AnswerFrom | Failure): void {
    const since = Math.min(...call.knownAt.map((index) => this.#usableSinceMs(call, this.#trackerAt(index))));
    const waitedMs = this.#world.nowMs() - Math.max(call.startedMs, since + FOUND_MS_MAX);
    if (waitedMs < 0) return;
    if (!BULKY.has(call.method)) this.longestMs = Math.max(this.longestMs, waitedMs);
    const isUnanswered = outcome instanceof Failure && NOT_ANSWERED.has(outcome.code);
    const commandMs = COMMAND_MS_MAX * (1 + this.#lostSince(call));
    if (isUnanswered || waitedMs > (BULKY.has(call.method) ? BULK_MS_MAX : commandMs))
      breach(
        `${call.method} took client ${call.client.no} ${waitedMs} ms although a tracker was there: ` +
          (outcome instanceof Failure ? outcome.code : "done"),
      );
  }

  /** Trackers at which the client has arrived during the call, and which were not there all the while since. */
  #lostSince(call: SimCall): number {
    return call.client.arrivals.filter(({ tracker, atMs }) => {
      const isOfCall = atMs >= call.startedMs;
      return isOfCall && this.#usableSinceMs(call, this.#trackerAt(tracker - 1)) > atMs;
    }).length;
  }

  /** Every tracker says what the rules make of what it has seen. */
  now(): void {
    for (const tracker of this.#world.trackers) {
      const { state } = tracker;
      if (state === undefined) continue;
      const { history } = this.#world;
      const seen = history.covered(tracker.vector);
      if (!tracker.isExact) judgeBounds(state, seen, history.all());
      else {
        judgeState(state, seen, history.all());
        judgeRows(state, seen);
      }
    }
  }

  /** Whether waiting longer changes nothing, as far as can be seen. */
  isAtRest(): boolean {
    const hashes = new Set(this.#world.listed.map(({ state }) => state && stateHash(state)));
    const isWhole = this.#world.listed.every(
      ({ vector }) => this.#world.history.missing(vector).length === 0,
    );
    return hashes.size === 1 && !hashes.has(undefined) && isWhole;
  }

  /** After everything has healed, and a long quiet time. */
  atTheEnd(): void {
    for (const { no, state } of this.#world.listed)
      if (state === undefined) breach(`tracker ${no} does not serve`);
    this.now();
    this.#allEqual();
  }

  /** Nothing has happened for so long that all trackers have all of it in their rows: nothing is left in a log. */
  longAfter(): void {
    this.atTheEnd();
    for (const { no, state, logLength, rowSum } of this.#world.listed) {
      if (logLength > 0) breach(`tracker ${no} still has ${logLength} entries in its log`);
      if (state !== undefined && stateHash(state) !== rowSum)
        breach(`the rows on the disk of tracker ${no} are not its state`);
    }
  }

  #allEqual(): void {
    const hashes = this.#world.listed.map(({ state }) => state && stateHash(state));
    if (new Set(hashes).size > 1) breach(`trackers differ after healing: ${hashes.join(" ")}`);
    for (const { no, vector } of this.#world.listed) {
      const [first, ...more] = this.#world.history.missing(vector);
      if (first !== undefined)
        breach(`tracker ${no} lacks ${first.entry.body.kind} and ${more.length} other durable entries`);
    }
  }

  /** Whoever changes a password goes on under that very one. */
  #checkToken(client: SimClient, held: readonly HistoryEntry[], { token }: Result<"change_password">): void {
    const stamps = held.map(({ entry: { body } }) => ("stamp" in body ? body.stamp : ""));
    const stamp = stampIn(token);
    if (!stamps.some((each) => each === stamp))
      breach(`client ${client.no} got a session of another password than the one that it set`);
  }

  /** A tracker that has never heard of an account can do nothing for its user. */
  #usableSinceMs({ client, uid }: SimCall, { state, fingerprint, servingSinceMs }: SimTracker): number {
    if (uid !== undefined && state?.users.has(uid) !== true) return Number.POSITIVE_INFINITY;
    return Math.max(servingSinceMs, this.#world.lines.clearSinceMs(client.fingerprint, fingerprint));
  }

  #trackerAt(index: number): SimTracker {
    return this.#world.trackers[index] ?? breach(`there is no tracker ${index + 1}`);
  }
}
