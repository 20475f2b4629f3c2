/**
 * Files of groups and who shares them from which machine.
 *
 * A share counts while its user is a member of the group; a file is listed while one of its shares counts, whoever is
 * online. What counts and what is listed is derived: it follows each change of a share and, through `standingChanged`,
 * each change of membership; `invariants` recomputes it. Files of a deleted group are forgotten.
 *
 * Most groups rest at any time, so that what they share is *unread* after a start: it stays in the store, as nothing has
 * changed it, until somebody asks for it. Reading is the one thing in here that can fail; it then changes nothing.
 */
import { assert } from "../../base/assert.ts";
import { type FileAttributes, fileAttributes } from "../../base/file-attributes.ts";
import type { Digest, FileId, FileName, Fingerprint, Gid, Uid } from "../../base/ids.ts";
import type { FileSummary } from "../../base/manifest.ts";
import type { BodyOf, Claim, Entry } from "../../wire/entry.ts";
import type { RowOf, SharedRow } from "../../wire/state-row.ts";
import { FewRows } from "./few-rows.ts";
import type { Groups } from "./groups.ts";
import { claimOf, stampMs, stampOf } from "./hybrid-time.ts";
import { type Claimed, lastChange, latest, type ShareChange } from "./joins.ts";
import { NameTable, OrderedNames, sortKey } from "./name-table.ts";
import { SortedKeys } from "./sorted-keys.ts";

/** One machine of one user. */
export interface Sharer {
  readonly uid: Uid;
  readonly device: Fingerprint;
}

export interface ShareRow extends Sharer, ShareChange {}

/** The summary and the name of a content: the last that was added while nobody shared it. */
interface Listing extends Claimed, Omit<FileSummary, "fileId"> {
  readonly name: FileName;
  readonly attributes?: FileAttributes;
}

interface FileRow {
  listing: Listing | undefined;
  /** By user and device. */
  readonly shares: FewRows<ShareRow>;
  /** Derived: the shares that count. */
  counting: number;
}

/** What one machine shares or shared in a group. */
interface Machine {
  readonly device: Fingerprint;
  readonly fileIds: SortedKeys;
}

interface GroupFiles {
  readonly rows: Map<FileId, FileRow>;
  /** Derived: the machines of each user. */
  readonly machines: Map<Uid, FewRows<Machine>>;
  /** Derived: the files with a listing and a share that counts. */
  readonly listed: NameTable<FileId>;
}

/** The rows as they were at the start, of one group or of all. */
export type StoredShares = (gid?: Gid) => Iterable<SharedRow>;

export class Shares {
  readonly #groups: Groups;
  /** Of a group that is not in here the store may hold rows. */
  readonly #files = new Map<Gid, GroupFiles>();
  #stored: StoredShares = () => [];

  constructor(groups: Groups) {
    this.#groups = groups;
  }

  // --- what is known ---

  /** Files of the group that are known, listed or not. */
  fileCount(gid: Gid): number {
    return this.#filesOf(gid)?.rows.size ?? 0;
  }

