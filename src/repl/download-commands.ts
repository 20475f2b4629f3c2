/** Commands on downloads. */
import { command, fileName, groupId, offering, word } from "./command.ts";
import { renderDownloads } from "./render-download.ts";

const topic = "Downloads";

const download = offering(fileName, "download");

export const downloadCommands = [
  command({
    name: "download_file",
    topic,
    args: [groupId, offering(fileName, "file"), offering(word("<destination_path>"), "folder")],
    summary: "Download a file into an existing folder (or a path that ends with /), or under the name given.",
    example: "download_file math 'lecture 1.mp4' ~/Downloads/",
    holdsEvents: true,
    async run({ client }, group, name, destination) {
      await client.downloadFile(group, name, destination);
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
    args: [groupId, download],
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
    args: [groupId, download],
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
    args: [groupId, download],
    summary: "Give a download up and delete what has come.",
    example: "cancel_download math 'lecture 1.mp4'",
    async run({ client }, group, name) {
      await client.cancelDownload(group, name);
      return ["Download cancelled"];
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
