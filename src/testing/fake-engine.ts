/** A transfer that moves no bytes: a test says what becomes of each download. */
import type { Address } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import type { FileId, Fingerprint, Gid, Uid } from "../base/ids.ts";
import type {
  Direction,
  Download,
  DownloadOrder,
  DownloadPhase,
  DownloadSnapshot,
  Offer,
  RateLimits,
  SourceSnapshot,
  TransferAuthority,
  TransferEngine,
  TransferEvents,
} from "../transfer/contract.ts";
import type { LeftDownload } from "../transfer/disk/contract.ts";
import type { Source } from "../wire/client-tracker.ts";

type Outcome = Awaited<Download["ended"]>;

export class FakeDownload implements Download {
  readonly order: DownloadOrder;
  readonly ended: Promise<Outcome>;
  /** Calls of its methods, in order. */
  readonly said: string[] = [];
  readonly sources = new Map<string, SourceSnapshot>();
  doneBytes = 0;
  readonly #engine: FakeEngine;
  readonly #end: (outcome: Outcome) => void;
  #phase: DownloadPhase = { kind: "opening" };

  constructor(engine: FakeEngine, order: DownloadOrder) {
    this.#engine = engine;
    this.order = order;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** Moves to another phase, unless it has ended. */
  enter(phase: DownloadPhase): void {
    if (this.#phase.kind === "complete" || this.#phase.kind === "failed") return;
    this.#phase = phase;
    this.#engine.events.changed(this);
    if (phase.kind === "complete" || phase.kind === "failed") this.#end(phase.kind);
  }

  complete(): void {
    const { gid, manifest, path } = this.order;
    const file = manifest.summary;
    this.#engine.offer({ gid, file, manifest: async () => manifest, path, identity: undefined, fresh: true });
    this.enter({ kind: "complete" });
  }

  fail(failure: Failure): void {
    this.enter({ kind: "failed", failure });
  }

  /** As if a connection to the source had come up, or gone. */
  show(source: Source, state: SourceSnapshot["state"], trouble?: string): void {
    this.sources.set(source.fingerprint, { source, state, verifiedBytes: 0, wrongPieces: 0, trouble });
  }

  snapshot(): DownloadSnapshot {
    const { doneBytes } = this;
    return { phase: this.#phase, doneBytes, rate: 0, wastedBytes: 0, sources: [...this.sources.values()] };
  }

  addSource(source: Source): void {
    this.said.push(`source ${source.user}`);
    this.show(source, "connected");
  }

  async pause(): Promise<void> {
    this.said.push("pause");
    this.enter({ kind: "paused" });
  }

  resume(): void {
    this.said.push("resume");
    this.enter({ kind: "fetching" });
  }

  async cancel(): Promise<void> {
    this.said.push("cancel");
    this.#end("ended");
  }

  async suspend(): Promise<void> {
    this.said.push("suspend");
    this.#end("ended");
  }
}

export class FakeEngine implements TransferEngine {
  readonly offers = new Map<string, Offer>();
  readonly downloads: FakeDownload[] = [];
  readonly revoked: string[] = [];
  readonly withdrawnGroups: Gid[] = [];
  /** Paths of downloads of which nothing may be left. */
  readonly discarded: string[] = [];
  readonly authority: TransferAuthority;
  readonly events: TransferEvents;
  /** What a new download does first; by default it opens and fetches. */
  whenAsked: (download: FakeDownload) => void = (download) => download.enter({ kind: "fetching" });
  /** Ports that another program has. */
  readonly #taken: ReadonlySet<number>;
  closed = false;
  readonly #limits: Record<Direction, number | undefined> = { up: undefined, down: undefined };

  constructor(authority: TransferAuthority, events: TransferEvents, taken: readonly number[] = []) {
    this.authority = authority;
    this.events = events;
    this.#taken = new Set(taken);
  }

  async listen(address: Address): Promise<Address> {
    if (this.#taken.has(address.port)) throw new Failure("address-in-use", "another program listens there");
    return { host: address.host, port: address.port === 0 ? 49_152 : address.port };
  }

  offer(offer: Offer): void {
    this.offers.set(offerKey(offer.gid, offer.file.fileId), offer);
  }

  withdraw(gid: Gid, fileId: FileId): void {
    this.offers.delete(offerKey(gid, fileId));
  }

  async quiesce(): Promise<void> {
    this.offers.clear();
    await Promise.all(this.downloads.map((download) => download.suspend()));
  }

  download(order: DownloadOrder): FakeDownload {
    const download = new FakeDownload(this, order);
    this.downloads.push(download);
    queueMicrotask(() => this.whenAsked(download));
    return download;
  }

  async discard({ path }: LeftDownload): Promise<void> {
    this.discarded.push(path);
  }

  revoke(gid: Gid, uid: Uid, spared?: Fingerprint): void {
    this.revoked.push(spared === undefined ? offerKey(gid, uid) : `${offerKey(gid, uid)} but ${spared}`);
  }

  withdrawGroup(gid: Gid): void {
    this.withdrawnGroups.push(gid);
  }

  readmit(gid: Gid, uid: Uid): void {
    this.revoked.splice(0, this.revoked.length, ...this.revoked.filter((key) => key !== offerKey(gid, uid)));
  }

  refusals(): ReturnType<TransferEngine["refusals"]> {
    return new Map();
  }

  limit(direction: Direction, bytesPerSecond: number | undefined): void {
    this.#limits[direction] = bytesPerSecond;
  }

  limits(): RateLimits {
    return { ...this.#limits };
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function offerKey(gid: Gid, id: string): string {
  return `${gid} ${id}`;
}
