/**
 * From a file that the user wants shared to its share: opened, held against what is shared already, hashed, told.
 *
 * Nothing is hashed that the tracker would refuse or that is known from before, and what is hashed in vain is kept for the
 * next try. What becomes of a share after that is the share keeper's. Lives from login to logout.
 */
import { basename } from "node:path";
import { Failure, isFailure } from "../base/failure.ts";
import { type FileName, type GroupName, nameKey, parseFileName, sameName } from "../base/ids.ts";
import { PIECE_BYTES } from "../base/limits.ts";
import type { FileSummary, Manifest } from "../base/manifest.ts";
import { formatBytes, forTerminal } from "../base/text.ts";
import type { KeptHashing, PieceWorkers, SmallFile } from "../transfer/disk/contract.ts";
import { isSameContent } from "../transfer/disk/file-identity.ts";
import type { HashJournals } from "../transfer/disk/hash-journals.ts";
import { givenUp } from "./given-up.ts";
import type { UserLibrary } from "./library-of-user.ts";
import type { ShareRecord } from "./library-rows.ts";
import type { LocalFiles, OpenedFile } from "./local-files.ts";
import type { ManifestShelf } from "./manifest-shelf.ts";
import type { ShareCalls } from "./share-calls.ts";
import type { ShareKeeper } from "./share-keeper.ts";
import type { HashProgress, UploadResult } from "./views.ts";

export interface UploaderDependencies {
  readonly tracker: Pick<ShareCalls, "find">;
  readonly shares: Pick<ShareKeeper, "add" | "end" | "endBroken" | "ofContent" | "sharedFrom">;
  readonly workers: Pick<PieceWorkers, "hashFile">;
  readonly hashJournals: Pick<HashJournals, "begin">;
  readonly files: Pick<LocalFiles, "difference" | "open" | "small">;
  readonly manifests: Pick<ManifestShelf, "keep" | "kept">;
  readonly library: Pick<UserLibrary, "flush" | "sharesAt">;
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

export class Uploader {
  readonly #tracker: UploaderDependencies["tracker"];
  readonly #shares: UploaderDependencies["shares"];
  readonly #workers: UploaderDependencies["workers"];
  readonly #hashJournals: UploaderDependencies["hashJournals"];
  readonly #files: UploaderDependencies["files"];
  readonly #manifests: UploaderDependencies["manifests"];
  readonly #library: UploaderDependencies["library"];
  readonly #closing = new AbortController();
  /** By what must not be told of twice at a time: the last upload of it that is under way. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(dependencies: UploaderDependencies) {
    this.#tracker = dependencies.tracker;
    this.#shares = dependencies.shares;
    this.#workers = dependencies.workers;
    this.#hashJournals = dependencies.hashJournals;
    this.#files = dependencies.files;
    this.#manifests = dependencies.manifests;
    this.#library = dependencies.library;
  }

  /** Ends what is being hashed. */
  close(): void {
    this.#closing.abort();
  }

  /** Everything that was shared so far is remembered on the disk. @throws Failure */
  settle(): void {
    this.#library.flush();
  }

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

  /** Two files of one content under one name at once would each find that the other does not stand yet. */
  async #uploadHashed(place: UploadPlace, hashed: Hashed): Promise<UploadResult> {
    const key = orderKey(place, hashed.manifest.summary);
    const before = this.#underWay.get(key) ?? Promise.resolve();
    const upload = before.then(() => this.#uploadAlone(place, hashed));
    const settled = upload.then(
      () => {},
      () => {},
    );
    this.#underWay.set(key, settled);
    try {
      return await upload;
    } finally {
      if (this.#underWay.get(key) === settled) this.#underWay.delete(key);
    }
  }

  async #uploadAlone(
    { opened, group, name, isOneOfMany }: UploadPlace,
    hashed: Hashed,
  ): Promise<UploadResult> {
    const { manifest } = hashed;
    const { path, identity, executable } = opened;
    const { sha1, size } = manifest.summary;
    const standing = await this.#standing(group, name, manifest, path);
    if (standing !== undefined) return { name: standing.name, path: standing.path, kept: "path", sha1, size };
    if (!isOneOfMany || size > PIECE_BYTES) await this.#manifests.keep(manifest);
    const share = { group, name, path, file: manifest.summary, identity, executable };
    const pace = isOneOfMany ? "with others" : "at once";
    const record = await this.#shares.add(share, hashed, pace);
    return { name: record.name, path, kept: record.name === name ? undefined : "name", sha1, size };
  }

  /** What the tracker would refuse after the hashing is refused before it. */
  async #refuseEarly(group: GroupName, name: FileName, size: number): Promise<void> {
    const other = await this.#tracker.find(group, name);
    if (other === undefined || other.size === size) return;
    throw new Failure(
      "name-taken",
      `${group} has another file named ${forTerminal(name)} (${formatBytes(other.size)}); to share this one: upload_file <path> ${group} <other name>`,
    );
  }

  #standingSame({ path, identity }: HashedFile, group: GroupName, name: FileName): ShareRecord | undefined {
    for (const record of this.#shares.sharedFrom(path))
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
    for (const record of this.#shares.sharedFrom(path)) {
      if (isSameContent(record.identity, identity)) continue;
      if (sameName(record.group, group)) await this.#shares.end(record);
      else await this.#shares.endBroken(record, `${forTerminal(path)} was changed since it was shared`);
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

  /** The share of this content under that name from another path, if the file there still is what was shared. */
  async #standing(
    group: GroupName,
    name: FileName,
    { summary }: Manifest,
    path: string,
  ): Promise<ShareRecord | undefined> {
    for (const record of this.#shares.ofContent(summary.fileId)) {
      const isAsked = sameName(record.group, group) && sameName(record.name, name);
      if (!isAsked || record.path === path) continue;
      if ((await this.#files.difference(record.path, record.identity)) === undefined) return record;
    }
    return undefined;
  }
}

/** A large content is told of under one name after the other: its piece list goes to the tracker with the first. */
function orderKey({ group, name }: UploadPlace, { fileId, size }: FileSummary): string {
  return size > PIECE_BYTES ? fileId : `${fileId} ${nameKey(group)} ${nameKey(name)}`;
}

function resultOf({ name, path, file }: ShareRecord, kept: UploadResult["kept"]): UploadResult {
  return { name, path, kept, sha1: file.sha1, size: file.size };
}

/** The name that a file has on this disk, if a shared one may be called so. */
function ownName(path: string): FileName {
  const name = parseFileName(basename(path));
  if (!(name instanceof Failure)) return name;
  throw new Failure(name.code, `${name.message}; give another name: upload_file <path> <group> <other name>`);
}
