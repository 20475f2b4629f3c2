/** What the library remembers, as records and as rows of its tables. A row is validated whenever it is read. Pure. */
import { dirname } from "node:path";
import * as v from "valibot";
import { Failure } from "../base/failure.ts";
import type { FileAttributes } from "../base/file-attributes.ts";
import type { FileName, Gid, GroupName, ListingId } from "../base/ids.ts";
import type { FileSummary } from "../base/manifest.ts";
import type { FileIdentity } from "../transfer/disk/file-identity.ts";
import * as s from "../wire/schema.ts";

/** A file on this disk that is or was shared. */
export interface ShareRecord {
  readonly gid: Gid;
  readonly listingId: ListingId;
  readonly group: GroupName;
  readonly name: FileName;
  readonly path: string;
  readonly file: FileSummary;
  /** What the file was when it was hashed. */
  readonly identity: FileIdentity;
  /** Of the change that made it so. */
  readonly counter: number;
  readonly state: "shared" | "stopped";
}

export interface DownloadRecord {
  readonly gid: Gid;
  readonly listingId: ListingId;
  readonly group: GroupName;
  readonly name: FileName;
  readonly path: string;
  /** The folder that the user chose: what of the path is below it comes from the name that the file had. */
  readonly base: string;
  readonly file: FileSummary;
  readonly attributes?: FileAttributes | undefined;
  readonly journalPath: string;
  /** Rises with each download that is asked for. */
  readonly order: number;
  readonly state: "running" | "paused" | "complete" | "failed";
  /** Verified bytes on disk when this was recorded: for people, until the transfer has looked. */
  readonly doneBytes: number;
  /** Why it failed, or was paused without being asked. */
  readonly failure: Failure | undefined;
}

/** A group of which every file is fetched. */
export interface FollowRecord {
  readonly gid: Gid;
  readonly group: GroupName;
  /** Absolute. */
  readonly folder: string;
}

export type Bindings = Record<string, string | number | null>;

const text = v.pipe(v.string(), v.nonEmpty());
const digits = v.pipe(v.string(), v.regex(/^\d+$/));
const summaryColumns = { file_id: s.fileId, size: s.fileSize, sha1: s.sha1, digest: s.digest };
const commonColumns = {
  gid: s.gid,
  listing_id: s.listingId,
  group_name: s.groupName,
  name: s.fileName,
  path: text,
  ...summaryColumns,
};

export const shareRow = v.object({
  ...commonColumns,
  device: digits,
  inode: digits,
  bytes: s.whole,
  modified_ns: v.pipe(v.string(), v.regex(/^-?\d+$/)),
  counter: s.whole,
  state: v.picklist(["shared", "stopped"]),
});

export const downloadRow = v.object({
  ...commonColumns,
  base: v.string(),
  modified_ms: v.nullable(s.attributes.entries.modifiedMs),
  executable: v.nullable(v.picklist([0, 1])),
  journal_path: text,
  place: s.whole,
  state: v.picklist(["running", "paused", "complete", "failed"]),
  done_bytes: s.whole,
  failure_code: v.nullable(s.failureCode),
  failure_message: v.nullable(v.string()),
});

export const followRow = v.object({ gid: s.gid, group_name: s.groupName, folder: text });

export function toFollow({ gid, group_name: group, folder }: v.InferOutput<typeof followRow>): FollowRecord {
  return { gid, group, folder };
}

function summaryOf(row: v.InferOutput<v.ObjectSchema<typeof summaryColumns, undefined>>): FileSummary {
  return { fileId: row.file_id, size: row.size, sha1: row.sha1, digest: row.digest };
}

export function toShare(row: v.InferOutput<typeof shareRow>): ShareRecord {
  const { gid, name, path, counter, state } = row;
  const identity = {
    device: row.device,
    inode: row.inode,
    size: row.bytes,
    modifiedNs: row.modified_ns,
  };
  const listingId = row.listing_id;
  return {
    gid,
    listingId,
    group: row.group_name,
    name,
    path,
    file: summaryOf(row),
    identity,
    counter,
    state,
  };
}

/** Parameters of the statement that stores it. */
export function shareBindings({ file, identity, ...record }: ShareRecord): Bindings {
  const { device, inode, size: bytes, modifiedNs } = identity;
  return { ...record, ...file, device, inode, bytes, modifiedNs };
}

export function toDownload(row: v.InferOutput<typeof downloadRow>): DownloadRecord {
  const { gid, name, path, state } = row;
  const failure =
    row.failure_code === null ? undefined : new Failure(row.failure_code, row.failure_message ?? "");
  return {
    gid,
    listingId: row.listing_id,
    group: row.group_name,
    name,
    path,
    base: row.base === "" ? dirname(path) : row.base,
    file: summaryOf(row),
    attributes:
      row.modified_ms === null
        ? undefined
        : { modifiedMs: row.modified_ms, executable: row.executable === 1 },
    journalPath: row.journal_path,
    order: row.place,
    state,
    doneBytes: row.done_bytes,
    failure,
  };
}

/** Parameters of the statement that stores it. */
export function downloadBindings({ file, failure, attributes, ...record }: DownloadRecord): Bindings {
  const modifiedMs = attributes?.modifiedMs ?? null;
  const executable = attributes === undefined ? null : Number(attributes.executable);
  const [code, message] = [failure?.code ?? null, failure?.message ?? null];
  return { ...record, ...file, modifiedMs, executable, code, message };
}
