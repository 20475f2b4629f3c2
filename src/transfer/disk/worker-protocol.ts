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

export type WorkerRequest =
  /** First of all: the memory that all slots are in. */
  | { readonly kind: "setup"; readonly slots: SharedArrayBuffer }
  /** Verify the slot, then write it. Answered by `written` or `rejected`. */
  | (Ranged & { readonly kind: "store"; readonly slot: number; readonly hashes: Uint8Array })
  /** Read into the slot; with hashes, verify. Answered by `loaded` or `rejected`. */
  | (Ranged & { readonly kind: "load"; readonly slot: number; readonly hashes: Uint8Array | undefined })
  /** Hash these files, each of one piece at most. Answered by `hashed-small`. */
  | {
      readonly kind: "hash-small";
      readonly id: number;
      readonly paths: readonly string[];
      /** What it costs, as bytes. */
      readonly length: number;
    }
  /** Hash each piece of the range. Answered by `hashed` or `short`. */
  | (Ranged & { readonly kind: "hash-pieces" })
  /** Go on with a running SHA-1. Answered by `advanced` or `short`. */
  | (Ranged & { readonly kind: "hash-run"; readonly run: number })
  /** Answered by `digest`; the run is forgotten. */
  | { readonly kind: "end-run"; readonly id: number; readonly run: number }
  /** Not answered. */
  | { readonly kind: "forget-run"; readonly run: number };

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
  | { readonly kind: "advanced" }
  | { readonly kind: "digest"; readonly sha1: string }
  | { readonly kind: "short" } // the file ends before the range does
  | { readonly kind: "failed"; readonly code: string | undefined; readonly message: string };

export type WorkerReply = { readonly id: number } & (JobReply | { readonly kind: "verified" });
