/**
 * The files that one logged-in user shares from this machine.
 *
 * Keeps three in step: what the library remembers, what the tracker knows, what the transfer offers. A file is offered
 * only while it is what was hashed; of a content that it shares under several names the transfer serves one path, and another
 * of them when that one ends. When the tracker cannot be told of a change, the library remembers it and
 * `trackerUp`, or the next login, tells it. How a file comes to be shared is the uploader's. Lives from login to logout.
 */
import { Failure, isFailure, toFailure } from "../base/failure.ts";
import type { FileAttributes } from "../base/file-attributes.ts";
import {
  type FileId,
  type FileName,
  type Gid,
  type GroupName,
  type ListingId,
  sameName,
} from "../base/ids.ts";
import { PIECE_BYTES, RESTORES_AT_ONCE_MAX, TIME_MS_MAX } from "../base/limits.ts";
import type { FileSummary, Manifest } from "../base/manifest.ts";
import { forTerminal } from "../base/text.ts";
import type { Offer, TransferEngine } from "../transfer/contract.ts";
import type { PlacedFile } from "../transfer/disk/contract.ts";
import type { FileIdentity } from "../transfer/disk/file-identity.ts";
import type { OwnShare } from "../wire/client-tracker.ts";
import { eachAtOnce } from "./each-at-once.ts";
import type { GroupTest } from "./group-test.ts";
import type { UserLibrary } from "./library-of-user.ts";
import type { ShareRecord } from "./library-rows.ts";
import type { LocalFiles, OpenedFile } from "./local-files.ts";
import type { ManifestShelf } from "./manifest-shelf.ts";
import { isPassing } from "./passing.ts";
import { type Pace, refOf, type ShareCalls } from "./share-calls.ts";
import { planShares, shareKey } from "./share-plan.ts";
import { keyOf, SharedRecords } from "./shared-records.ts";
import type { ClientEvent, ShareView } from "./views.ts";

export interface ShareKeeperDependencies {
  readonly tracker: Pick<ShareCalls, "ownShares" | "publishAndShare" | "share" | "stop">;
  readonly engine: Pick<TransferEngine, "offer" | "withdraw">;
  readonly files: Pick<LocalFiles, "difference" | "open" | "small">;
  readonly manifests: Pick<ManifestShelf, "get" | "kept">;
  readonly library: UserLibrary;
  readonly emit: (event: ClientEvent) => void;
}

/** What something that this machine remembers by its ids is called now. */
export interface Renaming {
  readonly gid: Gid;
  readonly group: GroupName;
  readonly file?: { readonly listingId: ListingId; readonly name: FileName };
}

/** A file that is in its place after a download. */
export interface Downloaded {
  readonly gid: Gid;
  readonly group: GroupName;
  readonly name: FileName;
  readonly listingId: ListingId;
  readonly path: string;
  readonly file: FileSummary;
  /** What lies there, if that is known. */
  readonly placed?: PlacedFile | undefined;
}

/** By what its group is meant, and what is to be shared there. */
type NewShare = Omit<ShareRecord, "gid" | "listingId" | "counter" | "state"> & { readonly gid?: Gid };

/** What goes along with a share. */
interface ShareExtras {
  /** As the file is on the disk; undefined: the tracker knows. */
  readonly attributes?: FileAttributes;
  /** For a tracker that may lack the piece list. */
  readonly manifest?: Manifest | undefined;
  readonly pace: Pace;
}

export class ShareKeeper {
  readonly #tracker: ShareKeeperDependencies["tracker"];
  readonly #engine: ShareKeeperDependencies["engine"];
  readonly #files: ShareKeeperDependencies["files"];
  readonly #manifests: ShareKeeperDependencies["manifests"];
  readonly #library: UserLibrary;
  readonly #emit: (event: ClientEvent) => void;
  #isClosed = false;
  /** What is shared, by group and listing. */
  readonly #shared = new SharedRecords();
  /** Those of them that may be served; the others are being looked at. */
  readonly #offered = new Set<string>();
  /** By group and content: the one of those whose path the transfer serves. */
  readonly #served = new Map<string, string>();
  /** Those of which people know that their piece list is not to be had. */
  readonly #unserved = new Set<string>();
  /** Being shared right now: the tracker may know before this machine has its answer. */
  readonly #sharing = new Set<NewShare>();

