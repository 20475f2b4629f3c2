/**
 * Has copies of the tracker's database made by a worker, one at a time.
 *
 * The worker is made with the first copy, never ended, and keeps nothing alive while it has nothing to do. A copy that
 * fails is told and harms nothing: the tracker's own database is only read.
 */
import { Failure } from "../../base/failure.ts";
import { lastSnapshotMs, type SnapshotOrder } from "./snapshot.ts";

/** As in `transfer/disk/hash-pool.ts`: beside the main file of the compiled program, never by a relative path. */
const WORKER_ENTRY = Bun.isStandaloneExecutable
  ? new URL("./tracker/store/snapshot-worker.ts", Bun.pathToFileURL(Bun.main))
  : new URL("./snapshot-worker.ts", import.meta.url);

export interface Snapshots {
  /** Wall clock of the newest copy; undefined if there is none. */
  readonly lastMs: number | undefined;
  /** Where the copies are. */
  readonly folder: string;
  /** Resolves when the copy is on the disk; the one that is being made, if there is one. @throws Failure "disk-error" */
  take(nowMs: number): Promise<void>;
}

export class SnapshotKeeper implements Snapshots {
  readonly #database: string;
  readonly folder: string;
  #worker: Worker | undefined;
  #running: Promise<void> | undefined;
  #lastMs: number | undefined;

  /** @param folder for the copies alone; made with the first */
  constructor(database: string, folder: string) {
    this.#database = database;
    this.folder = folder;
    this.#lastMs = lastSnapshotMs(folder);
  }

  get lastMs(): number | undefined {
    return this.#lastMs;
  }

  take(nowMs: number): Promise<void> {
    this.#running ??= this.#take(nowMs).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #take(nowMs: number): Promise<void> {
    const problem = await this.#ask({ database: this.#database, folder: this.folder, nowMs });
    if (problem !== "")
      throw new Failure("disk-error", `no copy of the database could be made in ${this.folder}: ${problem}`);
    this.#lastMs = nowMs;
  }

  /** @returns what went wrong */
  #ask(order: SnapshotOrder): Promise<string> {
    this.#worker ??= new Worker(WORKER_ENTRY);
    const worker = this.#worker;
    return new Promise<string>((resolve) => {
      worker.ref();
      worker.onmessage = ({ data }: MessageEvent<string>) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        // Another one is made for the next copy.
        this.#worker = undefined;
        resolve(event.message);
      };
      worker.postMessage(order);
    }).finally(() => worker.unref());
  }
}
