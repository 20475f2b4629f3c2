/**
 * One download from first byte to last: opened on disk, fetched by a swarm, held against the whole-file SHA-1, placed.
 *
 * Owns the order of these steps, what is served of the file meanwhile, and that each way out (complete, failed, suspended,
 * cancelled) closes what was opened exactly once. Which piece comes from whom is for the swarm; what is on disk is for
 * the `DownloadFile`.
 */
import { Failure, toFailure } from "../base/failure.ts";
import type { PieceIndex } from "../base/ids.ts";
import { SHA1_BYTES } from "../base/manifest.ts";
import type { Source } from "../wire/client-tracker.ts";
import type { Download, DownloadOrder, DownloadPhase, DownloadSnapshot } from "./contract.ts";
import type {
  DiscardDownload,
  DownloadFile,
  OpenDownload,
  PieceWorkers,
  PrefixHash,
} from "./disk/contract.ts";
import { PartOfFile } from "./part-of-file.ts";
import type { PeerServer } from "./peer-server.ts";
import { PrefixFollower } from "./prefix-follower.ts";
import type { ServedFile } from "./served-file.ts";
import { Swarm, type SwarmDependencies } from "./swarm.ts";

export interface FileDownloadDependencies extends SwarmDependencies {
  readonly server: PeerServer;
  readonly workers: Pick<PieceWorkers, "store" | "load" | "prefixHash">;
  readonly openDownload: OpenDownload;
  readonly discardDownload: DiscardDownload;
  /** The phase changed. */
  changed(download: FileDownload): void;
  /** The file is at its place and its descriptor about to be closed: serve it from there. */
  placed(download: FileDownload): void;
  /** Something that people should know and that stops nothing. */
  notice(message: string): void;
}

/** What stands while the part file is open. */
interface Open {
  readonly disk: DownloadFile;
  readonly swarm: Swarm;
  readonly served: ServedFile;
  readonly prefix: PrefixHash;
  readonly follower: PrefixFollower;
}

export class FileDownload implements Download {
  readonly order: DownloadOrder;
  readonly ended: Promise<"complete" | "failed" | "ended">;
  readonly #dependencies: FileDownloadDependencies;
  readonly #abort = new AbortController();
  readonly #sources = new Map<string, Source>();
  readonly #run: Promise<void>;
  #phase: DownloadPhase = { kind: "opening" };
  #open: Open | undefined;
  #openedBytes = 0;
  #paused = false;
  /** Why the disk takes no pieces at present. */
  #diskFailure: Failure | undefined;
  #budget: number;
  #fetched: PromiseWithResolvers<"done" | "stopped"> = Promise.withResolvers();
  #last: Omit<DownloadSnapshot, "phase"> | undefined;
  #leftBy: "suspend" | "cancel" | undefined;

  /** Starts at once. */
  constructor(dependencies: FileDownloadDependencies, order: DownloadOrder) {
    this.order = order;
    this.#dependencies = dependencies;
    this.#budget = dependencies.budget;
    const { promise, resolve } = Promise.withResolvers<"complete" | "failed" | "ended">();
    this.ended = promise;
    // The swarm finds the tracker's answer there when the file is open; a refusal it gets, and tells, itself.
    dependencies.authority.grant(order.gid).catch(() => {});
    this.#run = this.#work().then(resolve);
  }

  snapshot(): DownloadSnapshot {
    return { phase: this.#phase, ...this.#progress() };
  }

  addSource(source: Source): void {
    this.#sources.set(source.fingerprint, source);
    this.#open?.swarm.addSource(source);
  }

  setBudget(pieces: number): void {
    this.#budget = pieces;
    this.#open?.swarm.setBudget(pieces);
  }

  limitChanged(): void {
    this.#open?.swarm.limitChanged();
  }

  async pause(): Promise<void> {
    this.#paused = true;
    this.#open?.swarm.pause();
    this.#enterRunning();
  }

  resume(): void {
    this.#paused = false;
    this.#open?.swarm.resume();
    this.#enterRunning();
  }

  async suspend(): Promise<void> {
    await this.#leave("suspend");
  }

  async cancel(): Promise<void> {
    await this.#leave("cancel");
  }

  async #leave(how: "suspend" | "cancel"): Promise<void> {
    if (how === "cancel" || this.#leftBy === undefined) this.#leftBy = how;
    this.#abort.abort();
    this.#fetched.resolve("stopped");
    // What is left of a large file would take long, for nothing.
    this.#open?.prefix.dispose();
    await this.#run;
  }

  get #isOver(): boolean {
    return this.#phase.kind === "complete" || this.#phase.kind === "failed";
  }

