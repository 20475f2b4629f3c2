/**
 * What goes wrong in a simulated cluster: each fault on its own, so that a run can have any subset of them.
 *
 * Every fault ends by itself after a while, or at `heal`, after which nothing is broken and every tracker runs. Clocks
 * stay where they were put: that they differ is no fault that heals.
 */
import type { Fingerprint } from "../base/ids.ts";
import { REPEATABLE_MS } from "../base/limits.ts";
import type { Prng } from "../base/prng.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import { MemoryDisk } from "../tracker/store/memory-store.ts";
import type { SimClient } from "./sim-client.ts";
import { copyOfDisk, type StepFate } from "./sim-disk.ts";
import { bothWays, type SimLines } from "./sim-lines.ts";
import type { SimLine, SimNetwork } from "./sim-network.ts";
import { pickFrom } from "./sim-script.ts";
import type { SimTracker } from "./sim-tracker.ts";

const DAY_MS = 86_400_000;
/** Long enough for what all trackers have passed to be forgotten. */
export const SLEEP_MS = REPEATABLE_MS + 60_000;

export interface FaultWorld {
  readonly prng: Prng;
  readonly network: SimNetwork;
  readonly lines: SimLines;
  readonly trackers: readonly SimTracker[];
  readonly listed: readonly SimTracker[];
  readonly list: readonly TrackerEntry[];
  readonly clients: readonly SimClient[];
  nowMs(): number;
  at(atMs: number, run: () => void): void;
  tell(line: string): void;
  sleep(ms: number): void;
  changeList(goes: SimTracker | undefined, comes: SimTracker | undefined): void;
}

