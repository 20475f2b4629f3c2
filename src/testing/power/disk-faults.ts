/**
 * Makes one call of the store's process fail and judges how the store bore it.
 *
 * It may end the writing or (where SQLite can do without that call) nothing; it may never answer what is not there, write
 * after it has refused, or end other than by its own word. Complaints are sentences; none means well borne.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Prng } from "../../base/prng.ts";
import { answeredBy, type Cut, judge, powerCuts } from "./power-cuts.ts";
import { databaseIn, type Fault, type FaultyCall, type Recording, record } from "./record.ts";
import { type StoreScript, storeScript, viewsAfterEach } from "./store-script.ts";
import type { DiskEvent } from "./syscall-log.ts";

const KINDS: readonly (readonly [FaultyCall, Fault["error"]])[] = [
  ["pwrite64", "ENOSPC"],
  ["pwrite64", "EIO"],
  ["fsync", "EIO"],
  ["openat", "EIO"],
  ["ftruncate", "EIO"],
  ["unlink", "EIO"],
];
const LATER_WRITES = 5;

export interface FaultResult {
  readonly fault: Fault;
  readonly isHit: boolean;
  /** Whether the store answered with a failure. */
  readonly isRefused: boolean;
  readonly complaints: readonly string[];
}

interface Run {
  readonly folder: string;
  readonly run: () => Promise<Recording>;
}

export class FaultTrial {
  readonly #seed: number;
  readonly #steps: number;
  readonly #script: StoreScript;
  readonly #views: readonly string[];
  /** Real; what is in it is the trial's. */
  readonly #folder: string;
  #runs = 0;

  constructor(options: { readonly seed: number; readonly steps: number; readonly folder: string }) {
    this.#seed = options.seed;
    this.#steps = options.steps;
    this.#folder = options.folder;
    this.#script = storeScript(options.seed, options.steps);
    this.#views = viewsAfterEach(this.#script);
  }

  /** Every fault there is to try. */
  async faults(): Promise<Fault[]> {
    const { calls } = await this.#record().run();
    return KINDS.flatMap(([call, error]) =>
      Array.from({ length: calls.get(call) ?? 0 }, (_, index) => ({ call, error, at: index + 1 })),
    );
  }

  /** Two at once: they wait for the disk more than for a processor. */
  async bearAll(faults: readonly Fault[]): Promise<FaultResult[]> {
    const waiting = [...faults];
    const results: FaultResult[] = [];
    const take = async () => {
      for (let fault = waiting.pop(); fault !== undefined; fault = waiting.pop())
        results.push(await this.bear(fault));
    };
    await Promise.all([take(), take()]);
    return results;
  }

  async bear(fault: Fault): Promise<FaultResult> {
    const { run, folder } = this.#record(fault);
    const recording = await run();
    const { events } = recording;
    const told = events.flatMap((event) => (event.kind === "said" ? [event.line] : []));
    const isHit = events.some((event) => event.kind === "fault");
    const failed = told.find((line) => line.startsWith("failed "));
    const complaints = [
      ...complainOfEnd(recording),
      ...(failed === undefined
        ? complainOfCalm(told, this.#script.steps.length)
        : complainOfRefusal(failed, told, events)),
      ...this.#complainOfDisk(databaseIn(folder), events),
    ];
    rmSync(folder, { recursive: true, force: true });
    return { fault, isHit, isRefused: failed !== undefined, complaints };
  }

  /**
   * The process is killed at the failure, another one takes up its work, and the power goes while it does. What the first
   * wrote is in the system's memory still, but may never come to the disk. If there is no failure, the power goes while
   * the first goes on.
   */
  async cutAfter(fault: Fault, images: number): Promise<Cut[]> {
    const { folder, run } = this.#record(fault, { dies: true });
    const { events } = await run();
    const failed = events.findIndex((event) => event.kind === "said" && event.line.startsWith("failed "));
    const order = { ...this.#order, done: answeredAfter(events) };
    const later = failed < 0 ? [] : (await record(order, folder)).events;
    const from = failed < 0 ? events.findIndex((event) => event.kind === "fault") + 1 : events.length;
    const place = { folder, from, images, seed: this.#seed };
    return [...powerCuts({ script: this.#script, events: [...events, ...later], ...place })];
  }

  get #order() {
    return { seed: this.#seed, steps: this.#steps, synchronous: "FULL" } as const;
  }

  #record(fault?: Fault, how: { readonly dies?: boolean } = {}): Run {
    const folder = join(this.#folder, `run-${this.#runs++}`);
    mkdirSync(join(folder, "store"), { recursive: true });
    return { folder, run: () => record({ ...this.#order, ...how }, folder, fault) };
  }

  /** With the fault gone, as after the operator has made room. */
  #complainOfDisk(path: string, events: readonly DiskEvent[]): string[] {
    const answered = answeredAfter(events);
    const verdict = judge(path, this.#script, { views: this.#views, answered });
    if (verdict.kind === "kept") return [];
    const what = verdict.kind === "lost" ? `${verdict.steps} answered steps are lost` : verdict.why;
    return [`afterwards, with ${answered} answered: ${what}`];
  }
}

function answeredAfter(events: readonly DiskEvent[]): number {
  return events.reduce((count, event) => answeredBy(event) ?? count, 0);
}

function complainOfEnd({ exitCode, stderr }: Recording): string[] {
  return exitCode === 0 && stderr === "" ? [] : [`the process ended with ${exitCode}: ${stderr}`];
}

/** Borne without a word: then everything is to be done. */
function complainOfCalm(told: readonly string[], steps: number): string[] {
  const expected = [...Array.from({ length: steps }, (_, index) => `done ${index + 1}`), "closing", "closed"];
  return told.join() === expected.join() ? [] : [`it did not end its work: ${told.slice(-3).join(", ")}`];
}

function complainOfRefusal(failed: string, told: readonly string[], events: readonly DiskEvent[]): string[] {
  const complaints: string[] = [];
  if (!events.some((event) => event.kind === "fault")) complaints.push("it failed by itself");
  if (!/^failed \d+ disk-error$/.test(failed)) complaints.push(`the wrong failure: ${failed}`);
  const later = told.slice(told.indexOf(failed) + 1).join();
  const refused = new Array(LATER_WRITES).fill("refused").join();
  const expected = [`${refused},closing,closed`, "not open,closing,closed", ""];
  if (!expected.includes(later)) complaints.push(`after the failure it went on: ${later}`);
  return [...complaints, ...complainOfLaterWrites(events)];
}

/** Closing tidies up what was answered, so that it may write. */
function complainOfLaterWrites(events: readonly DiskEvent[]): string[] {
  const isSaid = (start: string) => (event: DiskEvent) =>
    event.kind === "said" && event.line.startsWith(start);
  const from = events.findIndex(isSaid("failed "));
  const to = events.findIndex(isSaid("closing"));
  const written = events.slice(from + 1, to < 0 ? undefined : to).filter((event) => event.kind !== "said");
  return written.length === 0 ? [] : [`${written.length} changes of files after the failure`];
}

/** Some of each kind of call, so that the many writes do not drown the few others. */
export function sampleFaults(faults: readonly Fault[], each: number, dice: Prng): Fault[] {
  return KINDS.flatMap(([call, error]) =>
    dice.shuffle(faults.filter((fault) => fault.call === call && fault.error === error)).slice(0, each),
  );
}