  isListed(gid: Gid, fileId: FileId): boolean {
    return isListed(this.#row(gid, fileId));
  }

  /** Listed or not. */
  file(gid: Gid, fileId: FileId): FileSummary | undefined {
    const listing = this.#row(gid, fileId)?.listing;
    if (listing === undefined) return undefined;
    const { size, sha1, digest } = listing;
    return { fileId, size, sha1, digest };
  }

  /** When the file came to the group; 0 if that is not known. */
  addedMs(gid: Gid, fileId: FileId): number {
    const claim = this.#row(gid, fileId)?.listing?.claim;
    return claim === undefined ? 0 : stampMs(stampOf(claim));
  }

  attributes(gid: Gid, fileId: FileId): FileAttributes | undefined {
    return this.#row(gid, fileId)?.listing?.attributes;
  }

  /** What the file is called now: with a suffix if an earlier listed one has the name. */
  name(gid: Gid, fileId: FileId): FileName | undefined {
    const row = this.#row(gid, fileId);
    if (row?.listing === undefined) return undefined;
    const { name } = row.listing;
    return isListed(row) ? this.#filesOf(gid)?.listed.shown(name, fileId) : name;
  }

  /** Listed files under a bare name, the holder first; or the one that is meant by a name with its suffix. */
  find(gid: Gid, typed: string): FileId[] {
    return this.#filesOf(gid)?.listed.find(typed) ?? [];
  }

  /** Sort keys above `after` of the listed files. */
  listed(gid: Gid, after?: string): Iterable<string> {
    return this.#filesOf(gid)?.listed.index.above(after) ?? [];
  }

  /** Of the piece lists of all files. */
  *digests(): Generator<Digest> {
    for (const row of this.rows()) if (row.kind === "file") yield row.listing.digest;
  }

  share(gid: Gid, fileId: FileId, { uid, device }: Sharer): ShareRow | undefined {
    return this.#row(gid, fileId)?.shares.get(shareKey({ uid, device }));
  }

  /** Whose shares count, online or not. */
  *sharers(gid: Gid, fileId: FileId): Generator<ShareRow> {
    for (const share of this.#row(gid, fileId)?.shares ?? []) {
      if (this.#counts(gid, share)) yield share;
    }
  }

  /**
   * Places (see `parseSharePlace`) above `after` of all shares of a machine, stopped ones too, in the groups of which its
   * user is a member.
   */
  *ofDevice({ uid, device }: Sharer, after = ""): Generator<string> {
    const last = parseSharePlace(after);
    for (const gid of [...this.#groups.ofUser(uid, "member")].sort()) {
      if (gid < last.gid) continue;
      const fileIds = this.#filesOf(gid)?.machines.get(uid)?.get(device)?.fileIds;
      for (const fileId of fileIds?.above(gid === last.gid ? last.fileId : undefined) ?? [])
        yield placeOfShare(gid, fileId as FileId);
    }
  }

  /** The files that a user shares or shared in the group, from whatever machine. */
  *ofUserIn(gid: Gid, uid: Uid): Generator<FileId> {
    for (const { fileIds } of this.#filesOf(gid)?.machines.get(uid) ?? [])
      for (const fileId of fileIds.from()) yield fileId as FileId;
  }

  // --- what happens ---

  /** At start, before anything is shared. */
  leaveUnread(stored: StoredShares): void {
    this.#stored = stored;
  }

  addFile(entry: Entry, body: BodyOf<"file-added">): void {
    const { gid, fileId, name, size, sha1, digest, attributes } = body;
    const claim = claimOf(entry.stamp, entry.key.origin);
    const listing = { claim, name, size, sha1, digest };
    const described =
      attributes === undefined ? listing : { ...listing, attributes: fileAttributes(attributes) };
    this.mergeFile({ kind: "file", gid, fileId, listing: described });
  }

  setShare({ stamp }: Entry, { gid, fileId, uid, device, shared, counter }: BodyOf<"share-set">): void {
    this.mergeShare({ kind: "share", gid, fileId, uid, device, shared, counter, stamp });
  }

  mergeFile({ gid, fileId, listing }: RowOf<"file">): void {
    if (this.#groups.isDeleted(gid)) return;
    const { files, row } = this.#ensure(gid, fileId);
    this.#update(files, fileId, row, () => {
      row.listing = row.listing === undefined ? listing : latest(row.listing, listing);
    });
  }

  mergeShare({ gid, fileId, uid, device, shared, counter, stamp }: RowOf<"share">): void {
    if (this.#groups.isDeleted(gid)) return;
    const { files, row } = this.#ensure(gid, fileId);
    const change = { uid, device, shared, counter, stamp };
    const before = row.shares.get(shareKey(change));
    const share = before === undefined ? change : lastChange(before, change);
    this.#update(files, fileId, row, () => {
      row.shares.put(share);
      row.counting += Number(this.#counts(gid, share)) - Number(this.#counts(gid, before));
    });
    if (before === undefined) indexShare(files, fileId, share);
  }

  /** The user is a member of the group from now on, or no longer. What is unread follows when it is read. */
  standingChanged(gid: Gid, uid: Uid): void {
    const files = this.#files.get(gid);
    if (files === undefined) return;
    for (const fileId of this.ofUserIn(gid, uid)) {
      const row = files.rows.get(fileId);
      if (row === undefined) continue;
      this.#update(files, fileId, row, () => {
        row.counting = this.#countingOf(gid, row);
      });
    }
  }

  groupDeleted(gid: Gid): void {
    this.#files.delete(gid);
  }

  // --- rows ---

  fileRowOf(gid: Gid, fileId: FileId): RowOf<"file"> | undefined {
    const listing = this.#row(gid, fileId)?.listing;
    return listing && { kind: "file", gid, fileId, listing };
  }

  shareRowOf(gid: Gid, fileId: FileId, sharer: Sharer): RowOf<"share"> | undefined {
    const share = this.share(gid, fileId, sharer);
    return share && shareRow(gid, fileId, share);
  }

  /** What is unread stays so. */
  *rows(): Generator<SharedRow> {
    for (const row of this.#stored()) if (this.#isUnread(row.gid)) yield row;
    for (const [gid, files] of this.#files) {
      for (const [fileId, row] of files.rows) {
        if (row.listing !== undefined) yield { kind: "file", gid, fileId, listing: row.listing };
        for (const share of row.shares) yield shareRow(gid, fileId, share);
      }
    }
  }

  // --- checking ---

  invariants(): void {
    for (const [gid, files] of this.#files) {
      files.listed.index.invariants();
      let shares = 0;
      const expected: string[] = [];
      for (const [fileId, row] of files.rows) {
        assert(row.counting === this.#countingOf(gid, row), "counting shares are counted");
        if (row.listing !== undefined && row.counting > 0) expected.push(sortKey(row.listing.name, fileId));
        for (const { uid, device } of row.shares) {
          shares++;
          const isIndexed = files.machines.get(uid)?.get(device)?.fileIds.has(fileId);
          assert(isIndexed === true, "shares of machines");
        }
      }
      assert(
        expected.sort().join() === [...files.listed.index.above(undefined)].join(),
        "listed files are derived",
      );
      const machines = [...files.machines.values()].flatMap((ofUser) => [...ofUser]);
      const indexed = machines.reduce((sum, { fileIds }) => sum + fileIds.size, 0);
      assert(shares === indexed, "shares of machines are shares");
    }
  }

  // --- rows and what derives from them ---

  #row(gid: Gid, fileId: FileId): FileRow | undefined {
    return this.#filesOf(gid)?.rows.get(fileId);
  }

  #isUnread(gid: Gid): boolean {
    return !this.#files.has(gid) && !this.#groups.isDeleted(gid);
  }

  /** @returns undefined for a group that is deleted, or not known and shares nothing */
  #filesOf(gid: Gid): GroupFiles | undefined {
    if (this.#isUnread(gid)) this.#read(gid);
    return this.#files.get(gid);
  }

  #read(gid: Gid): void {
    const rows = [...this.#stored(gid)];
    if (rows.length === 0 && !this.#groups.isKnown(gid)) return;
    this.#files.set(gid, newGroupFiles());
    for (const row of rows) {
      if (row.kind === "file") this.mergeFile(row);
      else this.mergeShare(row);
    }
  }

  #ensure(gid: Gid, fileId: FileId): { files: GroupFiles; row: FileRow } {
    let files = this.#filesOf(gid);
    if (files === undefined) {
      files = newGroupFiles();
      this.#files.set(gid, files);
    }
    let row = files.rows.get(fileId);
    if (row === undefined) {
      row = { listing: undefined, shares: new FewRows<ShareRow>(shareKey), counting: 0 };
      files.rows.set(fileId, row);
    }
    return { files, row };
  }

  #counts(gid: Gid, share: ShareRow | undefined): boolean {
    return share?.shared === true && this.#groups.isMember(gid, share.uid);
  }

