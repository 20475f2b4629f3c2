/**
 * A bundle of small files from the first question to their places: fetched by a swarm, written, synced and placed together.
 *
 * Invariant: each of its files ends in exactly one way: placed, or `left` to be fetched by itself, or without a word if it
 * was not wanted any more. It tries once: whatever it cannot do simply (a source that goes, a file that is in the way, a
 * full disk) is for the download of that one file, which waits, tries again and says why. What this machine has already is
 * copied (`local-copy`).
 */
import { assert } from "../base/assert.ts";
import { Bitfield } from "../base/bitfield.ts";
import type { Gid, PieceIndex } from "../base/ids.ts";
import { BUNDLE_LOOK_MS, BUNDLE_SOURCES_FRESH_MS } from "../base/limits.ts";
import type { Source } from "../wire/client-tracker.ts";
import { Bundle, cutIntoPieces } from "./bundle.ts";
import type { DownloadOrder, SourceSnapshot } from "./contract.ts";
import type { PlacedFile, Slot, SmallFileDisk, SmallFilesOnDisk, StoreOutcome } from "./disk/contract.ts";
import { copyFromHere, type LocalCopyDependencies } from "./local-copy.ts";
import { Swarm, type SwarmDependencies } from "./swarm.ts";

/** One file of a bundle. */
export interface BundledFile {
  readonly order: DownloadOrder;
  readonly bytes: number;
  /** Paused, cancelled or suspended: it is not to be placed. */
  readonly isWanted: boolean;
  /** It is fetched now. */
  begun(by: BundleDownload): void;
  placed(file: PlacedFile): void;
  /** To be fetched by itself. */
  left(): void;
}

export interface BundleDependencies extends SwarmDependencies, Pick<LocalCopyDependencies, "here"> {
  readonly smallFiles: SmallFileDisk;
}

/** Where a bundle comes from: machines that are said to share each of its files, or this one. */
export type BundleFrom = readonly Source[] | "here";

export class BundleDownload {
  /** Every file has ended. Never fails. */
  readonly ended: Promise<void>;
  readonly #dependencies: BundleDependencies;
  readonly #gid: Gid;
  readonly #files: readonly BundledFile[];
  readonly #byOrder: ReadonlyMap<DownloadOrder, BundledFile>;
  readonly #from: BundleFrom;
  #swarm: Swarm | undefined;
  #budget: number;
  #fetched = Promise.withResolvers<void>();
  #lastSources: readonly SourceSnapshot[] = [];
  #lookedMs = Number.NEGATIVE_INFINITY;
  #isPlacing = false;

  /** Starts at once. @param files of one group, one at least; from others, of each content one */
  constructor(dependencies: BundleDependencies, gid: Gid, files: readonly BundledFile[], from: BundleFrom) {
    assert(from === "here" || areDifferent(files), "a bundle asks for each content once");
    this.#dependencies = dependencies;
    this.#gid = gid;
    this.#files = files;
    this.#byOrder = new Map(files.map((file) => [file.order, file]));
    this.#from = from;
    this.#budget = dependencies.budget;
    for (const file of files) file.begun(this);
    this.ended = this.#work();
  }

  setBudget(pieces: number): void {
    this.#budget = pieces;
    this.#swarm?.setBudget(pieces);
  }

  limitChanged(): void {
    this.#swarm?.limitChanged();
  }

  /** Of all its files. Many ask at the same time, and are told the same. */
  get sources(): readonly SourceSnapshot[] {
    const nowMs = this.#dependencies.clock.monotonicMs();
    if (this.#swarm !== undefined && nowMs - this.#lookedMs > BUNDLE_SOURCES_FRESH_MS) {
      this.#lastSources = this.#swarm.snapshot().sources;
      this.#lookedMs = nowMs;
    }
    return this.#lastSources;
  }

