/**
 * Downloads of files of one piece at most, many of them as a bundle: those that are ordered together and have the same
 * sources.
 *
 * Each stands for itself as a `Download`, and becomes an ordinary one wherever a bundle is not the way: too few, no source
 * named, or what a bundle could not do. Of one content in a group, which may be ordered under many names, one is fetched
 * at a time; the others wait for it, and are copied from where it then lies. Invariant: each is in exactly one of waiting,
 * in a bundle, by itself, resting, over.
 */
import { BUNDLE_FILES_MIN, BUNDLES_AT_ONCE_MAX } from "../base/limits.ts";
import type { Source } from "../wire/client-tracker.ts";
import { cutIntoBundles } from "./bundle.ts";
import type { BundleDownload, BundledFile, BundleFrom } from "./bundle-download.ts";
import type { Download, DownloadOrder, DownloadPhase, DownloadSnapshot } from "./contract.ts";
import type { PlacedFile } from "./disk/contract.ts";

export interface SmallDownloadsDependencies {
  /** Begins an ordinary download, which is known outside as the other. */
  readonly alone: (order: DownloadOrder, as: Download) => Download;
  readonly bundle: (
    gid: DownloadOrder["gid"],
    files: readonly BundledFile[],
    from: BundleFrom,
  ) => BundleDownload;
  /** Whether this machine has its content already, so that nobody need be asked for it. */
  readonly isHere: (order: DownloadOrder) => boolean;
  /** Removes what an earlier run may have left. @throws Failure */
  readonly discard: (order: DownloadOrder) => Promise<void>;
  /** The phase of one changed that is not by itself. */
  readonly changed: (download: Download) => void;
  /** It is in its place: to be served from there. */
  readonly placed: (download: Download, file: PlacedFile) => void;
}

export class SmallDownloads {
  readonly #on: SmallDownloadsDependencies;
  #waiting: SmallDownload[] = [];
  /** By group and content: the one that is fetched, or was begun so and goes on by itself. */
  readonly #fetching = new Map<string, SmallDownload>();
  #isGathering = false;
  /** Bundles under way: a copy is soon done, and waits for no peer. */
  readonly #running = { copies: 0, fetches: 0 };

  constructor(dependencies: SmallDownloadsDependencies) {
    this.#on = dependencies;
  }

  /** What is ordered in this turn of the event loop, and its sources, go together. */
  add(order: DownloadOrder): Download {
    const download = new SmallDownload(order, {
      ...this.#on,
      wait: (waiting) => this.#wait(waiting),
      fetchesNoMore: (resting) => this.#fetchesNoMore(resting),
    });
    void download.ended.then(() => this.#fetchesNoMore(download));
    this.#wait(download);
    return download;
  }

  #wait(download: SmallDownload): void {
    this.#waiting.push(download);
    this.#beginSoon();
  }

  /** Another one of its content may be next. */
  #fetchesNoMore(download: SmallDownload): void {
    if (this.#fetching.get(download.content) !== download) return;
    this.#fetching.delete(download.content);
    this.#beginSoon();
  }

  #beginSoon(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    setImmediate(() => {
      this.#isGathering = false;
      this.#begin();
    });
  }

  /** As many bundles as there may be; of those that wait, who have no company or no source go by themselves. */
  #begin(): void {
    const waiting = this.#waiting.filter(({ isWaiting }) => isWaiting);
    this.#waiting = [];
    const [here, elsewhere] = [[] as SmallDownload[], [] as SmallDownload[]];
    for (const each of waiting) (this.#mayBeCopied(each) ? here : elsewhere).push(each);
    for (const some of ofEachGroup(here))
      for (const files of cutIntoBundles(some)) this.#beginBundle(files, "here");
    for (const some of alike(this.#fetchable(elsewhere))) {
      const sources = some[0]?.sources ?? [];
      for (const files of cutIntoBundles(some)) {
        if (sources.length === 0 || files.length < BUNDLE_FILES_MIN) for (const file of files) file.left();
        else this.#beginBundle(files, sources);
      }
    }
  }

  #mayBeCopied({ order, copying }: SmallDownload): boolean {
    return copying === "not tried" && this.#on.isHere(order);
  }

  /** Of each content the first, unless another one of it is fetched; the rest waits on. */
  #fetchable(downloads: readonly SmallDownload[]): SmallDownload[] {
    return downloads.filter((download) => {
      const fetching = this.#fetching.get(download.content) ?? download;
      this.#fetching.set(download.content, fetching);
      if (fetching !== download) this.#waiting.push(download);
      return fetching === download;
    });
  }

  #beginBundle(files: readonly SmallDownload[], from: BundleFrom): void {
    const [first] = files;
    if (first === undefined) return;
    const kind = from === "here" ? "copies" : "fetches";
    if (this.#running[kind] >= BUNDLES_AT_ONCE_MAX) {
      this.#waiting.push(...files);
      return;
    }
    this.#running[kind]++;
    if (from === "here") for (const file of files) file.copying = "under way";
    const bundle = this.#on.bundle(first.order.gid, files, from);
    void bundle.ended.then(() => {
      this.#running[kind]--;
      this.#begin();
    });
  }
}

