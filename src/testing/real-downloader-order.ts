/** What a downloader in a process of its own is told to do, as the JSON of its one argument. */
import * as v from "valibot";

export const realDownloaderOrder = v.strictObject({
  /** Its certificate and key. */
  identity: v.string(),
  source: v.strictObject({
    host: v.string(),
    port: v.number(),
    fingerprint: v.string(),
    user: v.string(),
    uid: v.string(),
  }),
  gid: v.string(),
  size: v.number(),
  sha1: v.string(),
  /** A file with the piece list. */
  rowsPath: v.string(),
  path: v.string(),
  journalPath: v.string(),
  grant: v.strictObject({ text: v.string(), expiresMs: v.number() }),
  /** Piece buffers in all, those of uploads too. */
  buffers: v.number(),
});
export type RealDownloaderOrder = v.InferInput<typeof realDownloaderOrder>;
