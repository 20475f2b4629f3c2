/**
 * Files of groups and who shares them from which machine.
 *
 * A share counts while its user is a member of the group; a file is listed while one of its shares counts, whoever is
 * online. What counts and what is listed is derived: it follows each change of a share and, through `standingChanged`,
 * each change of membership; `invariants` recomputes it. Files of a deleted group are forgotten.
 */
import { assert } from "../../base/assert.ts";
import type { Digest, FileId, FileName, Fingerprint, Gid, Uid } from "../../base/ids.ts";
import type { FileSummary } from "../../base/manifest.ts";
import type { BodyOf, Claim, Entry } from "../../wire/entry.ts";
import type { RowOf } from "../../wire/state-row.ts";
import { FewRows } from "./few-rows.ts";
import type { Groups } from "./groups.ts";
import { claimOf } from "./hybrid-time.ts";
import { type Claimed, lastChange, latest, type ShareChange } from "./joins.ts";
import { NameTable, sortKey } from "./name-table.ts";
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
}

interface FileRow {
  listing: Listing | undefined;
  /** By user and device. */
  readonly shares: FewRows<ShareRow>;
  /** Derived: the shares that count. */
  counting: number;
}

interface GroupFiles {
  readonly rows: Map<FileId, FileRow>;
  /** Derived: the files with a listing and a share that counts. */
  readonly listed: NameTable<FileId>;
}

export class Shares {
  readonly #groups: Groups;
  readonly #files = new Map<Gid, GroupFiles>();
  /** The places of all shares of a user, stopped ones too. */
  readonly #ofUser = new Map<Uid, SortedKeys>();

  constructor(groups: Groups) {
    this.#groups = groups;
  }

  // --- what is known ---

  /** Listed files of all groups. Costs a pass over the groups. */
  get size(): number {
    let size = 0;
    for (const { listed } of this.#files.values()) size += listed.size;
    return size;
  }

  /** Files of the group that are known, listed or not. */
  fileCount(gid: Gid): number {
    return this.#files.get(gid)?.rows.size ?? 0;
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

  /** What the file is called now: with a suffix if an earlier listed one has the name. */
  name(gid: Gid, fileId: FileId): FileName | undefined {
    const row = this.#row(gid, fileId);
    if (row?.listing === undefined) return undefined;
    const { name } = row.listing;
    return isListed(row) ? this.#files.get(gid)?.listed.shown(name, fileId) : name;
  }

  /** Listed files under a bare name, the holder first; or the one that is meant by a name with its suffix. */
  find(gid: Gid, typed: string): FileId[] {
    return this.#files.get(gid)?.listed.find(typed) ?? [];
  }

  /** Sort keys above `after` of the listed files. */
  listed(gid: Gid, after?: string): Iterable<string> {
    return this.#files.get(gid)?.listed.above(after) ?? [];
  }

  /** Of the piece lists of all files. */
  *digests(): Generator<Digest> {
    for (const { rows } of this.#files.values())
      for (const { listing } of rows.values()) if (listing !== undefined) yield listing.digest;
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

  /** Places (see `parseSharePlace`) above `after` of all shares of a machine, stopped ones too. */
  *ofDevice({ uid, device }: Sharer, after?: string): Generator<string> {
    for (const place of this.#ofUser.get(uid)?.above(after) ?? []) {
      if (parseSharePlace(place).device === device) yield place;
    }
  }

  /** The files that a user shares or shared in the group, from whatever machine. */
  *ofUserIn(gid: Gid, uid: Uid): Generator<FileId> {
    for (const place of this.#ofUser.get(uid)?.startingWith(`${gid}\n`) ?? [])
      yield parseSharePlace(place).fileId;
  }

  // --- what happens ---

  addFile(entry: Entry, body: BodyOf<"file-added">): void {
    const { gid, fileId, name, size, sha1, digest } = body;
    const claim = claimOf(entry.stamp, entry.key.origin);
    this.mergeFile({ kind: "file", gid, fileId, listing: { claim, name, size, sha1, digest } });
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
    if (before === undefined) this.#index(gid, fileId, share);
  }

  /** The user is a member of the group from now on, or no longer. */
  standingChanged(gid: Gid, uid: Uid): void {
    const files = this.#files.get(gid);
    for (const place of this.#ofUser.get(uid)?.startingWith(`${gid}\n`) ?? []) {
      const { fileId } = parseSharePlace(place);
      const row = files?.rows.get(fileId);
      if (files === undefined || row === undefined) continue;
      this.#update(files, fileId, row, () => {
        row.counting = this.#countingOf(gid, row);
      });
    }
  }

  groupDeleted(gid: Gid): void {
    for (const [fileId, row] of this.#files.get(gid)?.rows ?? []) {
      for (const { uid, device } of row.shares) {
        const places = this.#ofUser.get(uid);
        places?.delete(placeOfShare(gid, device, fileId));
        if (places?.size === 0) this.#ofUser.delete(uid);
      }
    }
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

  *rows(): Generator<RowOf<"file" | "share">> {
    for (const [gid, files] of this.#files) {
      for (const [fileId, row] of files.rows) {
        if (row.listing !== undefined) yield { kind: "file", gid, fileId, listing: row.listing };
        for (const share of row.shares) yield shareRow(gid, fileId, share);
      }
    }
  }

  // --- checking ---

  invariants(): void {
    let shares = 0;
    for (const [gid, files] of this.#files) {
      files.listed.invariants();
      const expected: string[] = [];
      for (const [fileId, row] of files.rows) {
        assert(row.counting === this.#countingOf(gid, row), "counting shares are counted");
        if (row.listing !== undefined && row.counting > 0) expected.push(sortKey(row.listing.name, fileId));
        for (const { uid, device } of row.shares) {
          shares++;
          const isIndexed = this.#ofUser.get(uid)?.has(placeOfShare(gid, device, fileId));
          assert(isIndexed === true, "shares of users");
        }
      }
      assert(
        expected.sort().join() === [...files.listed.above(undefined)].join(),
        "listed files are derived",
      );
    }
    const indexed = [...this.#ofUser.values()].reduce((sum, places) => sum + places.size, 0);
    assert(shares === indexed, "shares of users are shares");
  }

  // --- rows and what derives from them ---

  #row(gid: Gid, fileId: FileId): FileRow | undefined {
    return this.#files.get(gid)?.rows.get(fileId);
  }

  #ensure(gid: Gid, fileId: FileId): { files: GroupFiles; row: FileRow } {
    let files = this.#files.get(gid);
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

  #index(gid: Gid, fileId: FileId, { uid, device }: Sharer): void {
    const places = this.#ofUser.get(uid) ?? new SortedKeys();
    places.add(placeOfShare(gid, device, fileId));
    this.#ofUser.set(uid, places);
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
  const listed = new NameTable<FileId>((fileId) => rows.get(fileId)?.listing?.claim ?? ("" as Claim));
  return { rows, listed };
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

/** Where a share stands among those of its user: by group, then machine. */
function placeOfShare(gid: Gid, device: Fingerprint, fileId: FileId): string {
  return `${gid}\n${device}\n${fileId}`;
}

export function parseSharePlace(place: string): { gid: Gid; device: Fingerprint; fileId: FileId } {
  const [gid, device, fileId] = place.split("\n") as [Gid, Fingerprint, FileId];
  return { gid, device, fileId };
}