function ofEachGroup(downloads: readonly SmallDownload[]): Iterable<SmallDownload[]> {
  return Map.groupBy(downloads, ({ order }) => order.gid).values();
}

/** Of the same group with the same sources, in their order. */
function alike(downloads: readonly SmallDownload[]): Iterable<SmallDownload[]> {
  return Map.groupBy(downloads, ({ order, sources }) => {
    const machines = sources.map(({ fingerprint }) => fingerprint).sort();
    return [order.gid, ...machines].join(" ");
  }).values();
}

type Place =
  | { readonly kind: "waiting" }
  | { readonly kind: "bundled"; readonly bundle: BundleDownload }
  | { readonly kind: "alone"; readonly download: Download }
  | { readonly kind: "resting" } // paused
  | { readonly kind: "over"; readonly phase: DownloadPhase };

interface SmallDownloadDependencies extends SmallDownloadsDependencies {
  readonly wait: (download: SmallDownload) => void;
  /** It rests. */
  readonly fetchesNoMore: (download: SmallDownload) => void;
}

class SmallDownload implements Download, BundledFile {
  readonly order: DownloadOrder;
  readonly bytes: number;
  /** By what others of the same content in the group are known. */
  readonly content: string;
  /** One that could not be copied is fetched as if nothing of it were here. */
  copying: "not tried" | "under way" | "failed" = "not tried";
  readonly ended: Promise<"complete" | "failed" | "ended">;
  readonly #on: SmallDownloadDependencies;
  readonly #end: (outcome: "complete" | "failed" | "ended") => void;
  readonly #sources = new Map<string, Source>();
  #place: Place = { kind: "waiting" };

  constructor(order: DownloadOrder, dependencies: SmallDownloadDependencies) {
    const { fileId, size } = order.manifest.summary;
    this.order = order;
    this.bytes = size;
    this.content = `${order.gid} ${fileId}`;
    this.#on = dependencies;
    const { promise, resolve } = Promise.withResolvers<"complete" | "failed" | "ended">();
    this.ended = promise;
    this.#end = resolve;
  }

  get sources(): readonly Source[] {
    return [...this.#sources.values()];
  }

  get isWaiting(): boolean {
    return this.#place.kind === "waiting";
  }

  get isWanted(): boolean {
    return this.#place.kind === "bundled";
  }

  snapshot(): DownloadSnapshot {
    const place = this.#place;
    if (place.kind === "alone") return place.download.snapshot();
    const isComplete = place.kind === "over" && place.phase.kind === "complete";
    return {
      phase: this.#phase(),
      doneBytes: isComplete ? this.bytes : 0,
      rate: 0,
      wastedBytes: 0,
      sources: place.kind === "bundled" ? place.bundle.sources : [],
    };
  }

  #phase(): DownloadPhase {
    const place = this.#place;
    if (place.kind === "over") return place.phase;
    if (place.kind === "resting") return { kind: "paused" };
    // Whoever waits to hear whether it can begin hears of a name that is taken, which a copy finds only at its end.
    return { kind: this.copying === "under way" ? "opening" : "fetching" };
  }

  addSource(source: Source): void {
    this.#sources.set(source.fingerprint, source);
    if (this.#place.kind === "alone") this.#place.download.addSource(source);
  }

  async pause(): Promise<void> {
    if (this.#place.kind === "alone") return this.#place.download.pause();
    if (await this.#leave()) this.#on.changed(this);
  }

  resume(): void {
    if (this.#place.kind === "alone") this.#place.download.resume();
    if (this.#place.kind !== "resting") return;
    this.#place = { kind: "waiting" };
    this.#on.wait(this);
    this.#on.changed(this);
  }

  async cancel(): Promise<void> {
    if (this.#place.kind === "alone") return this.#place.download.cancel();
    if (await this.#leave()) await this.#on.discard(this.order);
    this.#end("ended");
  }

  async suspend(): Promise<void> {
    if (this.#place.kind === "alone") return this.#place.download.suspend();
    await this.#leave();
    this.#end("ended");
  }

  /** @returns whether it rests now; false if it was over before */
  async #leave(): Promise<boolean> {
    const place = this.#place;
    if (place.kind === "over") return false;
    this.#place = { kind: "resting" };
    if (place.kind === "bundled") await place.bundle.fileLeaves();
    if (this.copying === "under way") this.copying = "not tried";
    this.#on.fetchesNoMore(this);
    // It may have been in its place by then.
    return this.#place.kind === "resting";
  }

  // --- what its bundle tells ---

  begun(bundle: BundleDownload): void {
    this.#place = { kind: "bundled", bundle };
    this.#on.changed(this);
  }

  placed(file: PlacedFile): void {
    this.#place = { kind: "over", phase: { kind: "complete", file } };
    this.#on.placed(this, file);
    this.#on.changed(this);
    this.#end("complete");
  }

  left(): void {
    if (this.copying === "under way") {
      this.copying = "failed";
      this.#place = { kind: "waiting" };
      this.#on.wait(this);
      return;
    }
    const download = this.#on.alone(this.order, this);
    this.#place = { kind: "alone", download };
    for (const source of this.#sources.values()) download.addSource(source);
    void download.ended.then(this.#end);
  }
}