  constructor(dependencies: ShareKeeperDependencies) {
    this.#tracker = dependencies.tracker;
    this.#engine = dependencies.engine;
    this.#files = dependencies.files;
    this.#manifests = dependencies.manifests;
    this.#library = dependencies.library;
    this.#emit = dependencies.emit;
    for (const record of this.#library.shares())
      if (record.state === "shared") this.#shared.set(keyOf(record), record);
  }

  views(): ShareView[] {
    return [...this.#shared.values()].map(viewOf);
  }

  has(gid: Gid, listingId: ListingId): boolean {
    return this.#shared.has(shareKey(gid, listingId));
  }

  sharedFrom(path: string): readonly ShareRecord[] {
    return this.#shared.atPath(path);
  }

  /** In whatever group. */
  ofContent(fileId: FileId): readonly ShareRecord[] {
    return this.#shared.ofFile(fileId);
  }

  /** Begins nothing more; what is offered is the transfer's to end. */
  close(): void {
    this.#isClosed = true;
  }

  // --- sharing ---

  /**
   * Tells the tracker of a file that was hashed, and offers it.
   * @param hashed fresh: every piece in this very session. @throws Failure
   */
  async add(
    share: NewShare & { readonly executable: boolean },
    { manifest, fresh }: { readonly manifest: Manifest; readonly fresh: boolean },
    pace: Pace,
  ): Promise<ShareRecord> {
    const { executable, ...rest } = share;
    const record = await this.#share(rest, { attributes: attributesOf(share), manifest, pace });
    this.#offer(record, fresh);
    return record;
  }

  /** The machine becomes a full source of what it has downloaded; the transfer offers it already. */
  async addDownloaded(downloaded: Downloaded): Promise<void> {
    const placed = downloaded.placed ?? (await this.#look(downloaded.path));
    const { gid, group, name, listingId, path, file } = downloaded;
    const share = { gid, group, name, path, file, identity: placed.identity };
    const pace = file.size <= PIECE_BYTES ? "with others" : "at once";
    try {
      this.#servesAlready(await this.#share(share, { attributes: attributesOf(placed), pace }));
    } catch (error) {
      if (!isPassing(error)) throw error;
      const counter = this.#library.nextCounter();
      const record: ShareRecord = { ...share, listingId, counter, state: "shared" };
      this.#remember(record, "at once");
      this.#servesAlready(record);
    }
  }

  async #look(path: string): Promise<OpenedFile> {
    const opened = await this.#files.open(path);
    await opened.close();
    return opened;
  }

  async #share(share: NewShare, { attributes, manifest, pace }: ShareExtras): Promise<ShareRecord> {
    const { name, file } = share;
    const nextCounter = () => this.#library.nextCounter();
    const told = { of: refOf(share), name, file, nextCounter, attributes, pace };
    this.#sharing.add(share);
    try {
      const answer = await (manifest === undefined
        ? this.#tracker.share(told)
        : this.#tracker.publishAndShare(told, manifest));
      const record: ShareRecord = { ...share, ...answer, state: "shared" };
      this.#remember(record, pace);
      return record;
    } finally {
      this.#sharing.delete(share);
    }
  }

  #remember(record: ShareRecord, pace: Pace): void {
    if (pace === "with others") this.#library.putShareSoon(record);
    else this.#library.putShare(record);
    this.#shared.set(keyOf(record), record);
  }

  #offer(record: ShareRecord, fresh: boolean): void {
    if (this.#isClosed) return;
    this.#offered.add(keyOf(record));
    const served = this.#served.get(contentKey(record)) ?? keyOf(record);
    if (served === keyOf(record)) this.#serve(record, fresh);
  }

  #serve(record: ShareRecord, fresh: boolean): void {
    const { gid, file, path, identity } = record;
    this.#served.set(contentKey(record), keyOf(record));
    this.#engine.offer({ gid, file, manifest: () => this.#manifestOf(record), path, identity, fresh });
  }

