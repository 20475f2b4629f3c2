/**
 * Files of groups and who shares them from which machine.
 *
 * What is listed is a content under a name; a content may have several names, and each has its own shares.
 * A share counts while its user is a member of the group; a file is listed while one of its shares counts, whoever is
 * online. What counts and what is listed is derived: it follows each change of a share and, through `standingChanged`,
 * each change of membership; `invariants` recomputes it. Files of a deleted group are forgotten.
 *
 * Most groups rest at any time, so that what they share is *unread* after a start: it stays in the store, as nothing has
 * changed it, until somebody asks for it. Reading is the one thing in here that can fail; it then changes nothing.
 */
import { assert } from "../../base/assert.ts";
import { type FileAttributes, fileAttributes } from "../../base/file-attributes.ts";
import type { Digest, FileId, FileName, Fingerprint, Gid, ListingId, Uid } from "../../base/ids.ts";
import { listingOf, listingRef } from "../../base/listing-id.ts";
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

export interface ShareRow extends Sharer, ShareChange {
  readonly fileId: FileId;
}

/** The summary and the name: the last that was added while nobody shared it. */
interface Listing extends Claimed, FileSummary {
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
  readonly listingIds: SortedKeys;
}

interface GroupFiles {
  readonly rows: Map<ListingId, FileRow>;
  /** Derived: by what they list or share, the rows where that may be found. */
  readonly contents: Map<FileId, Set<ListingId>>;
  /** Derived: the machines of each user. */
  readonly machines: Map<Uid, FewRows<Machine>>;
  /** Derived: the files with a listing and a share that counts. */
  readonly listed: NameTable<ListingId>;
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

