/**
 * Many small files at once on the disk: what each would cost by itself, a job for a worker and a sync, is paid for many.
 *
 * Invariant: a file gets its name only when its content is on the disk, and content only if both of its hashes were right.
 * What is not as simple as that (something is there already, no room, another file system) is left to who opens files one
 * by one and can say what is wrong. A kill leaves part files that the next look removes: see `small-part.ts`.
 */
import { type FileHandle, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { defined } from "../../base/assert.ts";
import type { Clock } from "../../base/clock.ts";
import { syncThrough } from "../../base/drive-sync.ts";
import { Failure } from "../../base/failure.ts";
import { SMALL_FILE_COST_BYTES } from "../../base/limits.ts";
import { HERE } from "../../base/platform.ts";
import type {
  DownloadTarget,
  PlacedFile,
  Slot,
  SmallFileDisk,
  SmallFilesOnDisk,
  SmallStored,
} from "./contract.ts";
import { type FileIdentity, identityOf } from "./file-identity.ts";
import { ensureNoLinks, makeFolders } from "./folder-chain.ts";
import { syncFolder } from "./folder-sync.ts";
import { partPathOf, requireRoom } from "./part-file.ts";
import { PIECE_HASH_BYTES } from "./piece-hash.ts";
import { smallPartPathOf } from "./small-part.ts";
import { SyncTogether } from "./sync-together.ts";
import type { HashedSmall, RunSmallJob } from "./worker-protocol.ts";

export class SmallFiles implements SmallFileDisk {
  readonly #run: RunSmallJob;
  readonly #together: SyncTogether;

  constructor(run: RunSmallJob, clock: Pick<Clock, "monotonicMs">) {
    this.#run = run;
    this.#together = new SyncTogether(run, clock);
  }

  async load(
    slot: Slot,
    files: readonly { readonly path: string; readonly bytes: number }[],
  ): Promise<readonly (HashedSmall | undefined)[]> {
    const paths = files.map(({ path }) => path);
    const sizes = files.map(({ bytes }) => bytes);
    const reply = await this.#run({
      kind: "load-small",
      slot: slot.index,
      paths,
      sizes,
      length: cost(files),
    });
    return reply.kind === "hashed-small" ? reply.files : [];
  }

  async begin(targets: readonly DownloadTarget[]): Promise<SmallFilesOnDisk> {
    const folders = new Map(targets.map((target) => [dirname(target.path), target]));
    const opened = await Promise.all([...folders].map(([folder, target]) => openFolder(folder, target)));
    const devices = new Map<string, FileHandle>();
    const usable = new Set<string>();
    for (const each of opened) {
      if (each === undefined) continue;
      usable.add(each.folder);
      if (devices.has(each.device)) await each.handle.close();
      else devices.set(each.device, each.handle);
    }
    const free = await this.#free(targets.filter(({ path }) => usable.has(dirname(path))));
    return new SmallFilesBeingStored(this.#run, this.#together, free, devices);
  }

  /** @returns where the part file of each will be whose place is free */
  async #free(targets: readonly DownloadTarget[]): Promise<ReadonlyMap<DownloadTarget, string>> {
    const [first] = targets;
    const free = new Map<DownloadTarget, string>();
    if (first === undefined) return free;
    const bytes = targets.reduce((sum, { manifest }) => sum + manifest.summary.size, 0);
    const hasRoom = await requireRoom(first.path, bytes).then(
      () => true,
      () => false,
    );
    if (!hasRoom) return free;
    const parts = targets.map(smallPartPathOf);
    const reply = await this.#run({
      kind: "look-small",
      paths: targets.map(({ path }) => path),
      parts,
      others: targets.map(({ path, journalPath }) => [partPathOf(path), journalPath]),
      length: cost(targets),
    });
    if (reply.kind !== "looked") return free;
    for (const [at, target] of targets.entries()) if (reply.free[at]) free.set(target, parts[at] ?? "");
    return free;
  }
}

interface OpenedFolder {
  readonly folder: string;
  readonly device: string;
  readonly handle: FileHandle;
}

/** @returns undefined for what cannot be used: who opens the files one by one tells why */
async function openFolder(folder: string, { base, path }: DownloadTarget): Promise<OpenedFolder | undefined> {
  try {
    await makeFolders(base, path);
    const handle = await open(folder, "r");
    const { device } = identityOf(await handle.stat({ bigint: true }));
    return { folder, device, handle };
  } catch {
    return undefined;
  }
}

/** A part file and what it was when it was written. */
interface Written {
  readonly part: string;
  readonly identity: FileIdentity;
}

class SmallFilesBeingStored implements SmallFilesOnDisk {
  readonly free: ReadonlyMap<DownloadTarget, string>;
  readonly #run: RunSmallJob;
  readonly #together: SyncTogether;
  /** A folder of each file system, opened before anything is written to it. */
  readonly #devices: ReadonlyMap<string, FileHandle>;
  readonly #written = new Map<DownloadTarget, Written>();
  /** Some were not synced by themselves. */
  #isSyncDue = false;

