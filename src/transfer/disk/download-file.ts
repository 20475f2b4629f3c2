/**
 * A download on disk while it runs: the part file, and the journal that tells what is in it.
 *
 * Invariant: data is synced before a journal that will be trusted is written, and after a failed sync, which may have lost
 * anything, none is: what was written before it is fetched again. It writes no piece itself; the workers do, by its descriptor.
 */
import { Bitfield } from "../../base/bitfield.ts";
import type { Clock } from "../../base/clock.ts";
import { type Failure, toFailure } from "../../base/failure.ts";
import type { PieceIndex } from "../../base/ids.ts";
import { JOURNAL_SYNC_MS, JOURNAL_SYNC_PIECES } from "../../base/limits.ts";
import type { DownloadFile, DownloadTarget, PieceWorkers } from "./contract.ts";
import type { FileIdentity } from "./file-identity.ts";
import { ensureNoLinks } from "./folder-chain.ts";
import type { Journal } from "./journal.ts";
import type { JournalFile } from "./journal-file.ts";
import type { PartFile } from "./part-file.ts";
import { SyncPolicy } from "./sync-policy.ts";

type Part = Pick<PartFile, "descriptor" | "identity" | "setModified" | "sync" | "place" | "remove" | "close">;
type OpenJournal = Pick<JournalFile, "append" | "sync" | "replace" | "remove" | "close">;

export interface DownloadFileDependencies {
  readonly workers: Pick<PieceWorkers, "settled">;
  readonly clock: Pick<Clock, "after">;
}

export class StoredDownload implements DownloadFile {
  readonly file: number;
  readonly resumed: Bitfield;
  readonly #workers: Pick<PieceWorkers, "settled">;
  readonly #clock: Pick<Clock, "after">;
  readonly #target: DownloadTarget;
  readonly #part: Part;
  readonly #journal: OpenJournal;
  readonly #written: Bitfield;
  readonly #policy = new SyncPolicy(JOURNAL_SYNC_PIECES);
  #cancelTimer: (() => void) | undefined;
  #sync: Promise<void> = Promise.resolve();
  #syncFailure: Failure | undefined;
  #isPrepared = false;
  #ended = false;

  /** The journal stands on disk with just the resumed pieces, marked as in use. */
  constructor(
    { workers, clock }: DownloadFileDependencies,
    target: DownloadTarget,
    parts: { readonly part: Part; readonly journal: OpenJournal; readonly resumed: Bitfield },
  ) {
    this.#workers = workers;
    this.#clock = clock;
    this.#target = target;
    this.#part = parts.part;
    this.#journal = parts.journal;
    this.file = parts.part.descriptor;
    this.resumed = parts.resumed;
    this.#written = copy(parts.resumed);
  }

  async recordWritten(piece: PieceIndex): Promise<void> {
    if (this.#ended || !this.#written.set(piece)) return;
    const noted = this.#journal.append(piece);
    const advice = this.#policy.recorded();
    if (advice === "sync") this.#startSync();
    else if (advice === "start-timer")
      this.#cancelTimer = this.#clock.after(JOURNAL_SYNC_MS, () => this.#startSync());
    await noted;
  }

  async suspend(): Promise<void> {
    await this.#syncAll();
    const clean = await this.#part.identity();
    await this.#journal.replace(journalOf(this.#target, this.#written, clean));
    await this.#end();
  }

  async prepare(): Promise<void> {
    const { attributes } = this.#target;
    if (attributes !== undefined) await this.#part.setModified(attributes.modifiedMs);
    await this.#syncNow();
    this.#isPrepared = true;
  }

  async place(): Promise<void> {
    await this.#workers.settled(this.file);
    if (!this.#isPrepared) await this.prepare();
    await ensureNoLinks(this.#target.base, this.#target.path);
    await this.#part.place(this.#target.path);
    this.#ended = true;
    await this.#journal.remove();
  }

  async discard(): Promise<void> {
    this.#ended = true;
    this.#cancelTimer?.();
    await this.#workers.settled(this.file);
    await this.#sync;
    await this.#part.remove();
    await this.#journal.remove();
  }

  async close(): Promise<void> {
    await this.#end();
    await this.#workers.settled(this.file);
    await this.#part.close();
  }

  /** @throws Failure, also for a sync that failed earlier */
  async #syncAll(): Promise<void> {
    await this.#workers.settled(this.file);
    await this.#syncNow();
  }

  /** As `#syncAll`, but nobody waits for those who read. */
  async #syncNow(): Promise<void> {
    this.#startSync();
    await this.#sync;
    if (this.#syncFailure !== undefined) throw this.#syncFailure;
  }

  #startSync(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#sync = this.#sync.then(async () => {
      this.#policy.syncBegins();
      try {
        await this.#part.sync();
        await this.#journal.sync();
      } catch (error) {
        this.#syncFailure ??= toFailure(error, "disk-error");
        await this.#claimNothing();
      }
    });
  }

  /** After a sync that failed the system goes on showing what may never reach the disk: verifying it would tell nothing. */
  async #claimNothing(): Promise<void> {
    const nothing = new Bitfield(this.#target.manifest.pieces);
    await this.#journal.replace(journalOf(this.#target, nothing, undefined)).catch(() => {});
  }

  async #end(): Promise<void> {
    this.#ended = true;
    this.#cancelTimer?.();
    await this.#sync;
    await this.#journal.close();
  }
}

/** @param clean the part file as it was synced; undefined while it is in use */
export function journalOf(
  { manifest }: DownloadTarget,
  claimed: Bitfield,
  clean: FileIdentity | undefined,
): Journal {
  const { fileId, size } = manifest.summary;
  return { fileId, size, claimed, clean };
}

function copy(bits: Bitfield): Bitfield {
  const fresh = new Bitfield(bits.length);
  for (const index of bits.indices()) fresh.set(index);
  return fresh;
}
