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
import type { DiscardDownload, LeftDownload, OpenDownload, PieceWorkers } from "./disk/contract.ts";
import { FileDownload } from "./file-download.ts";
import { PeerNetwork } from "./peer-network.ts";
import { PeerServer } from "./peer-server.ts";
import { type OpenSource, SharedFile, sourceOpener } from "./shared-file.ts";

export interface TransferDependencies {
  readonly transport: Transport;
  readonly workers: PieceWorkers;
  readonly openDownload: OpenDownload;
  readonly discardDownload: DiscardDownload;
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

class Engine implements TransferEngine {
  readonly #dependencies: TransferDependencies;
  readonly #seeds: Prng;
  readonly #server: PeerServer;
  readonly #network: PeerNetwork;
  readonly #sending: Pacer;
  readonly #receiving: Pacer;
  readonly #downloads = new Set<FileDownload>();

  constructor(dependencies: TransferDependencies) {
    const { transport, workers, clock, authority, seed } = dependencies;
    this.#dependencies = dependencies;
    this.#seeds = new Prng(seed);
    this.#server = new PeerServer({
      slots: workers.slots,
      clock,
      keys: () => authority.keys(),
      nowMs: () => clock.nowMs() + authority.clockAheadMs(),
    });
    this.#sending = new Pacer({ clock, sliceBytes: PACED_SLICE_BYTES });
    this.#receiving = new Pacer({ clock, sliceBytes: PIECE_BYTES });
    const paced = new PacedTransport(transport, this.#sending);
    this.#network = new PeerNetwork({ transport: paced, clock, serving: this.#server });
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
    const { workers, clock, authority, events, openDownload, discardDownload } = this.#dependencies;
    const download = new FileDownload(
      {
        network: this.#network,
        server: this.#server,
        workers,
        clock,
        authority,
        openDownload,
        discardDownload,
        budget: this.#budget(this.#downloads.size + 1),
        receiving: this.#receiving,
        seed: this.#seeds.uint32() | 0,
        changed: (changed) => events.changed(changed),
        placed: ({ order: { gid, manifest, path } }) =>
          this.offer({
            gid,
            file: manifest.summary,
            manifest: async () => manifest,
            path,
            identity: undefined,
            fresh: false,
          }),
        notice: (message) => events.notice(message),
      },
      order,
    );
    this.#downloads.add(download);
    this.#shareOutBuffers();
    void download.ended.then(() => {
      this.#downloads.delete(download);
      this.#shareOutBuffers();
    });
    return download;
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
    for (const download of this.#downloads) download.limitChanged();
  }

  limits(): RateLimits {
    return { up: this.#sending.perSecond, down: this.#receiving.perSecond };
  }

  async close(): Promise<void> {
    await this.quiesce();
    this.#network.close();
  }

  /** Pieces that each of so many downloads may hold in buffers; uploads always keep theirs. */
  #budget(downloads: number): number {
    const forDownloads = this.#dependencies.workers.slots.capacity - UPLOADS_AT_ONCE_MAX;
    return Math.max(1, Math.floor(forDownloads / Math.max(1, downloads)));
  }

  #shareOutBuffers(): void {
    const budget = this.#budget(this.#downloads.size);
    for (const download of this.#downloads) download.setBudget(budget);
  }
}
