/**
 * What the pool and a worker say to each other. Flat values only: a nested one costs more to copy than the job itself.
 *
 * A request with an `id` gets exactly one last reply of that id; `store` has `verified` before it. Requests of one worker
 * are done in order, and a reply never overtakes another.
 */
import type { FileIdentity } from "./file-identity.ts";

interface Ranged {
  readonly id: number;
  readonly file: number;
  /** In the file, bytes. */
  readonly offset: number;
  readonly length: number;
}

/** A file as it was hashed: its identity, and the one row of its piece list, or none. */
export interface HashedSmall extends FileIdentity {
  readonly executable: boolean;
  readonly rows: Uint8Array;
}

/** Of a job about many small files. */
interface Many {
  readonly id: number;
  /** What it costs, as bytes. */
  readonly length: number;
}

/** What the system said. */
export interface SystemError {
  readonly code: string | undefined;
  readonly message: string;
}

export type WorkerRequest =
  /** First of all: the memory that all slots are in. */
  | { readonly kind: "setup"; readonly slots: SharedArrayBuffer }
  /** Verify the slot, then write it. Answered by `written` or `rejected`. */
  | (Ranged & { readonly kind: "store"; readonly slot: number; readonly hashes: Uint8Array })
  /** Read into the slot; with hashes, verify. Answered by `loaded` or `rejected`. */
  | (Ranged & { readonly kind: "load"; readonly slot: number; readonly hashes: Uint8Array | undefined })
  /** Hash these files, each of one piece at most. Answered by `hashed-small`. */
  | (Many & { readonly kind: "hash-small"; readonly paths: readonly string[] })
  /** Read and hash these files, of so many bytes each, one behind the other into the slot. Answered by `hashed-small`. */
  | (Many & {
      readonly kind: "load-small";
      readonly slot: number;
      readonly paths: readonly string[];
      readonly sizes: readonly number[];
    })
  /** Which of them have nothing at their path yet; see `small-part`. Answered by `looked`. */
  | (Many & {
      readonly kind: "look-small";
      readonly paths: readonly string[];
      readonly parts: readonly string[];
      /** Of each: where another way to fetch it leaves something. */
      readonly others: readonly (readonly string[])[];
    })
  /** Verify all that is one behind the other in the slot, then write each to its part file. Answered by `wrote-small` or `rejected`. */
  | (Many & {
      readonly kind: "write-small";
      /** undefined: all are empty. */
      readonly slot: number | undefined;
      readonly parts: readonly string[];
      readonly sizes: readonly number[];
      /** The piece lists, one behind the other. */
      readonly rows: Uint8Array;
      readonly modifiedMs: readonly (number | undefined)[];
      readonly executable: readonly boolean[];
      readonly sync: boolean;
    })
  /** Bring all to the disk that the file systems of these descriptors hold. Answered by `synced`, or by `cannot` where there is no such call. */
  | (Many & { readonly kind: "sync-file-systems"; readonly files: readonly number[] })
  /** Give each part file its name. Answered by `placed-small`. */
  | (Many & {
      readonly kind: "place-small";
      readonly parts: readonly string[];
      readonly paths: readonly string[];
    })
  /** Hash each piece of the range. Answered by `hashed` or `short`. */
  | (Ranged & { readonly kind: "hash-pieces" })
  /** Go on with a running SHA-1. Answered by `advanced` or `short`. */
  | (Ranged & { readonly kind: "hash-run"; readonly run: number })
  /** Answered by `digest`; the run is forgotten. */
  | { readonly kind: "end-run"; readonly id: number; readonly run: number }
  /** Not answered. */
  | { readonly kind: "forget-run"; readonly run: number };

/** A job about many small files. */
export type SmallJob = Extract<Job, { kind: `${string}-small` | "sync-file-systems" }>;

type Unnumbered<Request> = Request extends { id: number } ? Omit<Request, "id"> : never;

/** A request that is answered, as the pool's parts make it: the id is given where it is sent. */
export type Job = Unnumbered<WorkerRequest>;

export type JobReply =
  | { readonly kind: "written" }
  | { readonly kind: "loaded" }
  | { readonly kind: "rejected" } // a hash is wrong, or the file ends before the piece does
  | { readonly kind: "hashed"; readonly rows: Uint8Array }
  /** In the order asked; undefined for what is no such file. */
  | { readonly kind: "hashed-small"; readonly files: readonly (HashedSmall | undefined)[] }
  | { readonly kind: "looked"; readonly free: readonly boolean[] }
  | { readonly kind: "wrote-small"; readonly files: readonly (FileIdentity | SystemError)[] }
  | { readonly kind: "synced" }
  | { readonly kind: "cannot" }
  /** undefined for those that are in their places. */
  | { readonly kind: "placed-small"; readonly outcomes: readonly (SystemError | undefined)[] }
  | { readonly kind: "advanced" }
  | { readonly kind: "digest"; readonly sha1: string }
  | { readonly kind: "short" } // the file ends before the range does
  | ({ readonly kind: "failed" } & SystemError);

export type WorkerReply = { readonly id: number } & (JobReply | { readonly kind: "verified" });

/** Runs a job on a worker; its slot, if it has one, is the job's until it is answered. @throws Failure */
export type RunSmallJob = (job: SmallJob) => Promise<JobReply>;
