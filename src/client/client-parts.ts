/** What a client is put together from. `compose.ts` makes the real parts, tests hand in others. */
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { Fingerprint, Gid, ListingId, RequestId, Uid } from "../base/ids.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { TransferAuthority, TransferEngine, TransferEvents } from "../transfer/contract.ts";
import type { PieceWorkers } from "../transfer/disk/contract.ts";
import type { HashJournals } from "../transfer/disk/hash-journals.ts";
import type { Library } from "./library.ts";
import type { LocalFiles } from "./local-files.ts";
import type { PieceListCache } from "./piece-list-cache.ts";
import type { DialTracker } from "./tracker-link.ts";

export interface ClientLog {
  warn(message: string): void;
  info(message: string): void;
}

export interface ClientOptions {
  /** In order of preference. */
  readonly trackers: readonly TrackerEntry[];
  /** Where to listen for peers; another port is taken if this one is not to be had. */
  readonly listen: Address;
  /** Exists, and is this process's alone. */
  readonly dataFolder: string;
  readonly log: ClientLog;
  /** Name and version, for the trackers' logs. */
  readonly program?: string;
}

export interface ClientParts {
  readonly clock: Clock;
  readonly fingerprint: Fingerprint;
  readonly dial: DialTracker;
  readonly workers: Pick<PieceWorkers, "hashFile">;
  readonly files: LocalFiles;
  readonly lists: Pick<PieceListCache, "read" | "write">;
  readonly hashJournals: Pick<HashJournals, "begin">;
  readonly library: Pick<Library, "of">;
  readonly createEngine: (authority: TransferAuthority, events: TransferEvents) => TransferEngine;
  readonly newRequestId: () => RequestId;
  readonly journalPath: (uid: Uid, gid: Gid, listingId: ListingId) => string;
  /** After the transfer has closed. */
  close(): Promise<void>;
}