  #servesAlready(record: ShareRecord): void {
    this.#offered.add(keyOf(record));
    this.#served.set(contentKey(record), keyOf(record));
  }

  /** Another share of the content takes its place. */
  #serveNoMore(record: ShareRecord): void {
    this.#offered.delete(keyOf(record));
    if (this.#served.get(contentKey(record)) !== keyOf(record)) return;
    this.#served.delete(contentKey(record));
    const { gid, file } = record;
    const others = this.#shared.ofFile(file.fileId).filter((each) => this.#offered.has(keyOf(each)));
    const other = others.find((each) => each.gid === gid);
    if (other === undefined) this.#engine.withdraw(gid, file.fileId);
    else this.#serve(other, false);
  }

  // --- ending ---

  /** @throws Failure; the file is shared on then */
  async stop(group: GroupName, name: FileName): Promise<void> {
    const record = this.#named(group, name);
    if (record === undefined)
      throw new Failure(
        "not-shared",
        `this machine shares no file named ${forTerminal(name)} in ${group}; list_files ${group} shows what others share`,
      );
    const counter = this.#library.nextCounter();
    await this.#tracker.stop(refOf(record), record.listingId, counter);
    this.#forget(record, counter);
  }

  /** This user is no longer in that group: nothing is shared there any more. */
  async leaveGroup(isThat: GroupTest): Promise<void> {
    const records = [...this.#shared.values()].filter(isThat);
    // None of them may take the place of another.
    for (const record of records) this.#offered.delete(keyOf(record));
    for (const record of records) this.#serveNoMore(record);
    await eachAtOnce(records, RESTORES_AT_ONCE_MAX, (record) => this.end(record));
  }

  /** The transfer has found that a file is not what it was. Another path may have taken its place since. */
  async broken({ gid, file, path }: Offer, failure: Failure): Promise<void> {
    const broken = this.#shared.ofFile(file.fileId).filter((each) => each.gid === gid && each.path === path);
    for (const record of broken) this.#offered.delete(keyOf(record));
    for (const record of broken) await this.endBroken(record, failure.message);
  }

  /** Those that are served. */
  offered(): readonly ShareRecord[] {
    return [...this.#shared.values()].filter((record) => this.#offered.has(keyOf(record)));
  }

  /** Ends the share of a file that is not what it was. */
  async lookAt(record: ShareRecord): Promise<void> {
    const isCurrent = () => this.#shared.get(keyOf(record)) === record && this.#offered.has(keyOf(record));
    if (!isCurrent()) return;
    const difference = await this.#files.difference(record.path, record.identity);
    if (difference !== undefined && isCurrent()) await this.endBroken(record, difference.message);
  }

  /** Ends the share of a file that is not what it was, and says so. @param why names the path */
  async endBroken(record: ShareRecord, why: string): Promise<void> {
    this.#emit({ kind: "share-broken", share: viewOf(record), why });
    await this.end(record);
  }

  /** Ends a share here at once, and at the tracker as soon as it can be told. */
  async end(record: ShareRecord): Promise<void> {
    const counter = this.#library.nextCounter();
    this.#forget(record, counter);
    // A tracker that cannot be told now is told by `restore`, which goes by the counter.
    await this.#tracker.stop(refOf(record), record.listingId, counter).catch(() => {});
  }

  #forget(record: ShareRecord, counter: number): void {
    this.#serveNoMore(record);
    this.#shared.delete(keyOf(record));
    this.#library.putShare({ ...record, counter, state: "stopped" });
  }

  #named(group: GroupName, name: FileName): ShareRecord | undefined {
    for (const record of this.#shared.values())
      if (sameName(record.group, group) && sameName(record.name, name)) return record;
    return undefined;
  }

  // --- names ---

  /** What the group, or the file if one is named, is called now. */
  renamed({ gid, group, file }: Renaming): void {
    for (const record of this.#shared.values()) {
      if (record.gid === gid)
        this.#call(record, group, record.listingId === file?.listingId ? file.name : record.name);
    }
  }

  #call(record: ShareRecord | undefined, group: GroupName, name: FileName): void {
    if (record === undefined || (record.group === group && record.name === name)) return;
    this.#remember({ ...record, group, name }, "at once");
  }

  // --- coming back ---

  /** Another tracker answers, which may have missed a change, or the same one again. */
  async trackerUp(): Promise<void> {
    try {
      await this.restore();
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }

  /** Holds the library against the tracker and the disk, and offers what still stands. @throws Failure of the tracker */
  async restore(): Promise<void> {
    try {
      await this.#reconcile();
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
  }

  async #reconcile(): Promise<void> {
    const known = await this.#tracker.ownShares();
    if (this.#isClosed) return;
    for (const { gid, group, listingId, name } of known)
      this.#call(this.#shared.get(shareKey(gid, listingId)), group, name);
    const plan = planShares([...this.#shared.values()], known);
    this.#library.learnCounter(plan.counter);
    for (const record of plan.forget) this.#forget(record, record.counter);
    await eachAtOnce(plan.stop, RESTORES_AT_ONCE_MAX, (row) => this.#stopUnknown(row));
    await eachAtOnce(plan.share, RESTORES_AT_ONCE_MAX, (record) => this.#shareAgain(record));
    await eachAtOnce(plan.offer, RESTORES_AT_ONCE_MAX, (record) => this.#offerAgain(record));
  }

  async #stopUnknown({ gid, group, fileId, listingId }: OwnShare): Promise<void> {
    if (this.#shared.has(shareKey(gid, listingId)) || this.#isBeingShared(fileId)) return;
    await this.#tracker.stop({ group, gid }, listingId, this.#library.nextCounter());
  }

  #isBeingShared(fileId: FileId): boolean {
    for (const { file } of this.#sharing) if (file.fileId === fileId) return true;
    return false;
  }

  /** A tracker that is behind learns of the share from the others: it goes on here. */
  async #shareAgain(record: ShareRecord): Promise<void> {
    try {
      const manifest = (await this.#ofSmall(record)) ?? (await this.#manifests.kept(record.file));
      const { gid, group, name, path, file, identity } = record;
      const share = { gid, group, name, path, file, identity };
      const again = await this.#share(share, { manifest, pace: "at once" });
      // A name that it had here only may be another listing there.
      if (keyOf(again) !== keyOf(record)) this.#forget(record, record.counter);
      await this.#offerAgain(again);
    } catch (error) {
      if (isFailure(error) && error.code === "try-later") return this.#offerAgain(record);
      if (isPassing(error)) throw error;
      await this.end(record);
    }
  }

  async #offerAgain(record: ShareRecord): Promise<void> {
    const isCurrent = () => this.#shared.get(keyOf(record))?.counter === record.counter && !this.#isClosed;
    if (this.#offered.has(keyOf(record)) || !isCurrent()) return;
    const difference = await this.#files.difference(record.path, record.identity);
    if (!isCurrent()) return;
    if (difference !== undefined) return this.endBroken(record, difference.message);
    this.#offer(record, false);
  }

  /** The piece list of a small file, made of the file itself while it holds what is shared. */
  async #ofSmall({ file, path }: ShareRecord): Promise<Manifest | undefined> {
    if (file.size > PIECE_BYTES) return undefined;
    const small = await this.#files.small(path);
    return small?.manifest.summary.fileId === file.fileId ? small.manifest : undefined;
  }

  /** Told once: the next piece that somebody asks for is another try. */
  async #manifestOf(record: ShareRecord): Promise<Manifest> {
    const { file, group, name } = record;
    try {
      return (await this.#ofSmall(record)) ?? (await this.#manifests.get(refOf(record), file));
    } catch (error) {
      const message = `${forTerminal(name)} cannot be served in ${group} now: ${toFailure(error).message}`;
      if (!this.#unserved.has(keyOf(record))) this.#emit({ kind: "warning", message });
      this.#unserved.add(keyOf(record));
      throw error;
    }
  }
}

function contentKey({ gid, file }: ShareRecord): string {
  return `${gid} ${file.fileId}`;
}

/** A time before 1970 is none that travels. */
function attributesOf(file: {
  readonly identity: FileIdentity;
  readonly executable: boolean;
}): FileAttributes {
  const modifiedMs = Number(BigInt(file.identity.modifiedNs) / 1_000_000n);
  return { modifiedMs: Math.min(Math.max(0, modifiedMs), TIME_MS_MAX), executable: file.executable };
}

function viewOf({ group, name, path, file }: ShareRecord): ShareView {
  return { group, name, path, size: file.size };
}