  isListed(gid: Gid, listingId: ListingId): boolean {
    return isListed(this.#row(gid, listingId));
  }

  /** Listed or not. */
  file(gid: Gid, listingId: ListingId): FileSummary | undefined {
    const listing = this.#row(gid, listingId)?.listing;
    if (listing === undefined) return undefined;
    const { fileId, size, sha1, digest } = listing;
    return { fileId, size, sha1, digest };
  }

  /** Under whatever name, listed or not. */
  *ofContent(gid: Gid, fileId: FileId): Generator<ListingId> {
    for (const listingId of this.#filesOf(gid)?.contents.get(fileId) ?? [])
      if (this.#row(gid, listingId)?.listing?.fileId === fileId) yield listingId;
  }

  /** When the file came to the group; 0 if that is not known. */
  addedMs(gid: Gid, listingId: ListingId): number {
    const claim = this.#row(gid, listingId)?.listing?.claim;
    return claim === undefined ? 0 : stampMs(stampOf(claim));
  }

  attributes(gid: Gid, listingId: ListingId): FileAttributes | undefined {
    return this.#row(gid, listingId)?.listing?.attributes;
  }

  /** What the file is called now: with a suffix if an earlier listed one has the name. */
  name(gid: Gid, listingId: ListingId): FileName | undefined {
    const row = this.#row(gid, listingId);
    if (row?.listing === undefined) return undefined;
    const { name } = row.listing;
    return isListed(row) ? this.#filesOf(gid)?.listed.shown(name, listingId) : name;
  }

  /** Listed files under a bare name, the holder first; or the one that is meant by a name with its suffix. */
  find(gid: Gid, typed: string): ListingId[] {
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

  share(gid: Gid, listingId: ListingId, { uid, device }: Sharer): ShareRow | undefined {
    return this.#row(gid, listingId)?.shares.get(shareKey({ uid, device }));
  }

  /** Whose shares of the content count, under whatever name: several of a machine that shares it under several. */
  *sharersOfContent(gid: Gid, fileId: FileId): Generator<ShareRow> {
    for (const listingId of this.#filesOf(gid)?.contents.get(fileId) ?? [])
      for (const share of this.sharers(gid, listingId)) if (share.fileId === fileId) yield share;
  }

  /** Whether that machine shares the content, under whatever name. */
  sharesContent(gid: Gid, fileId: FileId, by: Sharer): boolean {
    for (const listingId of this.#filesOf(gid)?.contents.get(fileId) ?? []) {
      const share = this.share(gid, listingId, by);
      if (share?.shared === true && share.fileId === fileId) return true;
    }
    return false;
  }

  /** Whose shares count, online or not. */
  *sharers(gid: Gid, listingId: ListingId): Generator<ShareRow> {
    for (const share of this.#row(gid, listingId)?.shares ?? []) {
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
      const listingIds = this.#filesOf(gid)?.machines.get(uid)?.get(device)?.listingIds;
      for (const listingId of listingIds?.above(gid === last.gid ? last.listingId : undefined) ?? [])
        yield placeOfShare(gid, listingId as ListingId);
    }
  }

  /** The files that a user shares or shared in the group, from whatever machine. */
  *ofUserIn(gid: Gid, uid: Uid): Generator<ListingId> {
    for (const { listingIds } of this.#filesOf(gid)?.machines.get(uid) ?? [])
      for (const listingId of listingIds.from()) yield listingId as ListingId;
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
    this.mergeFile({ kind: "file", gid, ...listingRef(fileId, listingOf(body)), listing: described });
  }

  setShare({ stamp }: Entry, body: BodyOf<"share-set">): void {
    const { gid, fileId, uid, device, shared, counter } = body;
    const ref = listingRef(fileId, listingOf(body));
    this.mergeShare({ kind: "share", gid, ...ref, uid, device, shared, counter, stamp });
  }

  mergeFile(given: RowOf<"file">): void {
    const { gid, fileId } = given;
    if (this.#groups.isDeleted(gid)) return;
    const listingId = listingOf(given);
    const listing = { ...given.listing, fileId };
    const { files, row } = this.#ensure(gid, listingId);
    indexContent(files, fileId, listingId);
    this.#update(files, listingId, row, () => {
      row.listing = row.listing === undefined ? listing : latest(row.listing, listing);
    });
  }

  mergeShare(given: RowOf<"share">): void {
    const { gid, fileId, uid, device, shared, counter, stamp } = given;
    if (this.#groups.isDeleted(gid)) return;
    const listingId = listingOf(given);
    const { files, row } = this.#ensure(gid, listingId);
    indexContent(files, fileId, listingId);
    const change = { uid, device, fileId, shared, counter, stamp };
    const before = row.shares.get(shareKey(change));
    const share = before === undefined ? change : lastChange(before, change);
    this.#update(files, listingId, row, () => {
      row.shares.put(share);
      row.counting += Number(this.#counts(gid, share)) - Number(this.#counts(gid, before));
    });
    if (before === undefined) indexShare(files, listingId, share);
  }

  /** The user is a member of the group from now on, or no longer. What is unread follows when it is read. */
  standingChanged(gid: Gid, uid: Uid): void {
    const files = this.#files.get(gid);
    if (files === undefined) return;
    for (const listingId of this.ofUserIn(gid, uid)) {
      const row = files.rows.get(listingId);
      if (row === undefined) continue;
      this.#update(files, listingId, row, () => {
        row.counting = this.#countingOf(gid, row);
      });
    }
  }

  groupDeleted(gid: Gid): void {
    this.#files.delete(gid);
  }

  // --- rows ---

  fileRowOf(gid: Gid, listingId: ListingId): RowOf<"file"> | undefined {
    const listing = this.#row(gid, listingId)?.listing;
    return listing && fileRow(gid, listingId, listing);
  }

  shareRowOf(gid: Gid, listingId: ListingId, sharer: Sharer): RowOf<"share"> | undefined {
    const share = this.share(gid, listingId, sharer);
    return share && shareRow(gid, listingId, share);
  }

  /** What is unread stays so. */
  *rows(): Generator<SharedRow> {
    for (const row of this.#stored()) if (this.#isUnread(row.gid)) yield row;
    for (const [gid, files] of this.#files) {
      for (const [listingId, row] of files.rows) {
        if (row.listing !== undefined) yield fileRow(gid, listingId, row.listing);
        for (const share of row.shares) yield shareRow(gid, listingId, share);
      }
    }
  }

  // --- checking ---

  invariants(): void {
    for (const [gid, files] of this.#files) {
      files.listed.index.invariants();
      let shares = 0;
      const expected: string[] = [];
      for (const [listingId, row] of files.rows) {
        const contents = [row.listing, ...row.shares].flatMap((each) => each?.fileId ?? []);
        const isFound = contents.every((fileId) => files.contents.get(fileId)?.has(listingId) === true);
        assert(isFound, "listings are found by their content");
        assert(row.counting === this.#countingOf(gid, row), "counting shares are counted");
        if (row.listing !== undefined && row.counting > 0)
          expected.push(sortKey(row.listing.name, listingId));
        for (const { uid, device } of row.shares) {
          shares++;
          const isIndexed = files.machines.get(uid)?.get(device)?.listingIds.has(listingId);
          assert(isIndexed === true, "shares of machines");
        }
      }
      assert(
        expected.sort().join() === [...files.listed.index.above(undefined)].join(),
        "listed files are derived",
      );
      const machines = [...files.machines.values()].flatMap((ofUser) => [...ofUser]);
      const indexed = machines.reduce((sum, { listingIds }) => sum + listingIds.size, 0);
      assert(shares === indexed, "shares of machines are shares");
    }
  }

  // --- rows and what derives from them ---

  #row(gid: Gid, listingId: ListingId): FileRow | undefined {
    return this.#filesOf(gid)?.rows.get(listingId);
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

  #ensure(gid: Gid, listingId: ListingId): { files: GroupFiles; row: FileRow } {
    let files = this.#filesOf(gid);
    if (files === undefined) {
      files = newGroupFiles();
      this.#files.set(gid, files);
    }
    let row = files.rows.get(listingId);
    if (row === undefined) {
      row = { listing: undefined, shares: new FewRows<ShareRow>(shareKey), counting: 0 };
      files.rows.set(listingId, row);
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
  #update(files: GroupFiles, listingId: ListingId, row: FileRow, change: () => void): void {
    const before = isListed(row) ? row.listing?.name : undefined;
    change();
    const after = isListed(row) ? row.listing?.name : undefined;
    if (before === after) return;
    if (before !== undefined) files.listed.delete(before, listingId);
    if (after !== undefined) files.listed.add(after, listingId);
  }
}

function newGroupFiles(): GroupFiles {
  const rows = new Map<ListingId, FileRow>();
  const claimOf = (listingId: ListingId) => rows.get(listingId)?.listing?.claim ?? ("" as Claim);
  return {
    rows,
    contents: new Map(),
    machines: new Map(),
    listed: new NameTable<ListingId>(new OrderedNames(), claimOf),
  };
}

function indexShare({ machines }: GroupFiles, listingId: ListingId, { uid, device }: Sharer): void {
  const ofUser = machines.get(uid) ?? new FewRows(deviceOf);
  machines.set(uid, ofUser);
  const machine = ofUser.get(device) ?? { device, listingIds: new SortedKeys() };
  ofUser.put(machine);
  machine.listingIds.add(listingId);
}

function indexContent({ contents }: GroupFiles, fileId: FileId, listingId: ListingId): void {
  const listingIds = contents.get(fileId);
  if (listingIds === undefined) contents.set(fileId, new Set([listingId]));
  else listingIds.add(listingId);
}

function deviceOf({ device }: Machine): string {
  return device;
}

function isListed(row: FileRow | undefined): boolean {
  return row?.listing !== undefined && row.counting > 0;
}

function fileRow(gid: Gid, listingId: ListingId, { fileId, ...listing }: Listing): RowOf<"file"> {
  return { kind: "file", gid, ...listingRef(fileId, listingId), listing };
}

function shareRow(gid: Gid, listingId: ListingId, share: ShareRow): RowOf<"share"> {
  const { fileId, uid, device, shared, counter, stamp } = share;
  return { kind: "share", gid, ...listingRef(fileId, listingId), uid, device, shared, counter, stamp };
}

function shareKey({ uid, device }: Sharer): string {
  return uid + device;
}

/** Where a share stands among those of its machine. */
function placeOfShare(gid: Gid, listingId: ListingId): string {
  return `${gid}\n${listingId}`;
}

export function parseSharePlace(place: string): { gid: Gid; listingId: ListingId } {
  const [gid = "", listingId = ""] = place.split("\n");
  return { gid: gid as Gid, listingId: listingId as ListingId };
}
