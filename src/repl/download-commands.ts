/** Commands on downloads. */
import { command, done, fileName, groupId, shown, word } from "./command.ts";
import { renderDownloads } from "./render-download.ts";
import { downloadFields } from "./said.ts";

const topic = "Downloads";

export const downloadCommands = [
  command({
    name: "download_file",
    topic,
    args: [groupId, fileName, word("<destination_path>")],
    summary: "Download a file into an existing folder (or a path that ends with /), or under the name given.",
    example: "download_file math 'lecture 1.mp4' ~/Downloads/",
    holdsEvents: true,
    async run({ client }, group, name, destination) {
      const { path } = await client.downloadFile(group, name, destination);
      return done("Download started", { group, name, path });
    },
  }),
  command({
    name: "show_downloads",
    topic,
    args: [],
    summary: "Show all downloads: [D] downloading, [C] complete, [P] paused, [F] failed.",
    example: "show_downloads",
    async run({ client, clock }) {
      const downloads = client.showDownloads();
      return shown(renderDownloads(downloads, clock.nowMs()), { downloads: downloads.map(downloadFields) });
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
      return done("Download paused", { group, name });
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
      return done("Download resumed", { group, name });
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
      return done("Download cancelled", { group, name });
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
      return shown([], {});
    },
  }),
];
