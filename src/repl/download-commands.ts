/** Commands on downloads. */
import { Failure, isFailure, orThrow } from "../base/failure.ts";
import { type FileName, type GroupName, parseFileName } from "../base/ids.ts";
import { DOWNLOADS_AT_ONCE_MAX } from "../base/limits.ts";
import { isPattern } from "../base/name-pattern.ts";
import { formatRate, parseRate } from "../base/rate-text.ts";
import { count, forTerminal } from "../base/text.ts";
import type { Direction } from "../client/views.ts";
import { changed } from "./change-of-many.ts";
import {
  type Answer,
  type CommandContext,
  command,
  done,
  doneForMany,
  fileNames,
  groupId,
  offering,
  several,
  shown,
  word,
} from "./command.ts";
import { quoteWord } from "./parser.ts";
import { renderFollows } from "./render.ts";
import { renderDownloadCounts, renderDownloads } from "./render-download.ts";
import { downloadFields, failedFields, followFields } from "./said.ts";
import { tellSome } from "./tell-some.ts";

const topic = "Downloads";

const direction = {
  label: "<up|down>",
  offer: "direction",
  parse: (text: string): Direction | Failure => {
    const word = text.toLowerCase();
    if (word === "up" || word === "down") return word;
    return new Failure(
      "usage",
      `set_limit takes up or down first, then a rate; got ${forTerminal(text.slice(0, 40))}`,
    );
  },
} as const;

/** Several words, for `2.5 MiB/s`. */
const rate = { label: "<rate>", parse: parseRate, takesRest: true } as const;
const downloads = several(offering(fileNames, "download"));

/** A file that is called just so comes before what its name would mean as a pattern. @returns undefined if there is none */
async function downloadOne(
  { client }: CommandContext,
  group: GroupName,
  wanted: string,
  destination: string,
): Promise<Answer | undefined> {
  if (wanted.endsWith("/")) return undefined;
  const name = orThrow(parseFileName(wanted));
  try {
    const { path } = await client.downloadFile(group, name, destination);
    return done("Download started", { group, name, path });
  } catch (error) {
    if (!isFailure(error) || error.code !== "unknown-file") throw error;
    if (isPattern(wanted)) return undefined;
    throw looksLikeFolder(name) ? new Failure(error.code, `${error.message}; ${folderAdvice(name)}`) : error;
  }
}

/** By its name alone: to look for it would list the group. */
function looksLikeFolder(name: FileName): boolean {
  return !name.includes(".");
}

function folderAdvice(name: FileName): string {
  return `if it is a folder, write ${quoteWord(`${name}/`)}`;
}

async function downloadMany(
  { client, note, fault }: CommandContext,
  group: GroupName,
  wanted: string,
  destination: string,
): Promise<Answer> {
  const { started, failures } = await client.downloadMatching(group, wanted, destination);
  note(`${count(started.length, "file")} to download; show_downloads shows how far they are`);
  tellSome(failures, fault, ({ name, failure }) => `${forTerminal(name)}: ${failure.message}`);
  return doneForMany("Download started", { group, files: started, failed: failures.map(failedFields) });
}

export const downloadCommands = [
  command({
    name: "download_file",
    topic,
    args: [groupId, offering(fileNames, "file"), offering(word("<destination_path>"), "folder")],
    summary:
      "Download a file into an existing folder (or a path that ends with /), or under the name given; or all of 'runs/', or '*.csv'.",
    example: "download_file math 'lecture 1.mp4' ~/Downloads/",
    holdsEvents: true,
    async run(context, group, wanted, destination) {
      return (
        (await downloadOne(context, group, wanted, destination)) ??
        (await downloadMany(context, group, wanted, destination))
      );
    },
  }),
  command({
    name: "show_downloads",
    topic,
    args: [],
    summary: "Show all downloads: [D] downloading, [C] complete, [P] paused, [F] failed.",
    example: "show_downloads",
    isLong: true,
    async run({ client, clock, hint }) {
      const views = client.showDownloads();
      if (views.length > DOWNLOADS_AT_ONCE_MAX) hint(renderDownloadCounts(views));
      return shown(renderDownloads(views, clock.nowMs()), { downloads: views.map(downloadFields) });
    },
  }),
  command({
    name: "pause_download",
    topic,
    args: [groupId, downloads],
    summary: "Pause downloads; what has come is kept.",
    example: "pause_download math 'lecture 1.mp4'",
    async run(context, group, wanted) {
      const { client } = context;
      return changed(context, group, wanted, {
        reply: "Download paused",
        tell: (amount) => `${count(amount, "download")} paused`,
        one: (name) => client.pauseDownload(group, name),
        many: (names) => client.pauseDownloads(group, names),
      });
    },
  }),
  command({
    name: "resume_download",
    topic,
    args: [groupId, downloads],
    summary: "Go on with paused or failed downloads.",
    example: "resume_download math 'lecture 1.mp4'",
    holdsEvents: true,
    async run(context, group, wanted) {
      const { client } = context;
      return changed(context, group, wanted, {
        reply: "Download resumed",
        tell: (amount) => `${count(amount, "download")} resumed`,
        one: (name) => client.resumeDownload(group, name),
        many: (names) => client.resumeDownloads(group, names),
      });
    },
  }),
  command({
    name: "cancel_download",
    topic,
    args: [groupId, downloads],
    summary: "Give downloads up and delete what has come.",
    example: "cancel_download math 'lecture 1.mp4'",
    async run(context, group, wanted) {
      const { client } = context;
      return changed(context, group, wanted, {
        reply: "Download cancelled",
        tell: (amount) => `${count(amount, "download")} cancelled`,
        one: (name) => client.cancelDownload(group, name),
        many: (names) => client.cancelDownloads(group, names),
      });
    },
  }),
  command({
    name: "follow",
    topic,
    args: [groupId, offering(word("<folder>"), "folder")],
    summary: "Fetch all files of a group into an existing folder, and new ones as they come.",
    example: "follow math ~/math",
    async run({ client }, group, folder) {
      const follow = await client.follow(group, folder);
      return done(`Following ${follow.group} into ${follow.folder}`, followFields(follow));
    },
  }),
  command({
    name: "unfollow",
    topic,
    args: [groupId],
    summary: "Fetch no more files of a group by themselves; downloads under way go on.",
    example: "unfollow math",
    async run({ client }, group) {
      await client.unfollow(group);
      return done(`No longer following ${group}`, { group });
    },
  }),
  command({
    name: "list_follows",
    topic,
    args: [],
    summary: "List the groups that are followed on this machine, and where their files go.",
    example: "list_follows",
    async run({ client }) {
      const follows = client.listFollows();
      return shown(renderFollows(follows), { follows: follows.map(followFields) });
    },
  }),
  command({
    name: "set_limit",
    topic,
    args: [direction, rate],
    summary:
      "Hold all uploads, or all downloads, to a rate: 500K, 2.5M, 20mbit, or off; until the program ends.",
    example: "set_limit up 2M",
    async run({ client }, which, bytesPerSecond) {
      client.setLimit(which, bytesPerSecond);
      const what = which === "up" ? "Upload limit" : "Download limit";
      const reply =
        bytesPerSecond === undefined ? `${what} lifted` : `${what} set to ${formatRate(bytesPerSecond)}`;
      return done(reply, { direction: which, rate: bytesPerSecond ?? null });
    },
  }),
  command({
    name: "wait",
    topic,
    args: [],
    summary: "Wait until the running downloads have ended.",
    example: "wait",
    givenUp: "No longer waiting; the downloads go on",
    async run({ client }) {
      await client.whenIdle();
      return shown([], {});
    },
  }),
];
