/**
 * Tells programs how far running downloads are, each time that one has got further; people ask with `show_downloads`.
 *
 * Owns what was told of each last. What becomes of a download is told by the client's events, not here.
 */
import type { Clock } from "../base/clock.ts";
import { every } from "../base/every.ts";
import { DOWNLOAD_PROGRESS_MS } from "../base/limits.ts";
import type { ClientIntents } from "../client/views.ts";
import type { Terminal } from "./contract.ts";
import { saidDownloading } from "./said.ts";

export interface DownloadProgressDependencies {
  readonly client: Pick<ClientIntents, "showDownloads" | "whoAmI">;
  readonly terminal: Pick<Terminal, "progressed">;
  readonly clock: Clock;
}

/** @returns what ends it */
export function tellDownloadProgress({ client, terminal, clock }: DownloadProgressDependencies): () => void {
  let told = new Map<string, number>();
  return every(clock, DOWNLOAD_PROGRESS_MS, () => {
    const before = told;
    told = new Map();
    if (client.whoAmI().user === undefined) return;
    for (const view of client.showDownloads().filter(({ state }) => state === "downloading")) {
      const key = `${view.group}/${view.name}/${view.path}`;
      told.set(key, view.doneBytes);
      if (before.get(key) !== view.doneBytes) terminal.progressed(saidDownloading(view));
    }
  });
}
