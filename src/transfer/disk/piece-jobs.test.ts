import { describe, expect, test } from "bun:test";
import { PIECE_BYTES } from "../../base/limits.ts";
import { hashPiece, PIECE_HASH_BYTES } from "./piece-hash.ts";
import { PieceJobs, type PositionedDisk } from "./piece-jobs.ts";
import type { WorkerReply } from "./worker-protocol.ts";

const FILE = 7;

/** A disk that moves few bytes at a time. */
class ShortDisk implements PositionedDisk {
  readonly bytes: Uint8Array;
  readonly #atMost: number;
  failWrite: Error | undefined;
  takesNothing = false;

  constructor(size: number, atMost = Number.POSITIVE_INFINITY) {
    this.bytes = new Uint8Array(size);
    this.#atMost = atMost;
  }

  read(_file: number, into: Uint8Array, offset: number): number {
    const from = this.bytes.subarray(offset, offset + Math.min(into.length, this.#atMost));
    into.set(from);
    return from.length;
  }

  write(_file: number, from: Uint8Array, offset: number): number {
    if (this.failWrite !== undefined) throw this.failWrite;
    if (this.takesNothing) return 0;
    const part = from.subarray(0, this.#atMost);
    this.bytes.set(part, offset);
    return part.length;
  }
}

function jobsOn(disk: PositionedDisk) {
  const replies: WorkerReply[] = [];
  const slots = new SharedArrayBuffer(2 * PIECE_BYTES);
  const jobs = new PieceJobs((reply) => replies.push(reply), disk);
  jobs.run({ kind: "setup", slots });
  const slot = new Uint8Array(slots, PIECE_BYTES, PIECE_BYTES);
  return { jobs, replies, slot };
}

function rowOf(bytes: Uint8Array): Uint8Array {
  const row = new Uint8Array(PIECE_HASH_BYTES);
  hashPiece(bytes, row);
  return row;
}

function filled(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => at % 251);
}

function errnoError(code: string): Error {
  return Object.assign(new Error(`${code}: as injected`), { code });
}

describe("store", () => {
  const request = { kind: "store", id: 3, file: FILE, slot: 1, offset: 100, length: 1000 } as const;

  test("says verified, then written, and puts every byte in place though the disk takes few at a time", () => {
    const disk = new ShortDisk(1100, 7);
    const { jobs, replies, slot } = jobsOn(disk);
    slot.set(filled(1000));
    jobs.run({ ...request, hashes: rowOf(filled(1000)) });
    expect(replies).toEqual([
      { id: 3, kind: "verified" },
      { id: 3, kind: "written" },
    ]);
    expect(disk.bytes.subarray(100)).toEqual(filled(1000));
  });

  test("writes nothing if the SHA-1 is right and the SHA-256 wrong, or the other way round", () => {
    for (const wrong of [0, 25]) {
      const disk = new ShortDisk(1100);
      const { jobs, replies, slot } = jobsOn(disk);
      slot.set(filled(1000));
      const hashes = rowOf(filled(1000));
      hashes[wrong] = (hashes[wrong] ?? 0) ^ 1;
      jobs.run({ ...request, hashes });
      expect(replies).toEqual([{ id: 3, kind: "rejected" }]);
      expect(disk.bytes.every((byte) => byte === 0)).toBe(true);
    }
  });

  test("tells the system's own code when the disk is full", () => {
    const disk = new ShortDisk(1100);
    disk.failWrite = errnoError("ENOSPC");
    const { jobs, replies, slot } = jobsOn(disk);
    jobs.run({ ...request, hashes: rowOf(slot.subarray(0, 1000)) });
    expect(replies[1]).toEqual({ id: 3, kind: "failed", code: "ENOSPC", message: "ENOSPC: as injected" });
  });

  test("does not turn in circles when the disk takes nothing", () => {
    const disk = new ShortDisk(1100);
    disk.takesNothing = true;
    const { jobs, replies, slot } = jobsOn(disk);
    jobs.run({ ...request, hashes: rowOf(slot.subarray(0, 1000)) });
    expect(replies[1]?.kind).toBe("failed");
  });
});

describe("load", () => {
  const request = { kind: "load", id: 4, file: FILE, slot: 1, offset: 10, length: 1000 } as const;

  test("reads the whole piece though the disk gives few bytes at a time", () => {
    const disk = new ShortDisk(1010, 13);
    disk.bytes.set(filled(1000), 10);
    const { jobs, replies, slot } = jobsOn(disk);
    jobs.run({ ...request, hashes: rowOf(filled(1000)) });
    expect(replies).toEqual([{ id: 4, kind: "loaded" }]);
    expect(Buffer.compare(slot.subarray(0, 1000), filled(1000))).toBe(0);
  });

  test("rejects a piece with a wrong hash only if it is to verify", () => {
    const { jobs, replies } = jobsOn(new ShortDisk(1010));
    jobs.run({ ...request, hashes: rowOf(filled(1000)) });
    jobs.run({ ...request, hashes: undefined });
    expect(replies.map((reply) => reply.kind)).toEqual(["rejected", "loaded"]);
  });

  test("rejects a piece that the file ends before", () => {
    const { jobs, replies } = jobsOn(new ShortDisk(1009));
    jobs.run({ ...request, hashes: undefined });
    expect(replies).toEqual([{ id: 4, kind: "rejected" }]);
  });
});

describe("hashing", () => {
  const size = 2 * PIECE_BYTES + 5;

  function disk(): ShortDisk {
    const made = new ShortDisk(size);
    made.bytes.set(filled(size));
    return made;
  }

  test("of a range gives the row of each piece, the short last one too", () => {
    const { jobs, replies } = jobsOn(disk());
    jobs.run({ kind: "hash-pieces", id: 1, file: FILE, offset: PIECE_BYTES, length: size - PIECE_BYTES });
    const [reply] = replies;
    const bytes = filled(size);
    expect(reply?.kind === "hashed" && Buffer.from(reply.rows).toString("hex")).toBe(
      Buffer.concat([
        rowOf(bytes.subarray(PIECE_BYTES, 2 * PIECE_BYTES)),
        rowOf(bytes.subarray(2 * PIECE_BYTES)),
      ]).toString("hex"),
    );
  });

  test("in runs goes on where the last request ended, and runs do not mix", () => {
    const { jobs, replies } = jobsOn(disk());
    const part = { kind: "hash-run", file: FILE } as const;
    jobs.run({ ...part, id: 1, run: 1, offset: 0, length: PIECE_BYTES });
    jobs.run({ ...part, id: 2, run: 2, offset: 0, length: 3 });
    jobs.run({ ...part, id: 3, run: 1, offset: PIECE_BYTES, length: size - PIECE_BYTES });
    jobs.run({ kind: "end-run", id: 4, run: 1 });
    jobs.run({ kind: "end-run", id: 5, run: 2 });
    const sha1 = (bytes: Uint8Array) => new Bun.CryptoHasher("sha1").update(bytes).digest("hex");
    expect(replies.slice(3)).toEqual([
      { id: 4, kind: "digest", sha1: sha1(filled(size)) },
      { id: 5, kind: "digest", sha1: sha1(filled(3)) },
    ]);
  });

  test("of a file that has become shorter says so", () => {
    const { jobs, replies } = jobsOn(disk());
    jobs.run({ kind: "hash-pieces", id: 1, file: FILE, offset: 0, length: size + 1 });
    jobs.run({ kind: "hash-run", id: 2, run: 1, file: FILE, offset: 0, length: size + 1 });
    expect(replies).toEqual([
      { id: 1, kind: "short" },
      { id: 2, kind: "short" },
    ]);
  });
});
