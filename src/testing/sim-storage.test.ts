import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { PieceIndex } from "../base/ids.ts";
import { PIECE_BYTES } from "../base/limits.ts";
import type { DownloadFile, Slot } from "../transfer/disk/contract.ts";
import { manifestOf, SimStorage } from "./sim-storage.ts";

const CONTENT = Uint8Array.from({ length: 2 * PIECE_BYTES + 3 }, (_, at) => at % 253);
const MANIFEST = manifestOf(CONTENT);
const TARGET = { manifest: MANIFEST, path: "/there/file", base: "/there", journalPath: "/journals/1" };
const never = new AbortController().signal;

async function opened(storage: SimStorage): Promise<DownloadFile> {
  const found = await storage.openDownload(TARGET, () => {}, never);
  if (found.kind !== "open") throw new Error("it is complete");
  return found.download;
}

function slotWith(storage: SimStorage, piece: number): Slot {
  const slot = storage.workers.slots.acquire() as Slot;
  slot.bytes.set(CONTENT.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES));
  return slot;
}

describe("the simulated workers", () => {
  test("verify and write in two steps, each when the test says so", async () => {
    const storage = new SimStorage({ delivery: "manual" });
    const download = await opened(storage);
    const told: string[] = [];
    const slot = slotWith(storage, 1);
    void storage.workers
      .store(download.file, MANIFEST, 1 as PieceIndex, slot, () => told.push("verified"))
      .then((outcome) => told.push(outcome.kind));
    expect(told).toEqual([]);
    await storage.deliver(1);
    expect(told).toEqual(["verified"]);
    expect(storage.bytesOf(download.file)[PIECE_BYTES + 1]).toBe(0);
    await storage.deliver(1);
    expect(told).toEqual(["verified", "written"]);
    expect(storage.bytesOf(download.file)[PIECE_BYTES + 1]).toBe(CONTENT[PIECE_BYTES + 1] ?? 0);
  });

  test("reject wrong bytes, fail a write and spoil a read as told", async () => {
    const storage = new SimStorage();
    const download = await opened(storage);
    const full = new Failure("disk-full", "as injected");
    storage.faults = {
      write: (count) => (count === 2 ? full : undefined),
      read: (count) => (count === 2 ? "wrong" : undefined),
    };
    const store = (piece: number, slot: Slot) =>
      storage.workers.store(download.file, MANIFEST, piece as PieceIndex, slot, () => {});
    const slot = slotWith(storage, 0);
    expect(await store(1, slot)).toEqual({ kind: "rejected" });
    expect(await store(0, slot)).toEqual({ kind: "written" });
    expect(await store(0, slot)).toEqual({ kind: "disk-failed", failure: full });
    const load = () => storage.workers.load(download.file, MANIFEST, 0 as PieceIndex, slot, true);
    expect([await load(), await load(), await load()]).toEqual([true, false, true]);
  });

  test("hash as the real ones do", async () => {
    const storage = new SimStorage();
    const file = storage.addFile(CONTENT);
    const found = await storage.workers.hashFile(file, CONTENT.length, () => {}, never);
    expect(found.summary).toEqual(MANIFEST.summary);
    const prefix = storage.workers.prefixHash(file);
    await prefix.advance(5);
    expect(prefix.hashedBytes).toBe(5);
    await prefix.advance(CONTENT.length);
    expect(await prefix.finish()).toBe(MANIFEST.summary.sha1);
    await expect(prefix.finish()).rejects.toThrow(Failure);
  });
});

describe("a simulated download", () => {
  test("left without an end goes on with what is right of what was recorded", async () => {
    const storage = new SimStorage();
    const first = await opened(storage);
    const slot = slotWith(storage, 2);
    await storage.workers.store(first.file, MANIFEST, 2 as PieceIndex, slot, () => {});
    first.recordWritten(2 as PieceIndex);
    first.recordWritten(1 as PieceIndex);
    const second = await opened(storage);
    expect([...second.resumed.indices()]).toEqual([2]);
  });

  test("is placed once, never over another, and then found complete", async () => {
    const storage = new SimStorage();
    const download = await opened(storage);
    storage.bytesOf(download.file).set(CONTENT);
    storage.placed.set(TARGET.path, new Uint8Array(3));
    await expect(download.place()).rejects.toThrow("not overwritten");
    storage.placed.delete(TARGET.path);
    await download.place();
    expect(storage.isLeft(TARGET.path)).toBe(false);
    expect((await storage.openDownload(TARGET, () => {}, never)).kind).toBe("complete");
  });

  test("that is discarded leaves nothing", async () => {
    const storage = new SimStorage();
    const download = await opened(storage);
    expect(storage.isLeft(TARGET.path)).toBe(true);
    await download.discard();
    expect(storage.isLeft(TARGET.path)).toBe(false);
  });
});
