/**
 * The work of one hash worker: hashing and positioned reads and writes, one request at a time.
 *
 * Invariant: no byte is written to a file whose two hashes were not right in this very memory. It allocates one buffer
 * for its life; the running SHA-1s are all the state that it keeps between requests.
 */
import * as fs from "node:fs";
import { unreachable } from "../../base/assert.ts";
import { PIECE_BYTES } from "../../base/limits.ts";
import { pieceCount } from "../../base/manifest.ts";
import { errorCode } from "./disk-failure.ts";
import type { FileIdentity } from "./file-identity.ts";
import { type FileSystemSync, fileSystemSync } from "./file-system-sync.ts";
import { hashPiece, isPiece, PIECE_HASH_BYTES } from "./piece-hash.ts";
import { hashSmallFile } from "./small-file.ts";
import { isFree, placeSmallPart, writeSmallPart } from "./small-part.ts";
import type { HashedSmall, JobReply, SystemError, WorkerReply, WorkerRequest } from "./worker-protocol.ts";

/** Positioned access, which may move fewer bytes than asked for. */
export interface PositionedDisk {
  /** @returns bytes read; 0 at the end of the file */
  read(file: number, into: Uint8Array, offset: number): number;
  /** @returns bytes written */
  write(file: number, from: Uint8Array, offset: number): number;
}

/** Of an empty file. */
const NO_BYTES = new Uint8Array();

const systemDisk: PositionedDisk = {
  read: (file, into, offset) => fs.readSync(file, into, 0, into.length, offset),
  write: (file, from, offset) => fs.writeSync(file, from, 0, from.length, offset),
};

type Asked<Kind extends WorkerRequest["kind"]> = Extract<WorkerRequest, { kind: Kind }>;

export class PieceJobs {
  readonly #disk: PositionedDisk;
  readonly #syncOf: () => FileSystemSync | undefined;
  readonly #reply: (reply: WorkerReply) => void;
  readonly #buffer = new Uint8Array(PIECE_BYTES);
  readonly #runs = new Map<number, Bun.CryptoHasher>();
  #slots = new SharedArrayBuffer(0);

  constructor(
    reply: (reply: WorkerReply) => void,
    disk: PositionedDisk = systemDisk,
    syncOf: () => FileSystemSync | undefined = fileSystemSync,
  ) {
    this.#reply = reply;
    this.#disk = disk;
    this.#syncOf = syncOf;
  }

  run(request: WorkerRequest): void {
    if (request.kind === "setup") this.#slots = request.slots;
    else if (request.kind === "forget-run") this.#runs.delete(request.run);
    else this.#reply({ id: request.id, ...this.#answer(request) });
  }

  #answer(request: Extract<WorkerRequest, { id: number }>): JobReply {
    try {
      switch (request.kind) {
        case "store":
          return this.#store(request);
        case "load":
          return this.#load(request);
        case "hash-small":
          return { kind: "hashed-small", files: request.paths.map((path) => hashed(path, this.#buffer)) };
        case "load-small":
          return this.#loadSmall(request);
        case "look-small":
          return this.#lookSmall(request);
        case "write-small":
          return this.#writeSmall(request);
        case "sync-file-systems":
          return this.#syncFileSystems(request);
        case "place-small":
          return this.#placeSmall(request);
        case "hash-pieces":
          return this.#hashPieces(request);
        case "hash-run":
          return this.#hashRun(request);
        case "end-run":
          return this.#endRun(request);
        default:
          return unreachable(request);
      }
    } catch (error) {
      return { kind: "failed", ...systemError(error) };
    }
  }

  #store({ id, file, slot, offset, length, hashes }: Asked<"store">): JobReply {
    const bytes = this.#slot(slot, length);
    if (!isPiece(bytes, hashes)) return { kind: "rejected" };
    this.#reply({ id, kind: "verified" });
    for (let done = 0; done < length; ) {
      const written = this.#disk.write(file, bytes.subarray(done), offset + done);
      if (written <= 0) throw new Error("the disk took no bytes");
      done += written;
    }
    return { kind: "written" };
  }

  #load({ file, slot, offset, length, hashes }: Asked<"load">): JobReply {
    const bytes = this.#slot(slot, length);
    const isHeld = this.#readAll(file, bytes, offset) && (hashes === undefined || isPiece(bytes, hashes));
    return { kind: isHeld ? "loaded" : "rejected" };
  }

