/** What is done to several shares or downloads of a group at once: to those that names, folders and patterns mean. */
import { Failure } from "../base/failure.ts";
import type { GroupName } from "../base/ids.ts";
import { forTerminal } from "../base/text.ts";
import type { DownloadKeeper } from "./download-keeper.ts";
import { eachMeant } from "./each-meant.ts";
import { groupNamed } from "./group-test.ts";
import type { ShareKeeper } from "./share-keeper.ts";
import type { DownloadState, ManyEnded } from "./views.ts";

export type DownloadChange = "pause" | "resume" | "cancel";

/** Of which folders and patterns mean only those to which it can be done. */
const CHANGEABLE: Readonly<Record<DownloadChange, readonly DownloadState[]>> = {
  pause: ["downloading"],
  resume: ["paused", "failed"],
  cancel: ["downloading", "paused", "failed"],
};

/** @throws Failure "no-download" if nothing at all is meant */
export function changeDownloads(
  downloads: Pick<DownloadKeeper, "views" | DownloadChange>,
  change: DownloadChange,
  group: GroupName,
  wanted: readonly string[],
): Promise<ManyEnded> {
  const isThere = groupNamed(group);
  const changeable = () =>
    downloads.views().filter((view) => isThere(view) && CHANGEABLE[change].includes(view.state));
  // The last first: those in line do not begin when one before them ends.
  const there = changeable().reverse();
  const none = (word: string) =>
    new Failure(
      "no-download",
      `no download in ${group} to ${change} is meant by ${forTerminal(word)}; show_downloads shows all there are`,
    );
  return eachMeant(wanted, there, none, async (name) => {
    try {
      await downloads[change](group, name);
      return undefined;
    } catch (error) {
      // Of many some are complete before their turn comes: then they are not among those that are meant.
      const hasEnded =
        there.some((view) => view.name === name) && !changeable().some((view) => view.name === name);
      if (!hasEnded) throw error;
      return "passed";
    }
  });
}

/** @throws Failure "not-shared" if nothing at all is meant */
export function stopShares(
  shares: Pick<ShareKeeper, "views" | "stop">,
  group: GroupName,
  wanted: readonly string[],
): Promise<ManyEnded> {
  const there = shares.views().filter(groupNamed(group));
  const none = (word: string) =>
    new Failure("not-shared", `this machine shares no file in ${group} that ${forTerminal(word)} means`);
  return eachMeant(wanted, there, none, async (name) => {
    await shares.stop(group, name);
    return undefined;
  });
}
