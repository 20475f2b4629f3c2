/**
 * Stands in for the runtime's worker threads in a trial: the same jobs, on this thread and over the gate, so that a fault
 * can be planned for them too. A job runs in a turn of its own, as a reply of a thread would come.
 */
import * as fs from "node:fs";
import { PieceJobs } from "../../transfer/disk/piece-jobs.ts";
import type { WorkerRequest } from "../../transfer/disk/worker-protocol.ts";
import { gate } from "./fault-gate.ts";

const disk = {
  read(file: number, into: Uint8Array, offset: number): number {
    const isShort = gate.pass("read", file) === "short";
    return fs.readSync(file, into, 0, isShort ? Math.ceil(into.length / 2) : into.length, offset);
  },
  write(file: number, from: Uint8Array, offset: number): number {
    const isShort = gate.pass("write", file) === "short";
    return fs.writeSync(file, from, 0, isShort ? Math.ceil(from.length / 2) : from.length, offset);
  },
};

export class InlineWorker {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  onerror: unknown;
  readonly #jobs = new PieceJobs((reply) => setImmediate(() => this.onmessage?.({ data: reply })), disk);

  postMessage(request: WorkerRequest): void {
    setImmediate(() => this.#jobs.run(request));
  }

  addEventListener(): void {}
  ref(): void {}
  unref(): void {}
}
