/** Commands on the files of a group and on what this machine shares. */
import { Failure, orThrow } from "../base/failure.ts";
import { parseGroupName } from "../base/ids.ts";
import { forTerminal } from "../base/text.ts";
import { type CommandContext, command, fileName, groupId, optional, word } from "./command.ts";
import { renderFiles, renderHits } from "./render.ts";

const topic = "Files";

/** The arguments in either order: swapped if only the second names a file, and the first may name a group. */
async function pathAndGroup(first: string, second: string, { isFile }: CommandContext) {
  if (await isFile(first)) return { path: first, group: orThrow(parseGroupName(second)) };
  const group = parseGroupName(first);
  if (!(group instanceof Failure) && (await isFile(second))) return { path: second, group };
  throw new Failure(
    "file-missing",
    `no file at ${forTerminal(first)}; give the path of an existing file, between quotes if it holds blanks`,
  );
}

export const fileCommands = [
  command({
    name: "list_files",
    topic,
    args: [groupId],
    summary: "List the files of a group: name, size, machines online that share it, SHA-1.",
    example: "list_files math",
    async run({ client }, group) {
      return renderFiles(await client.listFiles(group));
    },
  }),
  command({
    name: "search",
    topic,
    args: [{ ...word("<text>"), takesRest: true }],
    summary: "Find files in all your groups whose name holds the text.",
    example: "search lecture",
    async run({ client }, text) {
      return renderHits(await client.search(text));
    },
  }),
  command({
    name: "upload_file",
    topic,
    args: [word("<file_path>"), word("<group_id>"), optional(fileName)],
    summary: "Share a file in a group, straight from where it lies; with <file_name> under another name.",
    example: "upload_file ~/'My videos/lecture 1.mp4' math",
    async run(context, first, second, name) {
      const { path, group } = await pathAndGroup(first, second, context);
      await context.client.uploadFile(path, group, name, context.progress);
      return ["File uploaded successfully"];
    },
  }),
  command({
    name: "stop_share",
    topic,
    args: [groupId, fileName],
    summary: "Stop sharing a file; it stays on your disk.",
    example: "stop_share math 'lecture 1.mp4'",
    async run({ client }, group, name) {
      await client.stopShare(group, name);
      return ["File sharing stopped"];
    },
  }),
];
