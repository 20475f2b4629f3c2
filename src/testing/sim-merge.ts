/**
 * Tracker cores that decide apart and exchange their logs now and then: merging alone, without network, service or disk.
 *
 * It runs a history in about a millisecond, and its clocks stand still often, so that what takes two trackers at one
 * moment is met here and not in the simulated cluster. One seed decides everything; a `SimViolation` ends it.
 */
import { Failure } from "../base/failure.ts";
import type { Fingerprint, RequestId, Uid } from "../base/ids.ts";
import { listingIdOf } from "../base/listing-id.ts";
import { Prng } from "../base/prng.ts";
import type { Command } from "../tracker/core/commands.ts";
import { deriveUid } from "../tracker/core/derived-ids.ts";
import { TrackerCore } from "../tracker/core/machine.ts";
import { stateHash } from "../tracker/core/state-rows.ts";
import type { VersionVector } from "../tracker/core/version-vector.ts";
import { type Entry, type Origin, parseEntry } from "../wire/entry.ts";
import { breach, SimHistory } from "./sim-history.ts";
import { judgeRows, judgeState } from "./sim-judge.ts";
import { type Intention, intentionOf, pickFrom, userNameFrom } from "./sim-script.ts";
import { deviceOf, fileOf, originOf, requestId } from "./test-tracker.ts";

const STEPS = 120;
const DAY_MS = 86_400_000;

type Log = Map<Origin, Entry[]>;

interface MergeTracker {
  readonly no: number;
  core: TrackerCore;
  log: Log;
  backup: Log;
  skewMs: number;
  runs: number;
}

/** @returns how many entries were made. @throws SimViolation */
export function runMerge(seed: number): number {
  return new MergeWorld(seed).run();
}

class MergeWorld {
  readonly #random: Prng;
  readonly #history = new SimHistory();
  readonly #trackers: MergeTracker[];
  readonly #people: { readonly uid: Uid; readonly device: Fingerprint }[] = [];
  readonly #done: Command[] = [];
  readonly #counters = new Map<string, number>();
  #nowMs = DAY_MS * 10;
  #requests = 0;

