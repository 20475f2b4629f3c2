/**
 * What the client asks of the transfer, and what it hears back: `engine.ts` does it, a fake serves the client's tests.
 *
 * The transfer knows no tracker, no user's session and no screen. Sources, grants and destinations are handed in;
 * verified bytes and plain snapshots come out.
 */
import type { Address } from "../base/address.ts";
import type { Failure } from "../base/failure.ts";
import type { FileAttributes } from "../base/file-attributes.ts";
import type { FileId, Fingerprint, Gid, Uid } from "../base/ids.ts";
import type { FileSummary, Manifest } from "../base/manifest.ts";
import type { Source } from "../wire/client-tracker.ts";
import type { GrantRefusal } from "../wire/signed.ts";
import type { LeftDownload, PlacedFile } from "./disk/contract.ts";
import type { FileIdentity } from "./disk/file-identity.ts";

/** A file on this disk that members of a group may fetch. */
export interface Offer {
  readonly gid: Gid;
  readonly file: FileSummary;
  /**
   * Asked for when somebody fetches the file, and not kept longer than that: the lists of all that people share do not fit
   * in memory. @throws Failure; no piece is served then, and it is asked for again with the next
   */
  manifest(): Promise<Manifest>;
  readonly path: string;
  /** What the file was when it was hashed; undefined: what it is when it is first opened. */
  readonly identity: FileIdentity | undefined;
  /** Hashed in this very session: while it has that identity, its pieces need no check when they are first read. */
  readonly fresh: boolean;
}

export interface Grant {
  readonly text: string;
  /** Wall clock. */
  readonly expiresMs: number;
}

/** A file to fetch. */
export interface DownloadOrder {
  readonly gid: Gid;
  readonly manifest: Manifest;
  /** The final absolute path, checked by `safe-path`. */
  readonly path: string;
  /** The folder that the user chose; what of `path` is below it was chosen by another machine. */
  readonly base: string;
  /** What the file gets when it is placed. */
  readonly attributes?: FileAttributes | undefined;
  /** Where the journal of this download is kept. */
  readonly journalPath: string;
}

export interface SourceSnapshot {
  readonly source: Source;
  /** `unreachable`: the last dial failed; `refused`: it answered and does not serve; `gone`: not connected, not tried. */
  readonly state: "connected" | "connecting" | "unreachable" | "refused" | "gone" | "dropped";
  readonly verifiedBytes: number;
  readonly wrongPieces: number;
  /** Why it could not be reached or refused, for people. */
  readonly trouble: string | undefined;
  /** Of a connected one, what keeps more from coming from it; absent if it is only its speed. */
  readonly limit?: SourceLimit;
}

/** `busy`: it serves others first; `slow`: it let requests time out; `nothing-missing`: it has nothing that is missing here. */
export type SourceLimit = "busy" | "slow" | "nothing-missing";

export type DownloadPhase =
  | { readonly kind: "opening" } // the part file is made, or what a journal claims is verified
  | { readonly kind: "fetching" }
  | { readonly kind: "paused" }
  | { readonly kind: "disk-wait"; readonly failure: Failure } // goes on by itself when there is room
  | { readonly kind: "finishing" } // whole-file SHA-1, sync, placing
  /** With what lies at its place, where that is known. */
  | { readonly kind: "complete"; readonly file?: PlacedFile }
  | { readonly kind: "failed"; readonly failure: Failure };

export interface DownloadSnapshot {
  readonly phase: DownloadPhase;
  /** Verified bytes on disk, those of earlier runs too. */
  readonly doneBytes: number;
  /** Bytes a second over the last seconds. */
  readonly rate: number;
  readonly wastedBytes: number;
  readonly sources: readonly SourceSnapshot[];
  /** Whether pieces come faster than this machine stores them. */
  readonly diskBound?: boolean;
  /** Whether it would ask for more, were it not for the limit on all downloads. */
  readonly rateBound?: boolean;
}

/** A download under way. Its methods are harmless in any phase; after "complete" or "failed" nothing changes any more. */
export interface Download {
  readonly order: DownloadOrder;
  snapshot(): DownloadSnapshot;
  /** Learns of a source, or that one came back. */
  addSource(source: Source): void;
  /** Stops asking and leaves its sources; what was verified is kept and still offered. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends it and removes the part file and the journal. */
  cancel(): Promise<void>;
  /** Ends it, leaving part file and a clean journal for a later run. */
  suspend(): Promise<void>;
  /** Resolves with "complete", or "failed" with its reason, or "ended" after cancel or suspend. */
  readonly ended: Promise<"complete" | "failed" | "ended">;
}

export interface TransferEvents {
  /** The phase of a download changed. */
  changed(download: Download): void;
  /** A shared file is not what it was; it is no longer offered. */
  offerBroken(offer: Offer, failure: Failure): void;
  /** Something that people should know and that stops nothing. */
  notice(message: string): void;
}

export type Direction = "up" | "down";

/** Bytes a second for all transfers together; undefined: no limit. */
export type RateLimits = Readonly<Record<Direction, number | undefined>>;

export interface TransferEngine {
  /** Takes the listening address for peers. @throws Failure "address-in-use" */
  listen(address: Address): Promise<Address>;
  /** Offers a file; a second offer of the same file to the same group replaces the first. */
  offer(offer: Offer): void;
  withdraw(gid: Gid, fileId: FileId): void;
  /** Withdraws every offer and suspends every download: what logging out means. */
  quiesce(): Promise<void>;
  /**
   * Starts at once. The file is offered to the group piece by piece, and as a whole when it is complete. Of several orders
   * of one content in a group those of one piece at most wait for each other, and are copied from where the first one
   * lies; one that is paused must be suspended for others to go on. Of larger content one is to be ordered at a time.
   */
  download(order: DownloadOrder): Download;
  /** Removes what an earlier run left of a download; not for one that runs. @throws Failure */
  discard(left: LeftDownload): Promise<void>;
  /**
   * That user's grants for the group count no more: cut its channels now and refuse what was signed until now.
   * @param spared the one machine of that user that goes on
   */
  revoke(gid: Gid, uid: Uid, spared?: Fingerprint): void;
  /** This machine's user lost access to the group: nothing of it is served from now on, whoever asks. */
  withdrawGroup(gid: Gid): void;
  /** That user has access again. */
  readmit(gid: Gid, uid: Uid): void;
  /** How often a peer was refused or cut off since the start, by reason. */
  refusals(): ReadonlyMap<GrantRefusal, number>;
  /** Holds all uploads, or all downloads, together to so many bytes a second, shared evenly; at once. */
  limit(direction: Direction, bytesPerSecond: number | undefined): void;
  limits(): RateLimits;
  close(): Promise<void>;
}

/** What the client hands in. */
export interface TransferAuthority {
  /** Ed25519 public keys of the trackers whose grants count (SPKI DER, base64url). */
  keys(): readonly string[];
  /** How far the trackers' wall clock, by which grants end, is ahead of this machine's. */
  clockAheadMs(): number;
  /** A grant for this client in that group, fresh or cached. @throws Failure */
  grant(gid: Gid): Promise<Grant>;
  readonly fingerprint: Fingerprint;
}