export const FAULT_NAMES = [
  "broken connection",
  "partition",
  "one-way cut",
  "stall",
  "slow line",
  "lost dial",
  "pause",
  "kill",
  "power loss",
  "kill in a step",
  "stop",
  "restored backup",
  "emptied disk",
  "failing disk",
  "clock jump",
  "sleep",
  "changed list",
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

/** Each with a chance of one half, so that runs differ in kind. */
export function someFaults(prng: Prng): FaultName[] {
  return FAULT_NAMES.filter(() => prng.below(2) === 0);
}

export class SimFaults {
  /** While it is on, dials may be lost. */
  losesDials = false;
  readonly #world: FaultWorld;
  readonly #running = new Set<() => void>();
  /** Of each tracker, a backup that was made earlier. */
  readonly #backups = new Map<SimTracker, MemoryDisk>();
  #isHealed = false;

  constructor(world: FaultWorld) {
    this.#world = world;
    for (const tracker of world.trackers) tracker.ended = () => this.#startLater(tracker);
  }

  /** Lets one of these happen now. */
  happen(name: FaultName): void {
    if (this.#isHealed) return;
    const tracker = pickFrom(this.#world.prng, this.#world.listed) as SimTracker;
    this.#world.tell(`fault: ${name}`);
    this.#table[name](tracker);
  }

  /** Everything is well again, and stays so. */
  heal(): void {
    this.#isHealed = true;
    for (const end of [...this.#running]) end();
    for (const tracker of this.#world.listed) {
      tracker.trouble = undefined;
      if (!tracker.isRunning) tracker.start();
      else if (tracker.list !== this.#world.list) tracker.kill("sent");
    }
    this.#world.tell("healed");
  }

  loseDisk(tracker: SimTracker): void {
    this.#replaceDisk(tracker, new MemoryDisk());
  }

  /** Each about one tracker, which is drawn. */
  readonly #table: { readonly [N in FaultName]: (tracker: SimTracker) => void } = {
    "broken connection": (tracker) => this.#breakConnections(tracker),
    partition: () => this.#block(this.#partition()),
    "one-way cut": (tracker) => this.#block([this.#anyLine(tracker)]),
    stall: (tracker) => this.#block(bothWays(tracker.fingerprint, this.#anyOther(tracker))),
    "slow line": (tracker) => this.#slow(bothWays(tracker.fingerprint, this.#anyOther(tracker))),
    "lost dial": () => this.#loseDials(),
    pause: (tracker) => this.#pause(tracker),
    kill: (tracker) => tracker.kill(this.#world.prng.below(2) === 0 ? "sent" : "lost"),
    "power loss": (tracker) => tracker.kill("silent"),
    "kill in a step": (tracker) => this.#trouble(tracker, ["killed before", "killed after"]),
    stop: (tracker) => tracker.stop(),
    "restored backup": (tracker) => this.#restore(tracker),
    "emptied disk": (tracker) => this.loseDisk(tracker),
    "failing disk": (tracker) => this.#trouble(tracker, ["fails before", "fails after"]),
    "clock jump": () => this.#jump(),
    sleep: (tracker) => this.#sleep(tracker),
    "changed list": (tracker) => this.#changeList(tracker),
  };

  // --- lines ---

  #anyOther({ fingerprint }: SimTracker): Fingerprint {
    const others = this.#machines().filter((machine) => machine !== fingerprint);
    return pickFrom(this.#world.prng, others) ?? fingerprint;
  }

  #anyLine(tracker: SimTracker): SimLine {
    const [from, to] = [tracker.fingerprint, this.#anyOther(tracker)];
    return this.#world.prng.below(2) === 0 ? { from, to } : { from: to, to: from };
  }

  #machines(): Fingerprint[] {
    const { trackers, clients } = this.#world;
    return [...trackers, ...clients].map(({ fingerprint }) => fingerprint);
  }

  /** Everybody is on one of two sides. */
  #partition(): SimLine[] {
    const left = new Set(this.#machines().filter(() => this.#world.prng.below(2) === 0));
    return this.#machines().flatMap((from) =>
      this.#machines()
        .filter((to) => left.has(from) !== left.has(to))
        .map((to) => ({ from, to })),
    );
  }

  #breakConnections({ fingerprint }: SimTracker): void {
    const { network, lines, prng } = this.#world;
    for (const connection of network.connections(fingerprint)) {
      if (prng.below(2) === 0) continue;
      lines.disturbed(fingerprint, connection.peer);
      connection.break();
    }
  }

  #block(lines: readonly SimLine[]): void {
    this.#during(() => this.#world.lines.block(lines));
  }

  #slow(lines: readonly SimLine[]): void {
    this.#during(() => this.#world.lines.slow(lines, 200 + this.#world.prng.below(2_000)));
  }

  #loseDials(): void {
    this.#during(() => {
      this.losesDials = true;
      return () => {
        this.losesDials = false;
      };
    });
  }

  /** Up to a day, of a tracker or a client. */
  #jump(): void {
    const { prng, trackers, clients } = this.#world;
    const machine = pickFrom(prng, [...trackers, ...clients]);
    if (machine !== undefined) machine.skewMs = Math.trunc((prng.float() * 2 - 1) * DAY_MS);
  }

  /** Nothing runs on the machine, and what comes waits outside. */
  #pause(tracker: SimTracker): void {
    const { process, fingerprint } = tracker;
    if (process === undefined) return;
    const lines = this.#machines().map((from) => ({ from, to: fingerprint }));
    this.#during(() => {
      const pass = this.#world.lines.block(lines);
      process.pause();
      return () => {
        process.goOn();
        pass();
      };
    });
  }

  #during(begin: () => () => void): void {
    const { nowMs, at, prng } = this.#world;
    const undo = begin();
    const end = () => {
      if (this.#running.delete(end)) undo();
    };
    this.#running.add(end);
    at(nowMs() + 500 + prng.float() * 8_000, end);
  }

  // --- processes and disks ---

  #trouble(tracker: SimTracker, fates: readonly StepFate[]): void {
    const { prng } = this.#world;
    const fate = pickFrom(prng, fates);
    if (fate === undefined || !tracker.isRunning) return;
    const isAboutRows = prng.below(2) === 0;
    tracker.trouble = { steps: 1 + prng.below(isAboutRows ? 4 : 20), fate, isAboutRows };
  }

  /** One time a backup is made, the next time it is put back. */
  #restore(tracker: SimTracker): void {
    const backup = this.#backups.get(tracker);
    if (backup === undefined) this.#backups.set(tracker, copyOfDisk(tracker.disk));
    else this.#replaceDisk(tracker, copyOfDisk(backup));
  }

  #replaceDisk(tracker: SimTracker, disk: MemoryDisk): void {
    tracker.kill("sent");
    if (tracker.isRunning) return;
    tracker.replaceDisk(
      disk,
      this.#world.trackers.filter((other) => other !== tracker),
    );
  }

  #startLater(tracker: SimTracker): void {
    const { nowMs, at, prng } = this.#world;
    const waitMs = this.#isHealed ? 0 : 100 + prng.float() * 8_000;
    at(nowMs() + waitMs, () => {
      if (!tracker.isRunning && this.#world.listed.includes(tracker)) tracker.start();
    });
  }

  /** Soon afterwards the logs are short: who loses its disk then gets the state while others go on changing it. */
  #sleep(tracker: SimTracker): void {
    const { prng, nowMs, at } = this.#world;
    this.#world.sleep(SLEEP_MS);
    if (prng.below(2) === 0) return;
    at(nowMs() + 2_000 + prng.float() * 2_000, () => {
      if (!this.#isHealed) this.loseDisk(tracker);
    });
  }

  /** Once: one tracker is taken out for ever, or an empty one is added, or both. */
  #changeList(tracker: SimTracker): void {
    const { prng, trackers, listed, nowMs, at } = this.#world;
    const spare = trackers.find((each) => !listed.includes(each));
    if (spare === undefined || spare.hasRun || listed.length < trackers.length - 1) return;
    const comes = prng.below(3) > 0 ? spare : undefined;
    const goes = (comes === undefined || prng.below(2) === 0) && listed.length > 2 ? tracker : undefined;
    this.#world.changeList(goes, comes);
    this.#world.tell(`tracker ${goes?.no} goes, tracker ${comes?.no} comes`);
    if (goes !== undefined) this.#replaceDisk(goes, new MemoryDisk());
    for (const each of this.#world.listed)
      at(nowMs() + prng.float() * 4_000, () => {
        if (each.isRunning && each.list !== this.#world.list) each.kill("sent");
        else if (each === comes && !each.isRunning) each.start();
      });
  }
}
