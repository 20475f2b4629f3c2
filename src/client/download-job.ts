/**
 * One download as its keeper has it: its record, where it is, what people were told of it. No I/O.
 *
 * `place` names the transfer's download only while that is alive: by it a late word of an earlier one is told from a
 * word that counts.
 */
import type { Fingerprint } from "../base/ids.ts";
import {
  DOWNLOAD_START_MS,
  PIECE_BYTES,
  PROGRESS_AFTER_MS,
  SOURCELESS_MS,
  WAIT_TOLD_MS,
} from "../base/limits.ts";
import type { Download, DownloadSnapshot } from "../transfer/contract.ts";
import type { PlacedFile } from "../transfer/disk/contract.ts";
import type { DownloadRecord } from "./library-rows.ts";
import { type DownloadSituation, doneBytes, downloadView, isBusy } from "./progress.ts";
import type { DownloadView, WaitReason } from "./views.ts";

export type JobPlace =
  | { readonly kind: "resting" } // paused, or failed in an earlier run
  | { readonly kind: "queued" }
  | { readonly kind: "preparing" } // its piece list is looked for
  | { readonly kind: "active"; readonly download: Download; readonly sinceMs: number }
  | { readonly kind: "over"; readonly snapshot: DownloadSnapshot }; // complete or failed in this run

export class DownloadJob {
  record: DownloadRecord;
  /** Told when it is somewhere else; for the book that it stands in. */
  whenMoved: (job: DownloadJob) => void = () => {};
  /** Whether part file or journal may be on disk. */
  begun: boolean;
  /** When somebody last shared the file, as a tracker said; 0 if never known. */
  lastSeenMs = 0;
  /** Whether the tracker in use names new sources; not before `followAfterMs` is it asked again. */
  followed: "no" | "asking" | "yes" = "no";
  followAfterMs = 0;
  /** Its sources were named without following it: it is followed only when none of them is of use. */
  isToldOfSources = false;
  /** Who shares it, as the tracker has said since a source was last connected; undefined: to be asked. */
  listed: Set<Fingerprint> | undefined;
  #place: JobPlace;
  #isSettling = false;
  #sourcelessSinceMs: number | undefined;
  /** Somebody waits to hear whether it can begin. */
  opening: PromiseWithResolvers<void> | undefined;
  #wait: { readonly kind: WaitReason["kind"]; readonly sinceMs: number; told: boolean } | undefined;
  /** Whether people believe that it waits. */
  #isToldToWait = false;

  constructor(record: DownloadRecord, place: JobPlace, begun: boolean) {
    this.record = record;
    this.#place = place;
    this.begun = begun;
  }

  get place(): JobPlace {
    return this.#place;
  }

  set place(place: JobPlace) {
    this.#place = place;
    this.whenMoved(this);
  }

  /** Complete, and being made known as a share. */
  get settling(): boolean {
    return this.#isSettling;
  }

  set settling(settling: boolean) {
    this.#isSettling = settling;
    this.whenMoved(this);
  }

  /** Small ones have a line of their own. */
  get size(): "small" | "large" {
    return this.record.file.size <= PIECE_BYTES ? "small" : "large";
  }

  /** Or about to be there. */
  get isAtTransfer(): boolean {
    return this.#place.kind === "preparing" || this.#place.kind === "active";
  }

  get isRunning(): boolean {
    return this.record.state === "running" || this.settling;
  }

  /** What a download that ended in this run has put in its place, if the transfer has said so. */
  get placed(): PlacedFile | undefined {
    if (this.#place.kind !== "over" || this.#place.snapshot.phase.kind !== "complete") return undefined;
    return this.#place.snapshot.phase.file;
  }

  /** Verified bytes on disk, as far as is known. */
  get doneBytes(): number {
    const situation = this.#situation();
    return doneBytes(this.record, situation.kind === "known" ? situation.snapshot : undefined);
  }

  /** Takes one of the places of downloads that run at once. */
  isBusy(nowMs: number): boolean {
    const { place } = this;
    if (place.kind === "preparing") return true;
    if (place.kind !== "active" || this.record.state !== "running") return false;
    return nowMs - place.sinceMs < DOWNLOAD_START_MS || isBusy(place.download.snapshot());
  }

  /** To be called now and then. @returns whether no source has been connected for a while */
  lacksSources(nowMs: number): boolean {
    const situation = this.#situation();
    const sources = situation.kind === "known" ? situation.snapshot.sources : [];
    if (sources.some(({ state }) => state === "connected")) {
      this.#sourcelessSinceMs = undefined;
      this.listed = undefined;
      return false;
    }
    this.#sourcelessSinceMs ??= nowMs;
    return nowMs - this.#sourcelessSinceMs >= SOURCELESS_MS;
  }

  /** No tracker names sources any more: what was heard is too old to be judged by. */
  unfollowed(): void {
    this.followed = "no";
    this.followAfterMs = 0;
    this.isToldOfSources = false;
    this.listed = undefined;
    this.#sourcelessSinceMs = undefined;
  }

  view(trackerUp: boolean): DownloadView {
    const { lastSeenMs, listed } = this;
    return downloadView(this.record, this.#situation(), { trackerUp, lastSeenMs, listed });
  }

  /** @returns the view when there is something to tell: its reason to wait has lasted, or is no more */
  waitToTell(trackerUp: boolean, nowMs: number): DownloadView | undefined {
    const view = this.view(trackerUp);
    const { waits } = view;
    if (waits === undefined || waits.kind === "queued") this.#wait = undefined;
    else if (this.#wait?.kind !== waits.kind) this.#wait = { kind: waits.kind, sinceMs: nowMs, told: false };
    if (
      this.#isToldToWait &&
      waits === undefined &&
      view.sources.some(({ state }) => state === "connected")
    ) {
      this.#isToldToWait = false;
      return view;
    }
    const wait = this.#wait;
    if (wait === undefined || wait.told || nowMs - wait.sinceMs < toldAfterMs(wait.kind)) return undefined;
    wait.told = true;
    this.#isToldToWait = wait.kind !== "verifying";
    return view;
  }

  #situation(): DownloadSituation {
    const { place } = this;
    if (place.kind === "active") return { kind: "known", snapshot: place.download.snapshot() };
    return place.kind === "over" ? { kind: "known", snapshot: place.snapshot } : place;
  }
}

/** Verifying is no trouble, but something is going on that is not seen. */
function toldAfterMs(kind: WaitReason["kind"]): number {
  return kind === "verifying" ? PROGRESS_AFTER_MS : WAIT_TOLD_MS;
}