  /** Before it finishes. A pause comes before a full disk: it is the user's own. */
  #enterRunning(): void {
    if (this.#leftBy !== undefined || this.#phase.kind === "finishing") return;
    if (this.#paused) this.#enter({ kind: "paused" });
    else if (this.#diskFailure !== undefined) this.#enter({ kind: "disk-wait", failure: this.#diskFailure });
    else this.#enter({ kind: this.#open === undefined ? "opening" : "fetching" });
  }

  #enter(phase: DownloadPhase): void {
    if (this.#phase.kind === phase.kind || this.#isOver) return;
    this.#phase = phase;
    this.#dependencies.changed(this);
  }

  #progress(): Omit<DownloadSnapshot, "phase"> {
    if (this.#open !== undefined) return this.#open.swarm.snapshot();
    return this.#last ?? { doneBytes: this.#openedBytes, rate: 0, wastedBytes: 0, sources: [] };
  }

  // --- the steps ---

  async #work(): Promise<"complete" | "failed" | "ended"> {
    try {
      const opened = await this.#openFile();
      if (opened === "complete") {
        this.#openedBytes = this.order.manifest.summary.size;
        return this.#complete();
      }
      return await this.#fetchAndFinish(opened);
    } catch (error) {
      if (this.#leftBy !== undefined) return await this.#leaveNothingOpen();
      this.#enter({ kind: "failed", failure: toFailure(error) });
      return "failed";
    }
  }

  /** It was left before it was open, or did not end well. */
  async #leaveNothingOpen(): Promise<"ended"> {
    const { discardDownload, notice } = this.#dependencies;
    if (this.#leftBy === "cancel")
      await discardDownload({ ...this.order, fileId: this.order.manifest.summary.fileId }).catch(
        (error: unknown) => notice(toFailure(error).message),
      );
    return "ended";
  }

  async #openFile(): Promise<Open | "complete"> {
    const { openDownload, notice } = this.#dependencies;
    const progress = (bytes: number) => {
      this.#openedBytes = bytes;
    };
    const opened = await openDownload(this.order, progress, this.#abort.signal);
    if (opened.kind === "complete") return "complete";
    if (opened.notice !== undefined) notice(opened.notice);
    return this.#begin(opened.download);
  }

  /** In one go, so that nothing that is said to this download falls between closed and open. */
  #begin(disk: DownloadFile): Open {
    const { workers, server } = this.#dependencies;
    const { manifest, gid } = this.order;
    const swarm = this.#startSwarm(disk);
    const served = new PartOfFile(gid, manifest, swarm.have, (piece, slot, verify) =>
      workers.load(disk.file, manifest, piece, slot, verify),
    );
    // A whole one, shared from another place, has more to give.
    if (server.find(gid, manifest.summary.fileId) === undefined) server.serve(served);
    const prefix = workers.prefixHash(disk.file);
    this.#open = { disk, swarm, served, prefix, follower: new PrefixFollower(prefix, manifest, swarm.have) };
    return this.#open;
  }

  #startSwarm(disk: DownloadFile): Swarm {
    const { gid, manifest } = this.order;
    const { workers } = this.#dependencies;
    const swarm = new Swarm(
      { ...this.#dependencies, budget: this.#budget },
      {
        wanted: { kind: "open", gid, fileId: manifest.summary.fileId },
        table: manifest,
        have: disk.resumed,
        store: (piece, slot, verified) => workers.store(disk.file, manifest, piece, slot, verified),
      },
      {
        record: (piece) => disk.recordWritten(piece),
        written: (piece) => this.#written(piece),
        diskFailed: (failure) => this.#diskChanged(failure),
        diskReady: () => this.#diskChanged(undefined),
        done: () => this.#fetched.resolve("done"),
      },
    );
    if (this.#paused || this.#leftBy !== undefined) swarm.pause();
    for (const source of this.#sources.values()) swarm.addSource(source);
    return swarm;
  }

  #diskChanged(failure: Failure | undefined): void {
    this.#diskFailure = failure;
    this.#enterRunning();
  }

  async #fetchAndFinish(open: Open): Promise<"complete" | "failed" | "ended"> {
    try {
      if (open.swarm.have.isFull) this.#fetched.resolve("done");
      else this.#enterRunning();
      this.#hashOn(open);
      const fetched = await this.#fetched.promise;
      await open.swarm.stop();
      if (fetched === "stopped") return await this.#end(open);
      this.#enter({ kind: "finishing" });
      await this.#checkAndPrepare(open);
      await open.disk.place();
      return this.#complete();
    } catch (error) {
      await this.#keepOrDiscard(open, toFailure(error));
      throw error;
    } finally {
      this.#last = { ...open.swarm.snapshot(), rate: 0 };
      this.#open = undefined;
      this.#dependencies.server.stop(open.served);
      open.prefix.dispose();
      await open.swarm.stop();
      // All that counts was synced, or failed, before.
      await open.disk.close().catch(() => {});
    }
  }

  /** The file is offered from its place, but not by one who is logging out. */
  #complete(): "complete" {
    if (this.#leftBy !== "suspend") this.#dependencies.placed(this);
    this.#enter({ kind: "complete" });
    return "complete";
  }

  async #end(open: Open): Promise<"ended"> {
    if (this.#leftBy === "cancel") await open.disk.discard();
    else await open.disk.suspend();
    return "ended";
  }

  /** A file whose SHA-1 is wrong although all its pieces are right was announced wrongly: no part of it is worth keeping. */
  async #keepOrDiscard(open: Open, failure: Failure): Promise<void> {
    const isWorthless = failure.code === "corrupt" || this.#leftBy === "cancel";
    await (isWorthless ? open.disk.discard() : open.disk.suspend()).catch(() => {});
  }