  constructor(seed: number) {
    this.#random = new Prng(seed);
    this.#trackers = Array.from({ length: 2 + this.#random.below(3) }, (_, index) => ({
      no: index + 1,
      core: new TrackerCore(originOf(index + 1)),
      log: new Map(),
      backup: new Map(),
      skewMs: this.#random.below(3) === 0 ? this.#random.below(DAY_MS) : 0,
      runs: 1,
    }));
  }

  run(): number {
    const meets = 2 + this.#random.below(8);
    for (let step = 0; step < STEPS; step++) {
      if (this.#random.below(3) > 0) this.#nowMs += this.#random.below(2_000);
      const action = this.#random.below(meets + 8);
      if (action === 0) this.#fault(this.#anyTracker());
      else if (action < 8) this.#command(this.#anyTracker());
      else this.#pass(this.#anyTracker(), this.#anyTracker());
      if (step % 40 === 39) this.#judge(this.#anyTracker());
    }
    this.#heal();
    return this.#history.size;
  }

  #anyTracker(): MergeTracker {
    return pickFrom(this.#random, this.#trackers) as MergeTracker;
  }

  // --- commands ---

  #command(tracker: MergeTracker): void {
    const command = this.#choose(tracker);
    if (command === undefined) return;
    const executed = tracker.core.execute(command, this.#nowMs + tracker.skewMs);
    if (executed instanceof Failure) return;
    this.#done.push(command);
    this.#take(tracker, executed.entries.map(passedOn));
  }

  /** Now and then one that was done already, by whoever repeats it at another tracker. */
  #choose(tracker: MergeTracker): Command | undefined {
    if (this.#random.below(12) === 0) return pickFrom(this.#random, this.#done);
    const known = this.#people.filter(({ uid }) => tracker.core.state.users.has(uid));
    const person = pickFrom(this.#random, known);
    if (person === undefined || (this.#people.length < 5 && this.#random.below(6) === 0))
      return this.#signUp();
    const intention = intentionOf(tracker.core.state, person.uid, this.#random);
    return intention && this.#commandOf(intention, person.uid, person.device);
  }

  #signUp(): Command {
    const request = this.#request();
    const uid = deriveUid(request);
    this.#people.push({ uid, device: deviceOf(`machine ${this.#random.below(3)}`) });
    return {
      kind: "create-user",
      request,
      name: userNameFrom(this.#random),
      passwordHash: `first ${request}`,
    };
  }

  #commandOf(intention: Intention, by: Uid, device: Fingerprint): Command | undefined {
    const request = this.#request();
    switch (intention.kind) {
      case "create_group":
      case "delete_group":
      case "join_group":
      case "leave_group":
        return { kind: GROUP_KINDS[intention.kind], request, by, group: intention.group };
      case "accept_request":
      case "reject_request":
      case "remove_member":
      case "transfer_owner":
        return {
          kind: MEMBER_KINDS[intention.kind],
          request,
          by,
          group: intention.group,
          user: intention.user,
        };
      case "share": {
        const { gid, group, name, content } = intention;
        const counter = this.#count(`${by} ${device} ${gid} ${content}`);
        // Of each machine its own, so that it shows whose count; some say nothing.
        const of = Number.parseInt(device.slice(0, 6), 16) + counter;
        const attributes = of % 3 === 0 ? undefined : { modifiedMs: of, executable: of % 2 === 0 };
        const file = fileOf(content);
        return { kind: "share-file", request, by, device, group, name, file, counter, attributes };
      }
      case "stop_share": {
        const { gid, group, name, content } = intention;
        const counter = this.#count(`${by} ${device} ${gid} ${content}`);
        const listingId = listingIdOf(fileOf(content).fileId, name);
        return { kind: "stop-share", request, by, device, group, listingId, counter };
      }
      case "change_password":
        return { kind: "change-password", request, by, device, passwordHash: `hash ${request}` };
      case "grant":
        return undefined;
    }
  }

  #request(): RequestId {
    return requestId(++this.#requests);
  }

  #count(place: string): number {
    const counter = (this.#counters.get(place) ?? 0) + 1;
    this.#counters.set(place, counter);
    return counter;
  }

  // --- logs ---

  /** To disk, then applied. */
  #take(tracker: MergeTracker, entries: readonly Entry[]): void {
    this.#history.append(entries, vectorOfLog(tracker.log), ({ origin }) => origin === tracker.core.origin);
    for (const entry of entries) {
      const log = tracker.log.get(entry.key.origin) ?? [];
      tracker.log.set(entry.key.origin, log);
      log.push(entry);
    }
    tracker.core.apply(entries, this.#nowMs + tracker.skewMs);
  }

  /** One tracker takes over some of what another has, of each origin in sequence. */
  #pass(from: MergeTracker, to: MergeTracker, all = false): void {
    if (from === to) return;
    for (const [origin, log] of from.log) {
      if (!all && this.#random.below(3) === 0) continue;
      const held = to.log.get(origin)?.length ?? 0;
      const lacking = log.slice(held);
      if (lacking.length === 0) continue;
      const count = all ? lacking.length : 1 + this.#random.below(lacking.length);
      this.#take(to, lacking.slice(0, count));
    }
  }

  // --- faults ---

  #fault(tracker: MergeTracker): void {
    switch (this.#random.below(5)) {
      case 0:
        tracker.backup = copyOfLog(tracker.log);
        break;
      case 1:
        this.#restart(tracker, copyOfLog(tracker.backup));
        break;
      case 2:
        this.#restart(tracker, this.#random.below(4) === 0 ? new Map() : tracker.log);
        break;
      default:
        tracker.skewMs = this.#random.below(2) === 0 ? 0 : this.#random.below(2 * DAY_MS) - DAY_MS;
    }
  }

  #restart(tracker: MergeTracker, log: Log): void {
    const before = vectorOfLog(tracker.log);
    tracker.log = log;
    const others = this.#trackers.filter((other) => other !== tracker).map((other) => vectorOfLog(other.log));
    this.#history.diskReplaced(before, vectorOfLog(log), others);
    tracker.core = new TrackerCore(originOf(tracker.no, ++tracker.runs));
    tracker.core.restore([...log.values()].flat(), this.#nowMs + tracker.skewMs);
  }

  // --- judging ---

  #judge(tracker: MergeTracker): void {
    const history = this.#history.covered(vectorOfLog(tracker.log));
    judgeState(tracker.core.state, history, this.#history.all());
    judgeRows(tracker.core.state, history);
  }

  #heal(): void {
    for (let round = 0; round < 2; round++)
      for (const from of this.#trackers) for (const to of this.#trackers) this.#pass(from, to, true);
    const hashes = new Set(this.#trackers.map(({ core }) => stateHash(core.state)));
    if (hashes.size > 1) breach("trackers that have the same entries differ");
    for (const tracker of this.#trackers) {
      const missing = this.#history.missing(vectorOfLog(tracker.log));
      if (missing.length > 0) breach(`tracker ${tracker.no} lacks ${missing.length} entries`);
    }
    this.#judge(this.#anyTracker());
  }
}

/** As another tracker gets it. */
function passedOn(entry: Entry): Entry {
  const parsed = parseEntry(JSON.parse(JSON.stringify(entry)));
  return parsed instanceof Failure ? breach(`no entry: ${parsed.message}`) : parsed;
}

const GROUP_KINDS = {
  create_group: "create-group",
  delete_group: "delete-group",
  join_group: "join-group",
  leave_group: "leave-group",
} as const;

const MEMBER_KINDS = {
  accept_request: "accept-request",
  reject_request: "reject-request",
  remove_member: "remove-member",
  transfer_owner: "transfer-owner",
} as const;

function vectorOfLog(log: Log): VersionVector {
  return new Map(Array.from(log, ([origin, entries]) => [origin, entries.length]));
}

function copyOfLog(log: Log): Log {
  return new Map(Array.from(log, ([origin, entries]) => [origin, [...entries]]));
}
