/** Commands on downloads. */
import { Failure, isFailure, orThrow } from "../base/failure.ts";
import { type GroupName, parseFileName } from "../base/ids.ts";
import { isPattern } from "../base/name-pattern.ts";
import { formatRate, parseRate } from "../base/rate-text.ts";
import { count, forTerminal } from "../base/text.ts";
import type { Direction } from "../client/views.ts";
import { type CommandContext, command, fileName, fileNames, groupId, word } from "./command.ts";
import { renderDownloads } from "./render-download.ts";
import { tellSome } from "./tell-some.ts";

const topic = "Downloads";

const direction = {
  label: "<up|down>",
  parse: (text: string): Direction | Failure => {
    const word = text.toLowerCase();
    if (word === "up" || word === "down") return word;
    return new Failure(
      "usage",
      `set_limit takes up or down first, then a rate; got ${forTerminal(text.slice(0, 40))}`,
    );
  },
};

/** Several words, for `2.5 MiB/s`. */
const rate = { label: "<rate>", parse: parseRate, takesRest: true } as const;

/** A file that is called just so comes before what its name would mean as a pattern. @returns false if there is none */
async function downloadOne(
  { client }: CommandContext,
  group: GroupName,
  wanted: string,
  destination: string,
): Promise<boolean> {
  if (wanted.endsWith("/")) return false;
  try {
    await client.downloadFile(group, orThrow(parseFileName(wanted)), destination);
    return true;
  } catch (error) {
    if (isPattern(wanted) && isFailure(error) && error.code === "unknown-file") return false;
    throw error;
  }
}

export const downloadCommands = [
  command({
    name: "download_file",
    topic,
    args: [groupId, fileNames, word("<destination_path>")],
    summary:
      "Download a file into an existing folder (or a path that ends with /), or under the name given; or all of 'runs/', or '*.csv'.",
    example: "download_file math 'lecture 1.mp4' ~/Downloads/",
    holdsEvents: true,
    async run(context, group, wanted, destination) {
      const isOne = await downloadOne(context, group, wanted, destination);
      if (isOne) return ["Download started"];
      const { started, failures } = await context.client.downloadMatching(group, wanted, destination);
      context.note(`${count(started, "file")} to download; show_downloads shows how far they are`);
      tellSome(failures, context.fault, ({ name, failure }) => `${forTerminal(name)}: ${failure.message}`);
      return ["Download started"];
    },
  }),
  command({
    name: "show_downloads",
    topic,
    args: [],
    summary: "Show all downloads: [D] downloading, [C] complete, [P] paused, [F] failed.",
    example: "show_downloads",
    async run({ client, clock }) {
      return renderDownloads(client.showDownloads(), clock.nowMs());
    },
  }),
  command({
    name: "pause_download",
    topic,
    args: [groupId, fileName],
    summary: "Pause a download; what has come is kept.",
    example: "pause_download math 'lecture 1.mp4'",
    async run({ client }, group, name) {
      await client.pauseDownload(group, name);
      return ["Download paused"];
    },
  }),
  command({
    name: "resume_download",
    topic,
    args: [groupId, fileName],
    summary: "Go on with a paused or failed download.",
    example: "resume_download math 'lecture 1.mp4'",
    holdsEvents: true,
    async run({ client }, group, name) {
      await client.resumeDownload(group, name);
      return ["Download resumed"];
    },
  }),
  command({
    name: "cancel_download",
    topic,
    args: [groupId, fileName],
    summary: "Give a download up and delete what has come.",
    example: "cancel_download math 'lecture 1.mp4'",
    async run({ client }, group, name) {
      await client.cancelDownload(group, name);
      return ["Download cancelled"];
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
      return [
        bytesPerSecond === undefined ? `${what} lifted` : `${what} set to ${formatRate(bytesPerSecond)}`,
      ];
    },
  }),
  command({
    name: "wait",
    topic,
    args: [],
    summary: "Wait until the running downloads have ended.",
    example: "wait",
    async run({ client }) {
      await client.whenIdle();
      return [];
    },
  }),
];