  constructor(
    run: RunSmallJob,
    together: SyncTogether,
    free: ReadonlyMap<DownloadTarget, string>,
    devices: ReadonlyMap<string, FileHandle>,
  ) {
    this.#run = run;
    this.#together = together;
    this.free = free;
    this.#devices = devices;
  }

  #partOf(target: DownloadTarget): string {
    return defined(this.free.get(target), "only what is free is written");
  }

  async write(slot: Slot | undefined, targets: readonly DownloadTarget[]): Promise<SmallStored> {
    const parts = targets.map((target) => this.#partOf(target));
    const sync = !(await this.#together.isUsed());
    if (!sync) this.#isSyncDue = true;
    const reply = await this.#run({
      kind: "write-small",
      slot: slot?.index,
      parts,
      sizes: targets.map(({ manifest }) => manifest.summary.size),
      rows: rowsOf(targets),
      modifiedMs: targets.map(({ attributes }) => attributes?.modifiedMs),
      executable: targets.map(({ attributes }) => attributes?.executable === true),
      sync,
      length: cost(targets),
    });
    if (reply.kind === "rejected") return "rejected";
    if (reply.kind !== "wrote-small") return "written";
    for (const [at, target] of targets.entries()) {
      const file = reply.files[at];
      const part = parts[at];
      if (part !== undefined && file !== undefined && "inode" in file)
        this.#written.set(target, { part, identity: file });
    }
    return "written";
  }

  async place(
    isWanted: (target: DownloadTarget) => boolean,
  ): Promise<ReadonlyMap<DownloadTarget, PlacedFile>> {
    const placed = new Map<DownloadTarget, PlacedFile>();
    try {
      await this.#sync();
      const able = await this.#placeable([...this.#written.keys()].filter(isWanted));
      for (const target of await this.#placeAll(able)) {
        const { identity } = this.#written.get(target) ?? {};
        if (identity !== undefined)
          placed.set(target, { identity, executable: target.attributes?.executable === true });
        this.#written.delete(target);
      }
      await Promise.all([...foldersOf([...placed.keys()])].map((folder) => syncFolder(folder)));
    } catch {
      // Those that have no place are left to be fetched one by one.
    }
    return placed;
  }

  async close(): Promise<void> {
    const left = [...this.#written.values()];
    this.#written.clear();
    await Promise.all(left.map(({ part }) => unlink(part).catch(() => {})));
    await Promise.all([...this.#devices.values()].map((handle) => handle.close()));
  }

  /** @throws Failure if anything may not be on the disk */
  async #sync(): Promise<void> {
    const used = new Set([...this.#written.values()].map(({ identity }) => identity.device));
    const handles = [...this.#devices].filter(([device]) => used.has(device)).map(([, handle]) => handle);
    if (handles.length < used.size) throw new Failure("disk-error", "a folder is on another file system");
    if (this.#isSyncDue) await this.#together.sync(handles.map(({ fd }) => fd));
    if (!HERE.syncsDrive) await this.#syncDrives();
  }

  /** Where a sync ends at the drive's memory, one that goes through takes along what came before it. */
  async #syncDrives(): Promise<void> {
    const onePerDevice = new Map(
      [...this.#written.values()].map(({ part, identity }) => [identity.device, part]),
    );
    for (const part of onePerDevice.values()) {
      await using file = await open(part, "r");
      await syncThrough(file, "in order");
    }
  }

  /** Those whose folders are still what they were: links that came meanwhile are not followed. */
  async #placeable(targets: readonly DownloadTarget[]): Promise<DownloadTarget[]> {
    const sound = new Map<string, boolean>();
    for (const { base, path } of targets) {
      const folder = dirname(path);
      if (sound.has(folder)) continue;
      sound.set(
        folder,
        await ensureNoLinks(base, path).then(
          () => true,
          () => false,
        ),
      );
    }
    return targets.filter(({ path }) => sound.get(dirname(path)) === true);
  }

  async #placeAll(targets: readonly DownloadTarget[]): Promise<readonly DownloadTarget[]> {
    const reply = await this.#run({
      kind: "place-small",
      parts: targets.map((target) => this.#partOf(target)),
      paths: targets.map(({ path }) => path),
      length: cost(targets),
    });
    if (reply.kind !== "placed-small") return [];
    return targets.filter((_, at) => reply.outcomes[at] === undefined);
  }
}

function foldersOf(targets: readonly DownloadTarget[]): Set<string> {
  return new Set(targets.map(({ path }) => dirname(path)));
}

function rowsOf(targets: readonly DownloadTarget[]): Uint8Array {
  const rows = new Uint8Array(targets.length * PIECE_HASH_BYTES);
  let at = 0;
  for (const { manifest } of targets) {
    rows.set(manifest.rows, at);
    at += manifest.rows.length;
  }
  return rows.subarray(0, at);
}

function cost(files: readonly unknown[]): number {
  return files.length * SMALL_FILE_COST_BYTES;
}
