/**
 * The files that one logged-in user shares from this machine.
 *
 * Keeps three in step: what the library remembers, what the tracker knows, what the transfer offers. A file is offered
 * only while it is what was hashed. When the tracker cannot be told of a change, the library remembers it and
 * `trackerUp`, or the next login, tells it. Lives from login to logout.
 */
import { basename } from "node:path";
import { Failure, isFailure, toFailure } from "../base/failure.ts";
import type { FileAttributes } from "../base/file-attributes.ts";
import {
  type FileId,
  type FileName,
  type Gid,
  type GroupName,
  nameKey,
  parseFileName,
  type RequestId,
} from "../base/ids.ts";
import {
  BLOB_PART_BYTES,
  BLOB_TRIES_MAX,
  PIECE_BYTES,
  RESTORES_AT_ONCE_MAX,
  TIME_MS_MAX,
} from "../base/limits.ts";
import type { FileSummary, Manifest } from "../base/manifest.ts";
import { formatBytes, forTerminal } from "../base/text.ts";
import type { Offer, TransferEngine } from "../transfer/contract.ts";
import type { KeptHashing, PieceWorkers, SmallFile } from "../transfer/disk/contract.ts";
import { isSameContent } from "../transfer/disk/file-identity.ts";
import type { HashJournals } from "../transfer/disk/hash-journals.ts";
import type { OwnShare } from "../wire/client-tracker.ts";
import type { GroupRef } from "./blob-transfer.ts";
import { eachAtOnce } from "./each-at-once.ts";
import { givenUp } from "./given-up.ts";
import type { UserLibrary } from "./library-of-user.ts";
import type { ShareRecord } from "./library-rows.ts";
import type { LocalFiles, OpenedFile } from "./local-files.ts";
import type { ManifestShelf } from "./manifest-shelf.ts";
import { allPages } from "./pages.ts";
import { isPassing } from "./passing.ts";
import { ShareBatches } from "./share-batches.ts";
import { planShares, shareKey } from "./share-plan.ts";
import { keyOf, SharedRecords } from "./shared-records.ts";
import type { TrackerCalls } from "./tracker-link.ts";
import type { ClientEvent, HashProgress, ShareView, UploadResult } from "./views.ts";

export interface ShareKeeperDependencies {
  readonly calls: TrackerCalls;
  readonly engine: Pick<TransferEngine, "offer" | "withdraw">;
  readonly workers: Pick<PieceWorkers, "hashFile">;
  readonly hashJournals: Pick<HashJournals, "begin">;
  readonly files: LocalFiles;
  readonly manifests: Pick<ManifestShelf, "kept" | "get" | "keep" | "publish">;
  readonly library: UserLibrary;
  readonly newRequestId: () => RequestId;
  readonly emit: (event: ClientEvent) => void;
}

export interface Upload {
  /** As typed. */
  readonly path: string;
  readonly group: GroupName;
  /** undefined: the file's own. */
  readonly name: FileName | undefined;
  readonly progress: (at: HashProgress) => void;
  /** Gives it up. */
  readonly signal?: AbortSignal | undefined;
  /** Of a folder: what stands just so is left as it is, and the tracker is asked nothing that its answer to the share tells. */
  readonly isOneOfMany?: boolean;
}

/** What something that this machine remembers by its ids is called now. */
export interface Renaming {
  readonly gid: Gid;
  readonly group: GroupName;
  readonly file?: { readonly fileId: FileId; readonly name: FileName };
}

/** A file that is in its place after a download. */
export interface Downloaded {
  readonly gid: Gid;
  readonly group: GroupName;
  readonly name: FileName;
  readonly path: string;
  readonly file: FileSummary;
}

/** What of a file on the disk is told of its share. */
type HashedFile = Pick<OpenedFile, "path" | "identity" | "executable">;

interface UploadPlace<File extends HashedFile = HashedFile> {
  readonly isOneOfMany: boolean;
  readonly opened: File;
  readonly group: GroupName;
  readonly name: FileName;
}

interface Hashed {
  readonly manifest: Manifest;
  /** Every piece was hashed in this very session. */
  readonly fresh: boolean;
}

/** By what its group is meant, and what is to be shared there. */
type NewShare = Omit<ShareRecord, "gid" | "counter" | "state"> & { readonly gid?: Gid };

/** What goes along with a share. */
interface ShareExtras {
  readonly attributes?: FileAttributes | undefined;
  readonly pieceList?: Uint8Array | undefined;
  /** Remembered with others in one step. */
  readonly isOneOfMany?: boolean;
}