  #loadSmall({ slot, paths, sizes }: Asked<"load-small">): JobReply {
    const rooms = cut(this.#slot(slot, PIECE_BYTES), sizes);
    const files = paths.map((path, at) => {
      const room = rooms[at] ?? NO_BYTES;
      const file = hashed(path, room);
      return file?.size === room.length ? file : undefined;
    });
    return { kind: "hashed-small", files };
  }

  #lookSmall({ paths, parts, others }: Asked<"look-small">): JobReply {
    const free = paths.map((path, at) => {
      try {
        return isFree(path, parts[at] ?? "", others[at] ?? []);
      } catch {
        return false;
      }
    });
    return { kind: "looked", free };
  }

  #writeSmall({ slot, parts, sizes, rows, modifiedMs, executable, sync }: Asked<"write-small">): JobReply {
    const contents = cut(slot === undefined ? NO_BYTES : this.#slot(slot, PIECE_BYTES), sizes);
    const hashes = cut(
      rows,
      sizes.map((size) => (size === 0 ? 0 : PIECE_HASH_BYTES)),
    );
    const isRight = contents.every(
      (bytes, at) => bytes.length === 0 || isPiece(bytes, hashes[at] ?? NO_BYTES),
    );
    if (!isRight) return { kind: "rejected" };
    const files = contents.map((bytes, index): FileIdentity | SystemError => {
      try {
        const how = { modifiedMs: modifiedMs[index], executable: executable[index] === true, sync };
        return writeSmallPart(parts[index] ?? "", bytes, how);
      } catch (error) {
        return systemError(error);
      }
    });
    return { kind: "wrote-small", files };
  }

  #syncFileSystems({ files }: Asked<"sync-file-systems">): JobReply {
    const sync = this.#syncOf();
    if (sync === undefined) return { kind: "cannot" };
    for (const file of files) if (sync(file) !== 0) throw new Error("the disk did not take all");
    return { kind: "synced" };
  }

  #placeSmall({ parts, paths }: Asked<"place-small">): JobReply {
    const outcomes = parts.map((part, at): SystemError | undefined => {
      try {
        placeSmallPart(part, paths[at] ?? "");
        return undefined;
      } catch (error) {
        return systemError(error);
      }
    });
    return { kind: "placed-small", outcomes };
  }

  #hashPieces({ file, offset, length }: Asked<"hash-pieces">): JobReply {
    const rows = new Uint8Array(pieceCount(length) * PIECE_HASH_BYTES);
    let row = 0;
    const isWhole = this.#eachPiece(file, offset, length, (bytes) => {
      hashPiece(bytes, rows.subarray(row, row + PIECE_HASH_BYTES));
      row += PIECE_HASH_BYTES;
    });
    return isWhole ? { kind: "hashed", rows } : { kind: "short" };
  }

  #hashRun({ run, file, offset, length }: Asked<"hash-run">): JobReply {
    const hasher = this.#runs.get(run) ?? new Bun.CryptoHasher("sha1");
    this.#runs.set(run, hasher);
    const isWhole = this.#eachPiece(file, offset, length, (bytes) => hasher.update(bytes));
    return { kind: isWhole ? "advanced" : "short" };
  }

  #endRun({ run }: Asked<"end-run">): JobReply {
    const hasher = this.#runs.get(run) ?? new Bun.CryptoHasher("sha1");
    this.#runs.delete(run);
    return { kind: "digest", sha1: hasher.digest("hex") };
  }

  /** @returns false if the file ends too early */
  #eachPiece(file: number, offset: number, length: number, visit: (bytes: Uint8Array) => void): boolean {
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const bytes = this.#buffer.subarray(0, Math.min(PIECE_BYTES, length - done));
      if (!this.#readAll(file, bytes, offset + done)) return false;
      visit(bytes);
    }
    return true;
  }

  #readAll(file: number, into: Uint8Array, offset: number): boolean {
    for (let done = 0; done < into.length; ) {
      const read = this.#disk.read(file, into.subarray(done), offset + done);
      if (read <= 0) return false;
      done += read;
    }
    return true;
  }

  #slot(index: number, length: number): Uint8Array {
    return new Uint8Array(this.#slots, index * PIECE_BYTES, length);
  }
}

/** Parts of these sizes, one behind the other. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return bytes.subarray(at - size, at);
  });
}

/** What goes wrong with one is told by who opens it by itself. */
function hashed(path: string, buffer: Uint8Array): HashedSmall | undefined {
  try {
    return hashSmallFile(path, buffer);
  } catch {
    return undefined;
  }
}

function systemError(error: unknown): SystemError {
  return { code: errorCode(error), message: error instanceof Error ? error.message : String(error) };
}
