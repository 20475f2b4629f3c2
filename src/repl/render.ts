/**
 * Lists and views of the client as lines of text. Pure.
 *
 * The first column of a list is what a command takes; columns are aligned and stand two spaces apart, without a heading,
 * so that people and scripts read the same. Whatever came from elsewhere is made fit for a terminal before its width is
 * measured. Downloads are in `render-download.ts`, events in `render-event.ts`.
 */
import type { UserName } from "../base/ids.ts";
import { formatRate } from "../base/rate-text.ts";
import { count, formatBytes, forTerminal } from "../base/text.ts";
import type {
  FileView,
  FollowView,
  GrantRefusal,
  GroupView,
  HashProgress,
  MemberView,
  RateLimits,
  SearchHit,
  ShareView,
  WhoAmI,
} from "../client/views.ts";
import { someNames } from "./tell-some.ts";

/** Rows of equal length as lines; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map(forTerminal));
  const widths: number[] = [];
  for (const row of shown) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, Bun.stringWidth(cell));
  }
  const pad = (cell: string, width: number) => cell + " ".repeat(Math.max(0, width - Bun.stringWidth(cell)));
  return shown.map((row) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : pad(cell, widths[column] ?? 0))).join("  "),
  );
}

function listOr(empty: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [empty] : columns(rows);
}

export function renderGroups(groups: readonly GroupView[]): string[] {
  return listOr(
    "No groups",
    groups.map((group) => [group.name, group.owner, count(group.members, "member"), group.standing]),
  );
}

export function renderRequests(users: readonly UserName[]): string[] {
  return listOr(
    "No pending requests",
    users.map((user) => [user]),
  );
}

export function renderMembers(members: readonly MemberView[]): string[] {
  return listOr(
    "No members",
    members.map(({ name, owner, online }) => [
      name,
      owner ? "owner" : "member",
      online ? "online" : "offline",
    ]),
  );
}

export function renderFiles(files: readonly FileView[]): string[] {
  return listOr("No files", files.map(fileCells));
}

export function renderHits(hits: readonly SearchHit[]): string[] {
  return listOr(
    "No files",
    hits.map(({ group, file }) => [group, ...fileCells(file)]),
  );
}

function fileCells({ name, size, sources, sha1 }: FileView): string[] {
  return [name, formatBytes(size), count(sources, "source"), sha1];
}

export function renderFollows(follows: readonly FollowView[]): string[] {
  return listOr(
    "No group is followed",
    follows.map(({ group, folder }) => [group, folder]),
  );
}

/** What a peer can be refused for, in the words of whoever runs this client. */
const REFUSED: Readonly<Record<GrantRefusal, string>> = {
  forged: "signed by no tracker known here",
  expired: "expired",
  otherGroup: "for another group",
  otherKey: "of another machine",
  revoked: "of a member removed",
  outdated: "of before a change of password",
  ended: "ended and not renewed",
};

export function renderWhoAmI(who: WhoAmI): string[] {
  const { user, listening, tracker, dataFolder, fingerprint, refusals, limits } = who;
  const refused = [...refusals].map(([why, times]) => `${times} ${REFUSED[why]}`);
  return columns([
    ["user", user ?? "not logged in"],
    ["listening", listening],
    ["tracker", tracker ?? "none answers"],
    ["data", dataFolder],
    ...limitRows(limits),
    ...(refused.length === 0 ? [] : [["refused", `grants: ${refused.join(", ")}`]]),
    ["key", `sha256:${fingerprint}`],
  ]);
}

function limitRows({ up, down }: RateLimits): string[][] {
  const shown = (name: string, rate: number | undefined) =>
    rate === undefined ? [] : [`${name} ${formatRate(rate)}`];
  const limits = [...shown("up", up), ...shown("down", down)];
  return limits.length === 0 ? [] : [["limits", limits.join(", ")]];
}

/** What stands before the cursor. */
export function renderPrompt({ user, listening }: WhoAmI): string {
  return forTerminal(user === undefined ? `${listening}> ` : `${user}@${listening}> `);
}

export function renderHashing({ name, total, file }: HashProgress): string {
  if (file?.number === 0) return `Looking through ${forTerminal(name)}: ${count(file.of, "file")} so far`;
  if (file !== undefined) return `Sharing ${file.number} of ${count(file.of, "file")}: ${forTerminal(name)}`;
  return `Hashing ${forTerminal(name)} (${formatBytes(total)})`;
}

/** For whoever leaves, of downloads that do not end before. */
export function renderUnfinished(amount: number): string {
  const which =
    amount === 1
      ? "1 download is not complete: it goes on"
      : `${amount} downloads are not complete: they go on`;
  return `${which} when you log in here again`;
}

/** For whoever leaves, of files that nobody else has online. */
export function renderLastCopies(files: readonly ShareView[]): string {
  const names = someNames(files.map(({ name }) => name));
  if (files.length === 1) return `Only you have ${names} online: until you are back, nobody can fetch it`;
  return `Only you have ${files.length} of your files online (${names}): until you are back, nobody can fetch them`;
}
