/** How the bytes of a tracker's database share out over what it keeps. */
import { Database } from "bun:sqlite";

export interface KindBytes {
  readonly kind: string;
  readonly count: number;
  readonly bytes: number;
}

/** A file and its one share are one thing here; so is an entry of the log that is left. */
const KINDS = `
  SELECT CASE json_extract(text, '$.kind')
    WHEN 'account' THEN 'user' WHEN 'person' THEN 'member' WHEN 'share' THEN 'file' ELSE json_extract(text, '$.kind')
  END AS kind,
  sum(json_extract(text, '$.kind') <> 'share') AS count,
  sum(length(key) + length(text)) AS bytes
  FROM state_row GROUP BY 1
  UNION ALL
  SELECT 'log entry', count(*), sum(length(stamp) + length(request) + length(body)) FROM entry`;

/** @param diskBytes of the whole file; what is no text of a row belongs to each in proportion */
export function bytesByKind(database: string, diskBytes: number): KindBytes[] {
  using db = new Database(database, { readonly: true });
  const kinds = db
    .query<KindBytes, []>(KINDS)
    .all()
    .filter(({ count }) => count > 0);
  const total = kinds.reduce((sum, { bytes }) => sum + bytes, 0);
  return kinds.map(({ kind, count, bytes }) => ({ kind, count, bytes: (bytes / total) * diskBytes }));
}
