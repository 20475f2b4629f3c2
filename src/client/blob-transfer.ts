/**
 * Piece lists on their way between this client and a tracker, in parts, in order.
 *
 * Nothing that arrives is trusted: parts are held against the length that the file's size demands, the whole against
 * the digest and the file id. A tracker forgets the parts of an unfinished list with their connection, so a list whose
 * connection was lost is put again from its start.
 */
import { Failure } from "../base/failure.ts";
import type { Gid, GroupName } from "../base/ids.ts";
import { BLOB_PART_BYTES, BLOB_TRIES_MAX } from "../base/limits.ts";
import { type FileSummary, Manifest, pieceCount, SHA1_BYTES, SHA256_BYTES } from "../base/manifest.ts";
import type { TrackerCalls } from "./tracker-link.ts";

/** As the tracker is to understand it: by its id once that is known. */
export interface GroupRef {
  readonly group: GroupName;
  readonly gid?: Gid;
}

/** Makes sure that the tracker holds the piece list. @throws Failure */
export async function putPieceList(
  calls: TrackerCalls,
  group: GroupRef,
  { summary, rows }: Manifest,
): Promise<void> {
  const { digest } = summary;
  for (let tries = 1; ; tries++) {
    const { result } = await calls.call("has_blob", { ...group, digest });
    if (result.has) return;
    let offset = 0;
    try {
      do {
        const part = rows.subarray(offset, offset + BLOB_PART_BYTES);
        await calls.call("put_blob", { ...group, digest, offset, total: rows.length }, part);
        offset += part.length;
      } while (offset < rows.length);
      return;
    } catch (error) {
      if (offset === 0 || tries === BLOB_TRIES_MAX) throw error;
    }
  }
}

/** @throws Failure; "corrupt" if what the tracker holds is not the list announced */
export async function getPieceList(
  calls: TrackerCalls,
  group: GroupRef,
  file: FileSummary,
): Promise<Manifest> {
  const rows = new Uint8Array(pieceCount(file.size) * (SHA1_BYTES + SHA256_BYTES));
  let offset = 0;
  while (offset < rows.length) {
    const { result, tail } = await calls.call("get_blob", { ...group, digest: file.digest, offset });
    if (result.total !== rows.length || tail.length === 0 || tail.length > rows.length - offset)
      throw new Failure("corrupt", `the tracker's piece list of file ${file.fileId} has a wrong length`);
    rows.set(tail, offset);
    offset += tail.length;
  }
  const manifest = Manifest.check(file, rows);
  if (manifest instanceof Failure) throw manifest;
  return manifest;
}
