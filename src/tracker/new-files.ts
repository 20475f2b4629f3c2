/**
 * News of files that one user shares in one group in one step: told together, since a message for each costs the tracker and
 * every member more than all else that the share does. Pure.
 *
 * Nothing is told in another order than it happened, but that a machine is a source, which is told of to others.
 */
import { NEW_FILES_PER_NOTICE_MAX } from "../base/limits.ts";
import type { News, Notice } from "../wire/client-tracker.ts";
import type { Announcement } from "./announcements.ts";
import type { ClientLink } from "./client-link.ts";

type GroupNews = Extract<Announcement, { kind: "group-news" }>;
type NewFile = Extract<News, { kind: "new-file" }>;

/** For the members online now, but the one who did it: at least two of one user. */
export interface NewFiles extends Pick<GroupNews, "gid" | "by"> {
  readonly kind: "new-files";
  readonly news: NewFile[];
}

/** @returns the same, with what tells of several new files in place of the first of them */
export function gatherNewFiles(announcements: readonly Announcement[]): (Announcement | NewFiles)[] {
  const gathered: (Announcement | NewFiles)[] = [];
  let last: { readonly at: number; readonly of: NewFiles } | undefined;
  for (const announcement of announcements) {
    const { kind } = announcement;
    if (kind === "group-news" && announcement.news.kind === "new-file") {
      const { gid, by, news } = announcement;
      if (last !== undefined && isOfThose(last.of, announcement, news)) {
        last.of.news.push(news);
        gathered[last.at] = last.of;
        continue;
      }
      last = { at: gathered.length, of: { kind: "new-files", gid, by, news: [news] } };
    } else if (kind !== "shared") last = undefined;
    gathered.push(announcement);
  }
  return gathered;
}

function isOfThose(
  { gid, by, news: [first] }: NewFiles,
  other: GroupNews,
  { group, user }: NewFile,
): boolean {
  return gid === other.gid && by === other.by && group === first?.group && user === first.user;
}

/** As that client takes them. */
export function* noticesOf(
  { news }: NewFiles,
  { takesNewFiles }: Pick<ClientLink, "takesNewFiles">,
): Generator<Notice> {
  const [first] = news;
  if (first === undefined) return;
  if (!takesNewFiles) {
    for (const each of news) yield { kind: "news", news: each };
    return;
  }
  const { group, user } = first;
  for (let at = 0; at < news.length; at += NEW_FILES_PER_NOTICE_MAX) {
    const some = news.slice(at, at + NEW_FILES_PER_NOTICE_MAX);
    yield { kind: "new-files", group, user, files: some.map(({ name, size }) => ({ name, size })) };
  }
}