export class ShareKeeper {
  readonly #calls: TrackerCalls;
  readonly #batches: ShareBatches;
  readonly #engine: ShareKeeperDependencies["engine"];
  readonly #workers: ShareKeeperDependencies["workers"];
  readonly #hashJournals: ShareKeeperDependencies["hashJournals"];
  readonly #files: LocalFiles;
  readonly #manifests: ShareKeeperDependencies["manifests"];
  readonly #library: UserLibrary;
  readonly #newRequestId: () => RequestId;
  readonly #emit: (event: ClientEvent) => void;
  readonly #closing = new AbortController();
  /** What is shared, by group and file. */
  readonly #shared = new SharedRecords();
  /** Those of them that the transfer offers; the others are being looked at. */
  readonly #offered = new Set<string>();
  /** Those of which people know that their piece list is not to be had. */
  readonly #unserved = new Set<string>();
  /** Being shared right now: the tracker may know before this machine has its answer. */
  readonly #sharing = new Set<FileId>();
  /** By content: the last upload of it that is under way. */
  readonly #uploading = new Map<FileId, Promise<void>>();

  constructor(dependencies: ShareKeeperDependencies) {
    this.#calls = dependencies.calls;
    this.#batches = new ShareBatches(dependencies.calls);
    this.#engine = dependencies.engine;
    this.#workers = dependencies.workers;
    this.#hashJournals = dependencies.hashJournals;
    this.#files = dependencies.files;
    this.#manifests = dependencies.manifests;
    this.#library = dependencies.library;
    this.#newRequestId = dependencies.newRequestId;
    this.#emit = dependencies.emit;
    for (const record of this.#library.shares())
      if (record.state === "shared") this.#shared.set(keyOf(record), record);
  }

  views(): ShareView[] {
    return [...this.#shared.values()].map(viewOf);
  }

  has(gid: Gid, fileId: FileId): boolean {
    return this.#shared.has(shareKey(gid, fileId));
  }

  /** Begins nothing more; what is offered is the transfer's to end. */
  close(): void {
    this.#closing.abort();
  }

  // --- sharing ---

  /** Resolves once the tracker knows and the file is offered. @throws Failure */
  async upload({
    path,
    group,
    name: typed,
    progress,
    signal,
    isOneOfMany = false,
  }: Upload): Promise<UploadResult> {
    const small = isOneOfMany ? await this.#files.small(path) : undefined;
    if (small !== undefined) return this.#uploadSmall(small, group, typed ?? ownName(path));
    const opened = await this.#files.open(path);
    try {
      const name = typed ?? ownName(opened.path);
      await this.#stopOutdated(opened, group);
      const same = isOneOfMany ? this.#standingSame(opened, group, name) : undefined;
      if (same !== undefined) return resultOf(same, "same");
      if (!isOneOfMany || opened.identity.size > PIECE_BYTES)
        await this.#refuseEarly(group, name, opened.identity.size);
      const known = await this.#knownManifest(opened);
      const place = { opened, group, name, isOneOfMany };
      if (known !== undefined) return await this.#uploadHashed(place, { manifest: known, fresh: false });
      return await this.#hashAndUpload(place, progress, signal);
    } finally {
      await opened.close();
    }
  }

  /** Its piece list is made of it again when it is needed: that costs less than keeping it. */
  async #uploadSmall({ manifest, ...opened }: SmallFile, group: GroupName, name: FileName) {
    await this.#stopOutdated(opened, group);
    const same = this.#standingSame(opened, group, name);
    if (same !== undefined) return resultOf(same, "same");
    return this.#uploadHashed({ opened, group, name, isOneOfMany: true }, { manifest, fresh: true });
  }

  /** What is hashed when it is interrupted, or when the tracker cannot be told, is kept for the next try. */
  async #hashAndUpload(
    place: UploadPlace<OpenedFile>,
    progress: Upload["progress"],
    signal: AbortSignal | undefined,
  ): Promise<UploadResult> {
    const kept = await this.#hashJournals.begin(place.opened.identity);
    try {
      const manifest = await this.#hash(place, progress, kept, signal);
      // Nobody knows what came over the rows of an earlier run: such pieces are verified when they are first read.
      const result = await this.#uploadHashed(place, { manifest, fresh: kept.rows.length === 0 });
      await kept.remove();
      return result;
    } catch (error) {
      const isOver = isFailure(error) && error.code === "file-changed";
      await (isOver ? kept.remove() : kept.close());
      throw error;
    }
  }

