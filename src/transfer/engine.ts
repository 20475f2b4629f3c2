/**
 * The transfer as a whole: one listening address, one set of links, what is offered and what is being fetched.
 *
 * Owns the composition, and the sharing out of piece buffers between the downloads that run.
 */
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { FileId, Fingerprint, Gid, Uid } from "../base/ids.ts";
import { PACED_SLICE_BYTES, PIECE_BYTES, UPLOADS_AT_ONCE_MAX } from "../base/limits.ts";
import { Pacer } from "../base/pacer.ts";
import { Prng } from "../base/prng.ts";
import type { Transport } from "../net/connection.ts";
import { PacedTransport } from "../net/paced-transport.ts";
import type { GrantRefusal } from "../wire/signed.ts";
import { BundleDownload } from "./bundle-download.ts";
import type {
  Direction,
  Download,
  DownloadOrder,
  Offer,
  RateLimits,
  TransferAuthority,
  TransferEngine,
  TransferEvents,
} from "./contract.ts";
import type {
  DiscardDownload,
  LeftDownload,
  OpenDownload,
  PieceWorkers,
  PlacedFile,
  SmallFileDisk,
} from "./disk/contract.ts";
import { FileDownload } from "./file-download.ts";
import { PeerNetwork } from "./peer-network.ts";
import { PeerServer } from "./peer-server.ts";
import { type OpenSource, SharedFile, sourceOpener } from "./shared-file.ts";
import { SmallDownloads } from "./small-downloads.ts";
import type { SwarmDependencies } from "./swarm.ts";

export interface TransferDependencies {
  readonly transport: Transport;
  readonly workers: PieceWorkers;
  readonly openDownload: OpenDownload;
  readonly discardDownload: DiscardDownload;
  /** undefined: small files are fetched and served one by one. */
  readonly smallFiles?: SmallFileDisk;
  /** How a shared file is opened; from the disk unless something else is handed in. */
  readonly openSource?: OpenSource;
  readonly clock: Clock;
  readonly authority: TransferAuthority;
  readonly events: TransferEvents;
  /** Any 32-bit integer, different on each client. */
  readonly seed: number;
}

export function createTransferEngine(dependencies: TransferDependencies): TransferEngine {
  return new Engine(dependencies);
}

/** What runs and takes its share of the buffers. */
type Running = Pick<FileDownload, "setBudget" | "limitChanged">;

class Engine implements TransferEngine {
  readonly #dependencies: TransferDependencies;
  readonly #seeds: Prng;
  readonly #server: PeerServer;
  readonly #network: PeerNetwork;
  readonly #sending: Pacer;
  readonly #receiving: Pacer;
  readonly #small: SmallDownloads | undefined;
  readonly #running = new Set<Running>();
  readonly #downloads = new Set<Download>();