  /** A file is not wanted any more. @returns once nothing of it can come into its place */
  async fileLeaves(): Promise<void> {
    const isEmpty = !this.#files.some(({ isWanted }) => isWanted);
    if (isEmpty) this.#fetched.resolve();
    if (isEmpty || this.#isPlacing) await this.ended;
  }

  async #work(): Promise<void> {
    const targets = this.#files.map(({ order }) => order);
    const disk = await this.#dependencies.smallFiles.begin(targets);
    const placed = await this.#fetchAndPlace(disk).catch(() => new Map<DownloadOrder, PlacedFile>());
    for (const file of this.#files) {
      const at = placed.get(file.order);
      if (at !== undefined) file.placed(at);
      else if (file.isWanted) file.left();
    }
  }

  async #fetchAndPlace(disk: SmallFilesOnDisk): Promise<ReadonlyMap<DownloadOrder, PlacedFile>> {
    try {
      const able = this.#files.filter(({ order, isWanted }) => isWanted && disk.free.has(order));
      const empty = able.filter(({ bytes }) => bytes === 0);
      if (empty.length > 0) await disk.write(undefined, ordersOf(empty));
      await this.#fill(
        disk,
        able.filter(({ bytes }) => bytes > 0),
      );
      this.#isPlacing = true;
      const placed = await disk.place(
        (target) => this.#byOrder.get(target as DownloadOrder)?.isWanted === true,
      );
      return placed as ReadonlyMap<DownloadOrder, PlacedFile>;
    } finally {
      await disk.close().catch(() => {});
    }
  }

  #fill(disk: SmallFilesOnDisk, files: readonly BundledFile[]): Promise<void> {
    const from = this.#from;
    return from === "here"
      ? copyFromHere(this.#dependencies, this.#gid, files, disk)
      : this.#fetch(disk, files, from);
  }

  async #fetch(
    disk: SmallFilesOnDisk,
    files: readonly BundledFile[],
    sources: readonly Source[],
  ): Promise<void> {
    if (files.length === 0) return;
    const pieces = cutIntoPieces(files);
    const bundle = new Bundle(pieces);
    const swarm = new Swarm(
      { ...this.#dependencies, budget: this.#budget },
      {
        wanted: {
          kind: "open-bundle",
          gid: this.#gid,
          pieces: pieces.map((some) => some.map(({ order }) => order.manifest.summary.fileId)),
        },
        table: bundle,
        have: new Bitfield(bundle.pieces),
        store: (piece, slot, verified) => store(disk, bundle, piece, slot, verified),
      },
      {
        record: async () => {},
        written: () => {},
        // A disk that takes nothing is told of by the files' own downloads.
        diskFailed: () => this.#fetched.resolve(),
        diskReady: () => {},
        done: () => this.#fetched.resolve(),
      },
    );
    this.#swarm = swarm;
    for (const source of sources) swarm.addSource(source);
    const cancelLook = this.#lookNowAndThen(swarm);
    await this.#fetched.promise;
    cancelLook();
    this.#lastSources = swarm.snapshot().sources;
    this.#swarm = undefined;
    await swarm.stop();
  }

  /** Where nobody can go on with it, it is given up. @returns ends that */
  #lookNowAndThen(swarm: Swarm): () => void {
    const { clock } = this.#dependencies;
    let cancel = () => {};
    const look = () => {
      if (!swarm.snapshot().sources.some(mayGoOn)) this.#fetched.resolve();
      else cancel = clock.after(BUNDLE_LOOK_MS, look);
    };
    cancel = clock.after(BUNDLE_LOOK_MS, look);
    return () => cancel();
  }
}

function areDifferent(files: readonly BundledFile[]): boolean {
  return new Set(files.map(({ order }) => order.manifest.summary.fileId)).size === files.length;
}

function mayGoOn({ state, limit }: SourceSnapshot): boolean {
  return state === "connecting" || (state === "connected" && limit !== "nothing-missing");
}

async function store(
  disk: SmallFilesOnDisk,
  bundle: Bundle<BundledFile>,
  piece: PieceIndex,
  slot: Slot,
  verified: () => void,
): Promise<StoreOutcome> {
  const stored = await disk.write(slot, ordersOf(bundle.filesOf(piece)));
  if (stored === "rejected") return { kind: "rejected" };
  verified();
  return { kind: "written" };
}

function ordersOf(files: readonly BundledFile[]): DownloadOrder[] {
  return files.map(({ order }) => order);
}