  /** Two files of one content at once would each find that the other does not stand yet. */
  async #uploadHashed(place: UploadPlace, hashed: Hashed): Promise<UploadResult> {
    const { fileId } = hashed.manifest.summary;
    const before = this.#uploading.get(fileId) ?? Promise.resolve();
    const upload = before.then(() => this.#uploadAlone(place, hashed));
    const settled = upload.then(
      () => {},
      () => {},
    );
    this.#uploading.set(fileId, settled);
    try {
      return await upload;
    } finally {
      if (this.#uploading.get(fileId) === settled) this.#uploading.delete(fileId);
    }
  }

  async #uploadAlone(
    { opened, group, name, isOneOfMany }: UploadPlace,
    { manifest, fresh }: Hashed,
  ): Promise<UploadResult> {
    const { path, identity } = opened;
    const { sha1, size } = manifest.summary;
    const standing = await this.#standing(group, manifest, path);
    if (standing !== undefined) return { name: standing.name, path: standing.path, kept: "path", sha1, size };
    if (!isOneOfMany || size > PIECE_BYTES) await this.#manifests.keep(manifest);
    const share = { group, name, path, file: manifest.summary, identity };
    const record = await this.#publishAndShare(share, manifest, attributesOf(opened), isOneOfMany);
    this.#offer(record, fresh);
    return { name: record.name, path, kept: record.name === name ? undefined : "name", sha1, size };
  }

