/** A torrent of one file as BitTorrent clients of any age read it: version 1, one SHA-1 a piece. Pure but for reading the file. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";

export type Bencodable =
  | number
  | string
  | Uint8Array
  | readonly Bencodable[]
  | { readonly [key: string]: Bencodable };

export function bencode(value: Bencodable): Buffer {
  if (typeof value === "number") return Buffer.from(`i${value}e`);
  if (typeof value === "string") return bencode(Buffer.from(value));
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from(`${value.length}:`), value]);
  if (isList(value)) return enclosed("l", value.map(bencode));
  // Keys in the order of their bytes: clients refuse any other.
  const entries = Object.entries(value).sort(([left], [right]) =>
    Buffer.compare(Buffer.from(left), Buffer.from(right)),
  );
  return enclosed(
    "d",
    entries.flatMap(([key, item]) => [bencode(key), bencode(item)]),
  );
}

function isList(value: Bencodable): value is readonly Bencodable[] {
  return Array.isArray(value);
}

function enclosed(kind: "l" | "d", parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(kind), ...parts, Buffer.from("e")]);
}

export interface TorrentContent {
  readonly name: string;
  readonly bytes: number;
  readonly pieceBytes: number;
  /** One SHA-1 after the other. */
  readonly pieces: Uint8Array;
}

/** @param announce the address of the HTTP tracker */
export function torrentOf({ name, bytes, pieceBytes, pieces }: TorrentContent, announce: string): Buffer {
  return bencode({ announce, info: { length: bytes, name, "piece length": pieceBytes, pieces } });
}

/** Reads the file once, in the order of its pieces. */
export function contentOf(path: string, pieceBytes: number): TorrentContent {
  const hashes: Buffer[] = [];
  const piece = Buffer.alloc(pieceBytes);
  const file = openSync(path, "r");
  try {
    for (let bytes = readSync(file, piece); bytes > 0; bytes = readSync(file, piece))
      hashes.push(createHash("sha1").update(piece.subarray(0, bytes)).digest());
  } finally {
    closeSync(file);
  }
  return { name: basename(path), bytes: statSync(path).size, pieceBytes, pieces: Buffer.concat(hashes) };
}
