/**
 * One worker thread and the jobs that it has been given, answered in order.
 *
 * Invariant: every job ends exactly once, with its reply or, when the worker is lost, with a Failure. A worker that has
 * nothing to do does not keep the process alive; it is never terminated, which the runtime does not do safely. It begins
 * with its first job: a client that only waits has no engine beside its own, which would cost memory and wake every second.
 */
import { Failure } from "../../base/failure.ts";
import type { Job, JobReply, WorkerReply, WorkerRequest } from "./worker-protocol.ts";

interface RunningJob {
  readonly bytes: number;
  readonly verified: (() => void) | undefined;
  readonly resolve: (reply: JobReply) => void;
  readonly reject: (failure: Failure) => void;
}

export class WorkerLine {
  readonly #begin: () => Worker;
  #worker: Worker | undefined;
  readonly #whenLost: (line: WorkerLine, failure: Failure) => void;
  readonly #running = new Map<number, RunningJob>();
  #bytes = 0;
  #nextId = 1;
  #lost: Failure | undefined;

  constructor(entry: URL, slots: SharedArrayBuffer, whenLost: (line: WorkerLine, failure: Failure) => void) {
    this.#whenLost = whenLost;
    this.#begin = () => {
      const worker = new Worker(entry);
      worker.unref();
      worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => this.#replied(data);
      worker.onerror = (event) => {
        event.preventDefault();
        this.#end(event.message);
      };
      worker.addEventListener("close", () => this.#end("it ended"));
      worker.postMessage({ kind: "setup", slots } satisfies WorkerRequest);
      return worker;
    };
  }

  /** Begins the worker ahead of its first job. Harmless when repeated. */
  start(): Worker {
    this.#worker ??= this.#begin();
    return this.#worker;
  }

  get hasBegun(): boolean {
    return this.#worker !== undefined;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Bytes of the jobs that have not been answered: how long a new one has to wait. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  /** @throws Failure if the worker is lost */
  run(job: Job, verified?: () => void): Promise<JobReply> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    const bytes = "length" in job ? job.length : 0;
    if (this.#running.size === 0) this.start().ref();
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#running.set(id, { bytes, verified, resolve, reject });
      this.#send({ id, ...job });
    });
  }

  forgetRun(run: number): void {
    if (this.#lost === undefined && this.#worker !== undefined) this.#send({ kind: "forget-run", run });
  }

  #send(request: WorkerRequest): void {
    this.start().postMessage(request);
  }

  #replied(reply: WorkerReply): void {
    const job = this.#running.get(reply.id);
    if (job === undefined) return;
    if (reply.kind === "verified") {
      job.verified?.();
      return;
    }
    this.#running.delete(reply.id);
    this.#bytes -= job.bytes;
    if (this.#running.size === 0) this.#worker?.unref();
    job.resolve(reply);
  }

  #end(why: string): void {
    if (this.#lost !== undefined) return;
    const failure = new Failure("internal", `a hash worker was lost: ${why}; start the program again`);
    this.#lost = failure;
    const jobs = [...this.#running.values()];
    this.#running.clear();
    this.#bytes = 0;
    this.#worker?.unref();
    for (const job of jobs) job.reject(failure);
    this.#whenLost(this, failure);
  }
}