  /** The one keeps a core busy, the other the disk. After a failure of one nothing is closed before the other has ended. */
  async #checkAndPrepare(open: Open): Promise<void> {
    for (const outcome of await Promise.allSettled([this.#checkWhole(open), open.disk.prepare()]))
      if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Of a file of one piece all is known when that is verified. */
  #hashOn({ follower }: Open): void {
    if (this.order.manifest.pieces > 1) follower.grew();
  }

  async #checkWhole({ prefix }: Open): Promise<void> {
    const { size, sha1 } = this.order.manifest.summary;
    const found = this.#sha1OfOnlyPiece() ?? (await this.#wholeSha1(prefix, size));
    if (this.#leftBy !== undefined) throw new Failure("internal", "ended while it was verified");
    if (found !== sha1)
      throw new Failure(
        "corrupt",
        `the whole file's SHA-1 is ${found}, not ${sha1} as its sharer said; nothing was kept; ask for it to be shared anew`,
      );
  }

  /** The one that the piece was held against before it was written. */
  #sha1OfOnlyPiece(): string | undefined {
    const { manifest } = this.order;
    if (manifest.pieces !== 1) return undefined;
    return Buffer.from(manifest.rows.subarray(0, SHA1_BYTES)).toString("hex");
  }

  async #wholeSha1(prefix: PrefixHash, size: number): Promise<string> {
    await prefix.advance(size);
    return prefix.finish();
  }

  #written(piece: PieceIndex): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#dependencies.server.announce(open.served, [piece]);
    this.#hashOn(open);
  }
}