  /** The machine becomes a full source of what it has downloaded; the transfer offers it already. */
  async addDownloaded(downloaded: Downloaded): Promise<void> {
    const { gid, ...rest } = downloaded;
    const opened = await this.#look(downloaded.path);
    const { identity } = opened;
    try {
      const isOneOfMany = rest.file.size <= PIECE_BYTES;
      const record = await this.#share(
        { gid, ...rest, identity },
        { attributes: attributesOf(opened), isOneOfMany },
      );
      this.#offered.add(keyOf(record));
    } catch (error) {
      if (!isPassing(error)) throw error;
      const counter = this.#library.nextCounter();
      const record: ShareRecord = { gid, ...rest, identity, counter, state: "shared" };
      this.#remember(record);
      this.#offered.add(keyOf(record));
    }
  }

  async #look(path: string): Promise<OpenedFile> {
    const opened = await this.#files.open(path);
    await opened.close();
    return opened;
  }

  /** What the tracker would refuse after the hashing is refused before it. */
  async #refuseEarly(group: GroupName, name: FileName, size: number): Promise<void> {
    const other = await this.#find(group, name);
    if (other === undefined || other.size === size) return;
    throw new Failure(
      "name-taken",
      `${group} has another file named ${forTerminal(name)} (${formatBytes(other.size)}); to share this one: upload_file <path> ${group} <other name>`,
    );
  }

  async #find(group: GroupName, name: FileName): Promise<FileSummary | undefined> {
    try {
      return (await this.#calls.call("find_file", { group, name })).result.file;
    } catch (error) {
      if (isFailure(error) && error.code === "unknown-file") return undefined;
      throw error;
    }
  }

  #standingSame({ path, identity }: HashedFile, group: GroupName, name: FileName): ShareRecord | undefined {
    for (const record of this.#shared.atPath(path))
      if (
        sameName(record.group, group) &&
        sameName(record.name, name) &&
        isSameContent(record.identity, identity)
      )
        return record;
    return undefined;
  }

  /** What was shared from this path and is not in it any more gives its name free. */
  async #stopOutdated({ path, identity }: HashedFile, group: GroupName): Promise<void> {
    for (const record of this.#shared.atPath(path)) {
      if (isSameContent(record.identity, identity)) continue;
      if (sameName(record.group, group)) await this.#end(record);
      else await this.#endBroken(record, `${forTerminal(path)} was changed since it was shared`);
    }
  }

  /** The piece list, if this very file was hashed before and has not changed since. */
  async #knownManifest({ path, identity }: OpenedFile): Promise<Manifest | undefined> {
    const record = this.#library.sharesAt(path).find((each) => isSameContent(each.identity, identity));
    return record === undefined ? undefined : this.#manifests.kept(record.file);
  }

  async #hash(
    { opened, name }: UploadPlace<OpenedFile>,
    progress: Upload["progress"],
    kept: KeptHashing,
    givingUp: AbortSignal | undefined,
  ): Promise<Manifest> {
    const total = opened.identity.size;
    const sink = (doneBytes: number) => progress({ name, doneBytes, total });
    const closing = this.#closing.signal;
    const signal = givingUp === undefined ? closing : AbortSignal.any([closing, givingUp]);
    const manifest = await this.#workers.hashFile(opened.descriptor, total, sink, signal, kept);
    const difference = await opened.unchanged();
    if (difference !== undefined) throw difference;
    if (givingUp?.aborted) throw givenUp();
    return manifest;
  }

  /** The share of this content in that group from another path, if the file there still is what was shared. */
  async #standing(group: GroupName, { summary }: Manifest, path: string): Promise<ShareRecord | undefined> {
    for (const record of this.#shared.ofFile(summary.fileId)) {
      if (!sameName(record.group, group) || record.path === path) continue;
      if ((await this.#files.difference(record.path, record.identity)) === undefined) return record;
    }
    return undefined;
  }

  /** Another tracker may answer between the two, which has not got the list. */
  async #publishAndShare(
    share: NewShare,
    manifest: Manifest,
    attributes?: FileAttributes,
    isOneOfMany = false,
  ): Promise<ShareRecord> {
    const fits = manifest.rows.length <= BLOB_PART_BYTES;
    for (let tries = 1; ; tries++) {
      // An older tracker takes no list with a share, and says so.
      if (!fits || tries > 1) await this.#manifests.publish(refOf(share), manifest);
      try {
        const pieceList = fits ? manifest.rows : undefined;
        return await this.#share(share, { attributes, pieceList, isOneOfMany });
      } catch (error) {
        const isLacking = isFailure(error) && error.code === "no-piece-list";
        if (!isLacking || tries === BLOB_TRIES_MAX) throw error;
      }
    }
  }

  async #share(
    share: NewShare,
    { attributes, pieceList, isOneOfMany = false }: ShareExtras = {},
  ): Promise<ShareRecord> {
    const { name, file } = share;
    const counter = this.#library.nextCounter();
    const id = this.#newRequestId();
    this.#sharing.add(file.fileId);
    try {
      const described = attributes === undefined ? {} : { attributes };
      const told = { id, name, file, counter, ...described };
      const isSmall = isOneOfMany && file.size <= PIECE_BYTES;
      const result = isSmall
        ? await this.#batches.share(refOf(share), told, pieceList)
        : (await this.#calls.call("share", { ...refOf(share), ...told }, pieceList)).result;
      const record: ShareRecord = { ...share, gid: result.gid, name: result.name, counter, state: "shared" };
      if (isOneOfMany) this.#library.putShareSoon(record);
      else this.#library.putShare(record);
      this.#shared.set(keyOf(record), record);
      return record;
    } finally {
      this.#sharing.delete(file.fileId);
    }
  }

  #remember(record: ShareRecord): void {
    this.#library.putShare(record);
    this.#shared.set(keyOf(record), record);
  }

  #offer(record: ShareRecord, fresh: boolean): void {
    if (this.#closing.signal.aborted) return;
    const { gid, file, path, identity } = record;
    this.#engine.offer({ gid, file, manifest: () => this.#manifestOf(record), path, identity, fresh });
    this.#offered.add(keyOf(record));
  }

  /** Everything that was shared so far is remembered on the disk. @throws Failure */
  settle(): void {
    this.#library.flush();
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
    await this.#tellStopped(refOf(record), record.file.fileId, counter);
    this.#forget(record, counter);
  }

  /** This user is no longer in that group: nothing is shared there any more. */
  async leaveGroup(isThat: (share: { gid: Gid; group: GroupName }) => boolean): Promise<void> {
    const records = [...this.#shared.values()].filter(isThat);
    await eachAtOnce(records, RESTORES_AT_ONCE_MAX, (record) => this.#end(record));
  }

  /** The transfer has found that a file is not what it was. Another path may have taken its place since. */
  async broken({ gid, file, path }: Offer, failure: Failure): Promise<void> {
    const record = this.#shared.get(shareKey(gid, file.fileId));
    if (record?.path === path) await this.#endBroken(record, failure.message);
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
    if (difference !== undefined && isCurrent()) await this.#endBroken(record, difference.message);
  }

  /** @param why names the path */
  async #endBroken(record: ShareRecord, why: string): Promise<void> {
    this.#emit({ kind: "share-broken", share: viewOf(record), why });
    await this.#end(record);
  }

  /** Ends a share here at once, and at the tracker as soon as it can be told. */
  async #end(record: ShareRecord): Promise<void> {
    const counter = this.#library.nextCounter();
    this.#forget(record, counter);
    // A tracker that cannot be told now is told by `restore`, which goes by the counter.
    await this.#tellStopped(refOf(record), record.file.fileId, counter).catch(() => {});
  }

  async #tellStopped(group: GroupRef, fileId: FileId, counter: number): Promise<void> {
    const id = this.#newRequestId();
    try {
      await this.#calls.call("stop_share", { id, ...group, fileId, counter });
    } catch (error) {
      if (!isFailure(error) || !ENDED_ALREADY.has(error.code)) throw error;
    }
  }

  #forget(record: ShareRecord, counter: number): void {
    const key = keyOf(record);
    if (this.#offered.delete(key)) this.#engine.withdraw(record.gid, record.file.fileId);
    this.#shared.delete(key);
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
        this.#call(record, group, record.file.fileId === file?.fileId ? file.name : record.name);
    }
  }

  #call(record: ShareRecord | undefined, group: GroupName, name: FileName): void {
    if (record === undefined || (record.group === group && record.name === name)) return;
    this.#remember({ ...record, group, name });
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
      if (!this.#closing.signal.aborted) throw error;
    }
  }

  async #reconcile(): Promise<void> {
    const known = await allPages((page) => this.#calls.call("own_shares", page));
    if (this.#closing.signal.aborted) return;
    for (const { gid, group, fileId, name } of known)
      this.#call(this.#shared.get(shareKey(gid, fileId)), group, name);
    const plan = planShares([...this.#shared.values()], known);
    this.#library.learnCounter(plan.counter);
    for (const record of plan.forget) this.#forget(record, record.counter);
    await eachAtOnce(plan.stop, RESTORES_AT_ONCE_MAX, (row) => this.#stopUnknown(row));
    await eachAtOnce(plan.share, RESTORES_AT_ONCE_MAX, (record) => this.#shareAgain(record));
    await eachAtOnce(plan.offer, RESTORES_AT_ONCE_MAX, (record) => this.#offerAgain(record));
  }

  async #stopUnknown({ gid, group, fileId }: OwnShare): Promise<void> {
    if (this.#shared.has(shareKey(gid, fileId)) || this.#sharing.has(fileId)) return;
    await this.#tellStopped({ group, gid }, fileId, this.#library.nextCounter());
  }

  /** A tracker that is behind learns of the share from the others: it goes on here. */
  async #shareAgain(record: ShareRecord): Promise<void> {
    try {
      const manifest = (await this.#ofSmall(record)) ?? (await this.#manifests.kept(record.file));
      const { gid, group, name, path, file, identity } = record;
      const share = { gid, group, name, path, file, identity };
      await this.#offerAgain(
        await (manifest === undefined ? this.#share(share) : this.#publishAndShare(share, manifest)),
      );
    } catch (error) {
      if (isFailure(error) && error.code === "try-later") return this.#offerAgain(record);
      if (isPassing(error)) throw error;
      await this.#end(record);
    }
  }

  async #offerAgain(record: ShareRecord): Promise<void> {
    const isCurrent = () =>
      this.#shared.get(keyOf(record))?.counter === record.counter && !this.#closing.signal.aborted;
    if (this.#offered.has(keyOf(record)) || !isCurrent()) return;
    const difference = await this.#files.difference(record.path, record.identity);
    if (!isCurrent()) return;
    if (difference !== undefined) return this.#endBroken(record, difference.message);
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

function refOf({ group, gid }: { readonly group: GroupName; readonly gid?: Gid }): GroupRef {
  return gid === undefined ? { group } : { group, gid };
}

/** What a tracker answers when there is nothing left to stop. */
const ENDED_ALREADY: ReadonlySet<string> = new Set([
  "not-shared",
  "unknown-group",
  "not-member",
  "unknown-file",
]);

function resultOf({ name, path, file }: ShareRecord, kept: UploadResult["kept"]): UploadResult {
  return { name, path, kept, sha1: file.sha1, size: file.size };
}

/** A time before 1970 is none that travels. */
function attributesOf({ identity, executable }: HashedFile): FileAttributes {
  const modifiedMs = Number(BigInt(identity.modifiedNs) / 1_000_000n);
  return { modifiedMs: Math.min(Math.max(0, modifiedMs), TIME_MS_MAX), executable };
}

function viewOf({ group, name, path, file }: ShareRecord): ShareView {
  return { group, name, path, size: file.size };
}

function sameName(left: string, right: string): boolean {
  return nameKey(left) === nameKey(right);
}

/** The name that a file has on this disk, if a shared one may be called so. */
function ownName(path: string): FileName {
  const name = parseFileName(basename(path));
  if (!(name instanceof Failure)) return name;
  throw new Failure(name.code, `${name.message}; give another name: upload_file <path> <group> <other name>`);
}
