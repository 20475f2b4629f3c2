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
    const items = this.#items(nowMs);
    this.#terminal.progress(
      items.length === 0 ? undefined : (size) => renderProgress(items, size, this.#clock.nowMs()),
    );
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#terminal.progress(undefined);
  }

  /** @returns whether anything is under way */
  #follow(nowMs: number): boolean {
    const running = this.#running().map(keyOf);
    this.#sinceMs = new Map(running.map((key) => [key, this.#sinceMs.get(key) ?? nowMs]));
    return running.length > 0 || this.#hashing !== undefined;
  }

  #items(nowMs: number): ProgressItem[] {
    const isShown = (sinceMs: number | undefined) => nowMs - (sinceMs ?? nowMs) >= PROGRESS_AFTER_MS;
    const hashing = this.#hashing;
    return [
      ...(hashing !== undefined && isShown(hashing.sinceMs) ? [hashingItem(hashing, nowMs)] : []),
      ...this.#running()
        .filter((view) => isShown(this.#sinceMs.get(keyOf(view))))
        .map(downloadItem),
    ];
  }

  #running(): DownloadView[] {
    if (this.#client.whoAmI().user === undefined) return [];
    return this.#client.showDownloads().filter(({ state }) => state === "downloading");
  }
}

function keyOf({ group, name }: DownloadView): string {
  return `${group}/${name}`;
}

function hashingItem({ sinceMs, fromBytes, at }: Hashing, nowMs: number): ProgressItem {
  if (at.file !== undefined) return sharingItem(at.name, at.file);
  const rate = (1000 * (at.doneBytes - fromBytes)) / Math.max(1, nowMs - sinceMs);
  return { ...at, doing: "hashing", rate, sources: undefined, waits: undefined };
}

/** Several are hashed at once, so that only how many there are tells how far it is. */
function sharingItem(name: string, file: { readonly number: number; readonly of: number }): ProgressItem {
  return {
    name,
    doing: "sharing",
    doneBytes: file.number,
    total: file.of,
    rate: 0,
    sources: undefined,
    waits: undefined,
  };
}

function downloadItem({ name, doneBytes, size, rate, sources, waits }: DownloadView): ProgressItem {
  return {
    name,
    doing: waits?.kind === "verifying" ? "verifying" : "downloading",
    doneBytes,
    total: size,
    rate,
    sources: sources.filter(({ state }) => state === "connected").length,
    waits,
  };
}
