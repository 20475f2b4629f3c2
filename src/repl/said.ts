/**
 * What the prompt says, for programs: one record for each reply, error and event, plain data that becomes a line of JSON.
 * Pure.
 *
 * `docs/SCRIPTING.md` promises these shapes; a test holds the two against each other. Fields may be added, never renamed.
 * Values stay values: sizes in bytes, times in milliseconds, and what is not there is null or left out as the page says.
 */
import type { Failure } from "../base/failure.ts";
import type {
  ClientEvent,
  DownloadView,
  FileView,
  FollowView,
  GroupView,
  HashProgress,
  MemberView,
  News,
  SearchHit,
  UploadResult,
  WhoAmI,
} from "../client/views.ts";

/** Fields by name, of JSON's own types. */
export type Fields = Readonly<Record<string, unknown>>;

/** What goes to the terminal beside the line for people. */
export interface Said {
  readonly record: Fields;
  /** Whether it was asked for to be read; what only confirms or tells is left out where only errors are wanted. */
  readonly isData: boolean;
}

export function saidReply(command: string, result: Fields, isData: boolean): Said {
  return { record: { type: "reply", command, ok: true, result }, isData };
}

/** @param command undefined if the line was none */
export function saidError(command: string | undefined, { code, message }: Failure): Said {
  const which = command === undefined ? {} : { command };
  return { record: { type: "error", ...which, code, message }, isData: false };
}

export function saidEvent(event: ClientEvent): Said {
  return { record: { type: "event", ...eventFields(event) }, isData: false };
}

/** What has no shape of its own: of the log, or of how the program was started. */
export function saidNotice(message: string): Said {
  return { record: { type: "event", event: "notice", message }, isData: false };
}

export function saidHashing({ name, doneBytes, total, file }: HashProgress): Said {
  const which = file === undefined ? {} : { file };
  const record = { type: "progress", progress: "hashing", name, done: doneBytes, size: total, ...which };
  return { record, isData: false };
}

export function saidDownloading(view: DownloadView): Said {
  const { group, name, size, done, rate, left } = downloadFields(view);
  const record = { type: "progress", progress: "downloading", group, name, done, size, rate, left };
  return { record, isData: false };
}

export function groupFields({ name, owner, members, standing }: GroupView): Fields {
  return { name, owner, members, standing };
}

export function memberFields({ name, owner, online }: MemberView): Fields {
  return { name, owner, online };
}

export function fileFields({ name, size, sources, sha1, fileId, addedMs }: FileView): Fields {
  const added = addedMs === undefined ? {} : { added: addedMs };
  return { name, size, sources, sha1, fileId, ...added };
}

export function hitFields({ group, file }: SearchHit): Fields {
  return { group, ...fileFields(file) };
}

export function whoAmIFields(who: WhoAmI): Fields {
  const { user = null, listening, tracker = null, dataFolder, fingerprint, refusals, limits } = who;
  const { up = null, down = null } = limits;
  return {
    user,
    listening,
    tracker,
    dataFolder,
    fingerprint,
    refusals: Object.fromEntries(refusals),
    limits: { up, down },
  };
}

export function downloadFields(view: DownloadView) {
  const { group, name, path, state, size, doneBytes: done, rate, sources, waits = null, failure } = view;
  return {
    group,
    name,
    path,
    state,
    size,
    done,
    rate: Math.round(rate),
    left: rate > 0 ? Math.round((1000 * (size - done)) / rate) : null,
    sources: sources.map(({ user, address, bytes, wrongPieces, state: standing }) => ({
      user,
      address,
      bytes,
      wrongPieces,
      state: standing,
    })),
    wasted: view.wastedBytes,
    waits,
    error: failure === undefined ? null : failureFields(failure),
  };
}

export function followFields({ group, folder }: FollowView): Fields {
  return { group, folder };
}

export function uploadFields({ name, path, size, sha1, kept }: UploadResult): Fields {
  return { name, path, size, sha1, kept: kept ?? null };
}

/** Of one file of many. */
export function failedFields({
  name,
  failure,
}: {
  readonly name: string;
  readonly failure: Failure;
}): Fields {
  return { name, ...failureFields(failure) };
}

function failureFields({ code, message }: Failure): Fields {
  return { code, message };
}

function eventFields(event: ClientEvent): Fields {
  const { kind } = event;
  switch (kind) {
    case "news":
      return newsFields(event.news);
    case "download-complete":
    case "download-failed":
    case "download-waits":
    case "download-paused":
      return { event: kind, ...downloadFields(event.view) };
    case "share-broken": {
      const { group, name, path, size } = event.share;
      return { event: kind, group, name, path, size, message: event.why };
    }
    case "follow-ended":
      return { event: kind, group: event.group, how: event.how };
    case "follow-none-new":
      return { event: kind, group: event.group, files: event.files };
    case "tracker-changed":
      return { event: kind, tracker: event.tracker };
    case "tracker-lost":
      return { event: kind, message: event.tried };
    case "alone":
      return { event: kind, others: event.others };
    case "together":
      return { event: kind };
    case "session-ended":
    case "warning":
      return { event: kind, message: event.message };
  }
}

/** News are events of their own name; ids that only trackers use are left out. */
function newsFields(news: News): Fields {
  const { kind, ...fields } = news;
  if ("gid" in fields) Reflect.deleteProperty(fields, "gid");
  return { event: kind, ...fields };
}