  #countingOf(gid: Gid, row: FileRow): number {
    let counting = 0;
    for (const share of row.shares) if (this.#counts(gid, share)) counting++;
    return counting;
  }

  /** The only place where a file enters or leaves the list. */
  #update(files: GroupFiles, fileId: FileId, row: FileRow, change: () => void): void {
    const before = isListed(row) ? row.listing?.name : undefined;
    change();
    const after = isListed(row) ? row.listing?.name : undefined;
    if (before === after) return;
    if (before !== undefined) files.listed.delete(before, fileId);
    if (after !== undefined) files.listed.add(after, fileId);
  }
}

function newGroupFiles(): GroupFiles {
  const rows = new Map<FileId, FileRow>();
  const claimOf = (fileId: FileId) => rows.get(fileId)?.listing?.claim ?? ("" as Claim);
  return { rows, machines: new Map(), listed: new NameTable<FileId>(new OrderedNames(), claimOf) };
}

function indexShare({ machines }: GroupFiles, fileId: FileId, { uid, device }: Sharer): void {
  const ofUser = machines.get(uid) ?? new FewRows(deviceOf);
  machines.set(uid, ofUser);
  const machine = ofUser.get(device) ?? { device, fileIds: new SortedKeys() };
  ofUser.put(machine);
  machine.fileIds.add(fileId);
}

function deviceOf({ device }: Machine): string {
  return device;
}

function isListed(row: FileRow | undefined): boolean {
  return row?.listing !== undefined && row.counting > 0;
}

function shareRow(gid: Gid, fileId: FileId, share: ShareRow): RowOf<"share"> {
  const { uid, device, shared, counter, stamp } = share;
  return { kind: "share", gid, fileId, uid, device, shared, counter, stamp };
}

function shareKey({ uid, device }: Sharer): string {
  return uid + device;
}

/** Where a share stands among those of its machine. */
function placeOfShare(gid: Gid, fileId: FileId): string {
  return `${gid}\n${fileId}`;
}

export function parseSharePlace(place: string): { gid: Gid; fileId: FileId } {
  const [gid = "", fileId = ""] = place.split("\n");
  return { gid: gid as Gid, fileId: fileId as FileId };
}
