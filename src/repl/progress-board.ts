/**
 * What is under way, on the screen of a person: looked at four times a second while there is something, else not at all.
 *
 * What ends soon is not shown. Of a download the client tells all there is; of hashing, which a command does, the board
 * is told and makes out the speed.
 */
import type { Clock } from "../base/clock.ts";
import { PROGRESS_AFTER_MS, PROGRESS_LINE_MS } from "../base/limits.ts";
import type { ClientIntents, DownloadView, HashProgress } from "../client/views.ts";
import type { Terminal } from "./contract.ts";
import { DownloadBatch, keyOf } from "./download-batch.ts";
import { type ProgressItem, renderProgress } from "./render-progress.ts";

export interface ProgressBoardDependencies {
  readonly client: Pick<ClientIntents, "whoAmI" | "showDownloads">;
  readonly terminal: Pick<Terminal, "progress">;
  readonly clock: Clock;
}

interface Hashing {
  readonly sinceMs: number;
  readonly fromBytes: number;
  at: HashProgress;
}

export class ProgressBoard {
  readonly #client: ProgressBoardDependencies["client"];
  readonly #terminal: ProgressBoardDependencies["terminal"];
  readonly #clock: Clock;
  #hashing: Hashing | undefined;
  /** When each download that runs was first seen to, by group and name. */
  #sinceMs = new Map<string, number>();
  /** And when to be out of the line. */
  #activeMs = new Map<string, number>();
  readonly #batch = new DownloadBatch();
  #cancel: (() => void) | undefined;

  constructor({ client, terminal, clock }: ProgressBoardDependencies) {
    this.#client = client;
    this.#terminal = terminal;
    this.#clock = clock;
  }

  hashing(at: HashProgress): void {
    if (this.#hashing === undefined)
      this.#hashing = { sinceMs: this.#clock.monotonicMs(), fromBytes: at.doneBytes, at };
    this.#hashing.at = at;
    if (this.#cancel === undefined) this.look();
  }

  /** Of a command: it hashes no more, and something may have begun. */
  commandEnded(): void {
    this.#hashing = undefined;
    this.look();
  }

  /** To be called when something may have begun or ended. */
  look(): void {
    this.#cancel?.();
    const nowMs = this.#clock.monotonicMs();
    const isUnderWay = this.#follow(nowMs);
    this.#cancel = isUnderWay ? this.#clock.after(PROGRESS_LINE_MS, () => this.look()) : undefined;
    const all = this.#batch.look(this.#downloads(), nowMs);
    const items = this.#items(nowMs);
    this.#terminal.progress(
      items.length === 0 ? undefined : (size) => renderProgress(items, size, this.#clock.nowMs(), all),
    );
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#terminal.progress(undefined);
  }

  /** @returns whether anything is under way */
  #follow(nowMs: number): boolean {
    const running = this.#running();
    const active = running.filter(({ waits }) => waits?.kind !== "queued");
    this.#sinceMs = sinceWhen(running, this.#sinceMs, nowMs);
    this.#activeMs = sinceWhen(active, this.#activeMs, nowMs);
    return running.length > 0 || this.#hashing !== undefined;
  }

  #items(nowMs: number): ProgressItem[] {
    const isShown = (sinceMs: number | undefined) => nowMs - (sinceMs ?? nowMs) >= PROGRESS_AFTER_MS;
    const hashing = this.#hashing;
    return [
      ...(hashing !== undefined && isShown(hashing.sinceMs) ? [hashingItem(hashing, nowMs)] : []),
      ...this.#running()
        .filter((view) => isShown(this.#sinceMs.get(keyOf(view))))
        .map((view) => downloadItem(view, !isShown(this.#activeMs.get(keyOf(view))))),
    ];
  }

  #running(): DownloadView[] {
    return this.#downloads().filter(({ state }) => state === "downloading");
  }

  #downloads(): readonly DownloadView[] {
    return this.#client.whoAmI().user === undefined ? [] : this.#client.showDownloads();
  }
}

function sinceWhen(
  views: readonly DownloadView[],
  before: ReadonlyMap<string, number>,
  nowMs: number,
): Map<string, number> {
  return new Map(views.map(keyOf).map((key) => [key, before.get(key) ?? nowMs]));
}

function hashingItem({ sinceMs, fromBytes, at }: Hashing, nowMs: number): ProgressItem {
  if (at.file !== undefined) return sharingItem(at.name, at.file);
  const rate = (1000 * (at.doneBytes - fromBytes)) / Math.max(1, nowMs - sinceMs);
  return { ...at, doing: "hashing", rate, sources: undefined, waits: undefined, isBrief: false };
}

/** Several are hashed at once, so that only how many there are tells how far it is. Before the first its folder is looked through. */
function sharingItem(name: string, file: { readonly number: number; readonly of: number }): ProgressItem {
  return {
    name,
    doing: file.number === 0 ? "looking" : "sharing",
    doneBytes: file.number,
    total: file.of,
    rate: 0,
    sources: undefined,
    waits: undefined,
    isBrief: false,
  };
}

function downloadItem(view: DownloadView, isBrief: boolean): ProgressItem {
  const { name, doneBytes, size, rate, sources, waits } = view;
  return {
    name,
    doing: waits?.kind === "verifying" ? "verifying" : "downloading",
    doneBytes,
    total: size,
    rate,
    sources: sources.filter(({ state }) => state === "connected").length,
    waits,
    isBrief,
  };
}