  constructor(dependencies: TransferDependencies) {
    const { transport, workers, smallFiles, clock, authority, seed } = dependencies;
    this.#dependencies = dependencies;
    this.#seeds = new Prng(seed);
    this.#server = new PeerServer({
      slots: workers.slots,
      smallFiles,
      clock,
      keys: () => authority.keys(),
      nowMs: () => clock.nowMs() + authority.clockAheadMs(),
    });
    this.#sending = new Pacer({ clock, sliceBytes: PACED_SLICE_BYTES });
    this.#receiving = new Pacer({ clock, sliceBytes: PIECE_BYTES });
    const paced = new PacedTransport(transport, this.#sending);
    this.#network = new PeerNetwork({ transport: paced, clock, serving: this.#server });
    this.#small = smallFiles === undefined ? undefined : this.#smallDownloads(smallFiles);
  }

  #smallDownloads(smallFiles: SmallFileDisk): SmallDownloads {
    const { events, discardDownload } = this.#dependencies;
    const here = (gid: Gid, fileId: FileId) => this.#server.find(gid, fileId)?.small;
    return new SmallDownloads({
      alone: (order, as) => this.#alone(order, as),
      isHere: ({ gid, manifest: { summary } }) =>
        summary.size === 0 || here(gid, summary.fileId) !== undefined,
      bundle: (gid, files, from) => {
        const bundle = new BundleDownload(
          { ...this.#swarmDependencies(), smallFiles, here },
          gid,
          files,
          from,
        );
        this.#shareBuffersWith(bundle, bundle.ended);
        return bundle;
      },
      discard: (order) => discardDownload({ ...order, fileId: order.manifest.summary.fileId }),
      changed: (download) => events.changed(download),
      placed: ({ order }, file) => this.#offerPlaced(order, file),
    });
  }

  listen(address: Address): Promise<Address> {
    return this.#network.listen(address);
  }

  offer(offer: Offer): void {
    const { workers, openSource = sourceOpener(workers), clock, events } = this.#dependencies;
    const file = new SharedFile(offer, {
      workers,
      openSource,
      clock,
      broken: (failure) => {
        // One that was withdrawn or replaced while a piece of it was read is nobody's trouble.
        if (this.#server.find(offer.gid, offer.file.fileId) !== file) return;
        this.#server.stop(file);
        events.offerBroken(offer, failure);
      },
    });
    this.#server.serve(file);
  }

  withdraw(gid: Gid, fileId: FileId): void {
    const file = this.#server.find(gid, fileId);
    if (file instanceof SharedFile) this.#server.stop(file);
  }

  async quiesce(): Promise<void> {
    const downloads = [...this.#downloads];
    for (const file of this.#server.served()) this.#server.stop(file);
    await Promise.all(downloads.map((download) => download.suspend()));
  }

  download(order: DownloadOrder): Download {
    const isSmall = order.manifest.summary.size <= PIECE_BYTES;
    const download = isSmall && this.#small !== undefined ? this.#small.add(order) : this.#alone(order);
    this.#downloads.add(download);
    void download.ended.then(() => this.#downloads.delete(download));
    return download;
  }

  /** @param as by what it is known outside; itself if undefined */
  #alone(order: DownloadOrder, as?: Download): FileDownload {
    const { workers, events, openDownload, discardDownload } = this.#dependencies;
    const download = new FileDownload(
      {
        ...this.#swarmDependencies(),
        server: this.#server,
        workers,
        openDownload,
        discardDownload,
        changed: (changed) => events.changed(as ?? changed),
        placed: (placed) => this.#offerPlaced(placed.order),
        notice: (message) => events.notice(message),
      },
      order,
    );
    this.#shareBuffersWith(download, download.ended);
    return download;
  }

  #swarmDependencies(): SwarmDependencies {
    const { workers, clock, authority } = this.#dependencies;
    return {
      network: this.#network,
      slots: workers.slots,
      clock,
      authority,
      budget: this.#budget(this.#running.size + 1),
      receiving: this.#receiving,
      seed: this.#seeds.uint32() | 0,
    };
  }

  /** The whole file, from where it has been placed. */
  #offerPlaced({ gid, manifest, path }: DownloadOrder, file?: PlacedFile): void {
    this.offer({
      gid,
      file: manifest.summary,
      manifest: async () => manifest,
      path,
      identity: file?.identity,
      fresh: false,
    });
  }

  #shareBuffersWith(running: Running, ended: Promise<unknown>): void {
    this.#running.add(running);
    this.#shareOutBuffers();
    void ended.then(() => {
      this.#running.delete(running);
      this.#shareOutBuffers();
    });
  }

  discard(left: LeftDownload): Promise<void> {
    return this.#dependencies.discardDownload(left);
  }

  revoke(gid: Gid, uid: Uid, spared?: Fingerprint): void {
    this.#server.revoke(gid, uid, spared);
  }

  withdrawGroup(gid: Gid): void {
    for (const file of this.#server.served()) if (file.gid === gid) this.#server.stop(file);
  }

  readmit(gid: Gid, uid: Uid): void {
    this.#server.readmit(gid, uid);
  }

  refusals(): ReadonlyMap<GrantRefusal, number> {
    return this.#server.refusals;
  }

  limit(direction: Direction, bytesPerSecond: number | undefined): void {
    if (direction === "up") this.#sending.limit(bytesPerSecond);
    else this.#receiving.limit(bytesPerSecond);
    for (const running of this.#running) running.limitChanged();
  }

  limits(): RateLimits {
    return { up: this.#sending.perSecond, down: this.#receiving.perSecond };
  }

  async close(): Promise<void> {
    await this.quiesce();
    this.#network.close();
  }

  /** Pieces that each of so many that run may hold in buffers; uploads always keep theirs. */
  #budget(running: number): number {
    const forDownloads = this.#dependencies.workers.slots.capacity - UPLOADS_AT_ONCE_MAX;
    return Math.max(1, Math.floor(forDownloads / Math.max(1, running)));
  }

  #shareOutBuffers(): void {
    const budget = this.#budget(this.#running.size);
    for (const running of this.#running) running.setBudget(budget);
  }
}
