/**
 * Machines that share and fetch small files in bundles: real engines, workers and folders, on the simulated network. What a
 * machine reads for others, and whether a disk takes what it is given, a test may change.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Failure } from "../base/failure.ts";
import type { Fingerprint, Uid, UserName } from "../base/ids.ts";
import type { Manifest } from "../base/manifest.ts";
import { systemClock } from "../base/system-clock.ts";
import type { Download, DownloadOrder, TransferEngine } from "../transfer/contract.ts";
import type { DownloadTarget, PieceWorkers, SmallFileDisk } from "../transfer/disk/contract.ts";
import { discardDownload, downloadOpener } from "../transfer/disk/download-opener.ts";
import { HashPool } from "../transfer/disk/hash-pool.ts";
import { SmallFiles } from "../transfer/disk/small-files.ts";
import { createTransferEngine } from "../transfer/engine.ts";
import type { Source } from "../wire/client-tracker.ts";
import { SimNetwork } from "./sim-network.ts";
import { manifestOf } from "./sim-storage.ts";
import { TempFolder } from "./temp-folder.ts";
import { GrantOffice, gid } from "./transfer-world.ts";

/** The modification time of every file that is shared. */
export const MODIFIED_MS = 1_600_000_000_000;

export interface SharedSmall {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

/** So many files, told apart by their first bytes. @param sizes of them, again and again */
export function smallFiles(count: number, sizes: readonly number[] = [1_000]): SharedSmall[] {
  return Array.from({ length: count }, (_, at) => {
    const bytes = new Uint8Array(sizes[at % sizes.length] ?? 0).fill(at % 251);
    bytes.set(new TextEncoder().encode(String(at)).subarray(0, bytes.length));
    return { name: `folder/${at % 3}/${at}.txt`, bytes, manifest: manifestOf(bytes) };
  });
}

export function outcomes(downloads: readonly Download[]): Promise<string[]> {
  return Promise.all(downloads.map(({ ended }) => ended));
}

export class SmallFilesWorld implements AsyncDisposable {
  readonly office = new GrantOffice(systemClock);
  readonly network = new SimNetwork({});
  readonly #machines: SmallFilesMachine[] = [];

  async machine(options: SmallFilesOptions = {}): Promise<SmallFilesMachine> {
    const number = this.#machines.length + 1;
    const machine = new SmallFilesMachine(this, number, await TempFolder.make(), options);
    this.#machines.push(machine);
    await machine.engine.listen(machine.address);
    return machine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const machine of this.#machines) await machine.close();
  }
}

interface SmallFilesOptions {
  /** Stands between a machine and its disk. */
  readonly disk?: (real: SmallFileDisk) => SmallFileDisk;
}

export class SmallFilesMachine {
  readonly engine: TransferEngine;
  readonly broken: Failure[] = [];
  readonly address: { readonly host: string; readonly port: number };
  readonly #folder: TempFolder;
  readonly #fingerprint: Fingerprint;
  readonly #uid: Uid;
  readonly #workers: HashPool;
  /** Pieces that it has read for others one by one. */
  alone = 0;

  constructor(
    world: SmallFilesWorld,
    number: number,
    folder: TempFolder,
    { disk = (real) => real }: SmallFilesOptions,
  ) {
    this.#folder = folder;
    this.#fingerprint = String(number).repeat(64).slice(0, 64) as Fingerprint;
    this.#uid = String(number).repeat(32).slice(0, 32) as Uid;
    this.address = { host: `10.0.0.${number}`, port: 4000 };
    this.#workers = new HashPool({ workers: 2, buffers: 32 });
    const counted = counting(this.#workers, () => this.alone++);
    this.engine = createTransferEngine({
      transport: world.network.transport(this.#fingerprint),
      workers: counted,
      smallFiles: disk(new SmallFiles((job) => this.#workers.runSmall(job), systemClock)),
      openDownload: downloadOpener({ workers: this.#workers, clock: systemClock }),
      discardDownload,
      clock: systemClock,
      authority: {
        fingerprint: this.#fingerprint,
        keys: () => [world.office.publicKey],
        clockAheadMs: () => 0,
        grant: async () => world.office.grant({ uid: this.#uid, fingerprint: this.#fingerprint }),
      },
      events: {
        changed: () => {},
        offerBroken: (_, failure) => this.broken.push(failure),
        notice: () => {},
      },
      seed: number,
    });
  }

  get identity(): { readonly uid: Uid; readonly fingerprint: Fingerprint } {
    return { uid: this.#uid, fingerprint: this.#fingerprint };
  }

  path(name: string): string {
    return this.#folder.join(name);
  }

  read(name: string): Uint8Array {
    return readFileSync(this.path(name));
  }

  isRight({ name, bytes }: SharedSmall): boolean {
    return existsSync(this.path(name)) && Buffer.compare(this.read(name), bytes) === 0;
  }

  /** Part files of whatever kind, wherever. */
  parts(): string[] {
    const names = readdirSync(this.path("."), { recursive: true, encoding: "utf8" });
    return names.filter((name) => name.endsWith(".part"));
  }

  write(name: string, bytes: Uint8Array | string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), bytes);
    utimesSync(this.path(name), MODIFIED_MS / 1000, MODIFIED_MS / 1000);
  }

  share(files: readonly SharedSmall[]): void {
    for (const { name, bytes, manifest } of files) {
      this.write(name, bytes);
      this.engine.offer({
        gid,
        file: manifest.summary,
        manifest: async () => manifest,
        path: this.path(name),
        identity: undefined,
        fresh: false,
      });
    }
  }

  source(): Source {
    const { uid, fingerprint } = this.identity;
    return { user: "ann" as UserName, uid, fingerprint, address: this.address, complete: true };
  }

  order({ name, manifest }: SharedSmall): DownloadOrder {
    const path = this.path(name);
    const attributes = { modifiedMs: MODIFIED_MS, executable: name.includes("/1/") };
    const journalPath = this.path(`journals/${name.replaceAll("/", "-")}`);
    return { gid, manifest, path, base: this.#folder.path, attributes, journalPath };
  }

  fetch(files: readonly SharedSmall[], sources: readonly SmallFilesMachine[]): Download[] {
    return files.map((file) => {
      const download = this.engine.download(this.order(file));
      for (const machine of sources) download.addSource(machine.source());
      return download;
    });
  }

  async close(): Promise<void> {
    await this.engine.close();
    await this.#workers.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

function counting(real: PieceWorkers, loaded: () => void): PieceWorkers {
  const load: PieceWorkers["load"] = (...job) => {
    loaded();
    return real.load(...job);
  };
  return new Proxy(real, {
    get: (target, key) => {
      if (key === "load") return load;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A disk that tells what is asked of it, and may stop before it places. */
export function watched(
  real: SmallFileDisk,
  {
    written = () => {},
    placing = async () => {},
  }: {
    readonly written?: (targets: readonly DownloadTarget[]) => void;
    readonly placing?: () => Promise<void>;
  },
): SmallFileDisk {
  return {
    load: (...read) => real.load(...read),
    async begin(targets) {
      const begun = await real.begin(targets);
      return {
        free: begun.free,
        async write(slot, some) {
          const stored = await begun.write(slot, some);
          written(some);
          return stored;
        },
        async place(isWanted) {
          await placing();
          return begun.place(isWanted);
        },
        close: () => begun.close(),
      };
    },
  };
}
