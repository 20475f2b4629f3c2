/** Commands on the files of a group and on what this machine shares. */
import { Failure, orThrow } from "../base/failure.ts";
import { type FileName, type GroupName, parseGroupName } from "../base/ids.ts";
import { isPattern, splitPattern } from "../base/name-pattern.ts";
import { count, forTerminal } from "../base/text.ts";
import type { UploadResult } from "../client/views.ts";
import { changed } from "./change-of-many.ts";
import {
  type Answer,
  type CommandContext,
  command,
  done,
  doneForMany,
  fileName,
  fileNames,
  groupId,
  offering,
  optional,
  several,
  shown,
  word,
} from "./command.ts";
import { FILE_ORDERS, parseFileOrder, parseGlob, selectFiles } from "./file-selection.ts";
import { quoteWord } from "./parser.ts";
import { renderFiles, renderHits } from "./render.ts";
import { failedFields, fileFields, hitFields, uploadFields } from "./said.ts";
import { tellSome } from "./tell-some.ts";

const topic = "Files";

const listOptions = {
  sort: { name: "sort", label: FILE_ORDERS.join("|"), choices: FILE_ORDERS, parse: parseFileOrder },
  match: { name: "match", label: "<glob>", parse: parseGlob },
} as const;

interface Target {
  readonly path: string;
  readonly kind: "file" | "folder" | "pattern";
  readonly group: GroupName;
  readonly isSwapped: boolean;
}

/** The arguments in either order: swapped if only the second names a file or folder, and the first may name a group. */
async function pathAndGroup(first: string, second: string, { kindOf }: CommandContext): Promise<Target> {
  const kind = await kindOf(first);
  if (kind === "file") return { path: first, kind, group: orThrow(parseGroupName(second)), isSwapped: false };
  const group = parseGroupName(first);
  const otherKind = group instanceof Failure ? "nothing" : await kindOf(second);
  if (!(group instanceof Failure) && (otherKind === "file" || (otherKind === "folder" && kind === "nothing")))
    return { path: second, kind: otherKind, group, isSwapped: true };
  if (kind === "folder" || (kind === "nothing" && isPattern(first)))
    return {
      path: first,
      kind: kind === "folder" ? kind : "pattern",
      group: orThrow(parseGroupName(second)),
      isSwapped: false,
    };
  if (kind !== "nothing")
    throw new Failure(
      "file-refused",
      `${forTerminal(first)} is a ${kind}; upload_file shares files and folders`,
    );
  throw new Failure(
    "file-missing",
    `no file at ${forTerminal(first)}; give the path of an existing file, between quotes if it holds blanks`,
  );
}

function describeSwap({ path, group }: Target, name: FileName | undefined): string {
  const words = ["upload_file", path, group, ...(name === undefined ? [] : [name])];
  return `taken as: ${words.map(quoteWord).join(" ")}`;
}

/** Why a share is not what was asked for; undefined if it is. */
function describeKept(group: GroupName, { kept, name, path }: UploadResult): string | undefined {
  switch (kept) {
    case "name":
      return `${group} has this content already, as ${name}: it is shared under that name`;
    case "path":
      return `${group} has this content from here already: ${name}, from ${path}`;
    case "same":
    case undefined:
      return undefined;
  }
}

async function uploadMany(
  context: CommandContext,
  target: Target,
  name: FileName | undefined,
): Promise<Answer> {
  const { path, kind, group } = target;
  const of = kind === "pattern" ? splitPattern(path) : { folder: path, pattern: undefined };
  const upload = await context.client.uploadFolder(of, group, name, context.progress, context.signal);
  const { shared, standing, leftOut, results, remarks } = upload;
  if (shared + standing + remarks.length === 0)
    throw new Failure("file-missing", `no files to share at ${forTerminal(path)}`);
  if (standing > 0)
    context.note(
      shared === 0
        ? "all of them were shared already"
        : `${standing} of them ${standing === 1 ? "was" : "were"} shared already`,
    );
  if (leftOut > 0)
    context.note(`${count(leftOut, "link, socket or device", "links, sockets or devices")} left out`);
  const failed = remarks.filter((remark) => remark.kind === "failed");
  const kept = remarks.filter((remark) => remark.kind === "kept");
  tellSome(
    kept,
    context.note,
    ({ name: asked, result }) => `${forTerminal(asked)}: ${describeKept(group, result)}`,
  );
  tellSome(failed, context.fault, ({ name: asked, failure }) => `${forTerminal(asked)}: ${failure.message}`);
  return doneForMany(`${count(shared + standing, "file")} uploaded successfully`, {
    group,
    leftOut,
    files: results.map(uploadFields),
    failed: failed.map(failedFields),
  });
}

export const fileCommands = [
  command({
    name: "list_files",
    topic,
    args: [groupId],
    options: listOptions,
    isLong: true,
    summary: "List the files of a group: name, size, machines online that share it, SHA-1.",
    example: "list_files math --sort size --match '*.mp4'",
    async run({ client, hint }, group, options) {
      const all = await client.listFiles(group);
      if (all.length === 0) hint(`upload_file <file_path> ${quoteWord(group)} shares the first`);
      const files = selectFiles(all, (file) => file, options);
      return shown(renderFiles(files), { group, files: files.map(fileFields) });
    },
  }),
  command({
    name: "search",
    topic,
    args: [{ ...word("<text>"), takesRest: true }],
    options: listOptions,
    isLong: true,
    summary: "Find files in all your groups whose name holds the text.",
    example: "search lecture",
    async run({ client }, text, options) {
      const hits = selectFiles(await client.search(text), ({ file }) => file, options);
      return shown(renderHits(hits), { files: hits.map(hitFields) });
    },
  }),
  command({
    name: "upload_file",
    topic,
    args: [offering(word("<file_path>"), "path"), offering(word("<group_id>"), "group"), optional(fileName)],
    summary:
      "Share a file, all of a folder, or 'data/*.csv', straight from where they lie, or as <file_name>; path and group may be swapped.",
    example: "upload_file ~/'My videos/lecture 1.mp4' math",
    givenUp: "Upload stopped: what is shared already stays so, and the same command goes on from there",
    async run(context, first, second, name) {
      const target = await pathAndGroup(first, second, context);
      if (target.isSwapped) context.note(describeSwap(target, name));
      if (target.kind !== "file") return await uploadMany(context, target, name);
      const { path, group } = target;
      const upload = await context.client.uploadFile(path, group, name, context.progress, context.signal);
      const why = describeKept(group, upload);
      if (why !== undefined) context.note(why);
      return done("File uploaded successfully", { group, ...uploadFields(upload) });
    },
  }),
  command({
    name: "stop_share",
    topic,
    args: [groupId, several(offering(fileNames, "share"))],
    summary: "Stop sharing files, which stay on your disk: by name, all of 'runs/', or '*.csv'.",
    example: "stop_share math 'lecture 1.mp4'",
    async run(context, group, wanted) {
      const { client } = context;
      return changed(context, group, wanted, {
        reply: "File sharing stopped",
        tell: (amount) => `${count(amount, "file is", "files are")} no longer shared`,
        one: (name) => client.stopShare(group, name),
        many: (names) => client.stopShares(group, names),
      });
    },
  }),
];
