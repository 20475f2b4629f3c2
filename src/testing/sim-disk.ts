/**
 * A tracker's disk in a simulation: its process can be killed at every step that writes, before the step took effect or
 * after, and each of them can fail as a disk does.
 *
 * It stands around the store in memory and knows none of its methods: whatever is not a plain look is a step that
 * writes. A look changes nothing, so it matters to nobody whether a process dies in it. After a failed step every later
 * one fails the same way, as the store promises.
 */
import { Failure } from "../base/failure.ts";
import type { EventStore } from "../tracker/store/event-store.ts";
import { MemoryDisk, MemoryStore } from "../tracker/store/memory-store.ts";

/** Thrown into a process that was killed in the middle of a step: nothing that it does from then on has any effect. */
export class SimKilled extends Error {
  override readonly name = "SimKilled";
}

/** What becomes of one step. */
export type StepFate = "done" | "killed before" | "killed after" | "fails before" | "fails after";

export interface DiskWatch {
  /** Before each step. A process that was killed is to be told "killed before". */
  fate(method: string): StepFate;
  /** What was asked has taken effect. */
  done(method: string, args: readonly unknown[], before: ReadonlyMap<string, number>): void;
  /** The process is gone from now on. */
  killed(): void;
}

const LOOKS: ReadonlySet<string> = new Set([
  "replay",
  "entriesAfter",
  "entryTexts",
  "vector",
  "loadRows",
  "loadShared",
  "hasShared",
  "fileCount",
  "accountNames",
  "loadAccounts",
  "rowSum",
  "checkpointed",
  "floor",
  "hasBlob",
  "blobTotal",
  "getBlob",
  "getMeta",
]);

type AnyMethod = (...args: unknown[]) => unknown;

export function openSimStore(disk: MemoryDisk, watch: DiskWatch): EventStore {
  const store = new MemoryStore(disk);
  let failed: Failure | undefined;

  function step(method: string, run: AnyMethod, args: unknown[]): unknown {
    const fate = watch.fate(method);
    if (fate === "killed before") return kill(method);
    failed ??= fate === "fails before" ? brokenDisk() : undefined;
    if (failed !== undefined) throw failed;
    const before = store.vector();
    const result = run.apply(store, args);
    watch.done(method, args, before);
    if (fate === "killed after") return kill(method);
    if (fate === "fails after") {
      failed = brokenDisk();
      throw failed;
    }
    return result;
  }

  function kill(method: string): never {
    watch.killed();
    throw new SimKilled(`killed in ${method}`);
  }

  return new Proxy(store, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== "function" || typeof name !== "string") return found;
      if (name === "close" || LOOKS.has(name)) return found.bind(target);
      return (...args: unknown[]) => step(name, found as AnyMethod, args);
    },
  });
}

function brokenDisk(): Failure {
  return new Failure("disk-error", "input/output error");
}

/** The disk as it is now, as a backup keeps it. */
export function copyOfDisk(disk: MemoryDisk): MemoryDisk {
  return Object.assign(new MemoryDisk(), structuredClone({ ...disk }));
}

export function vectorOfDisk(disk: MemoryDisk): ReturnType<EventStore["vector"]> {
  return new MemoryStore(disk).vector();
}
