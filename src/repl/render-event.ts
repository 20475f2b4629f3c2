/** What happened without having been asked for, as a line and the stream that it belongs on. Pure. */
import { NAMES_TOLD_MAX } from "../base/limits.ts";
import { formatBytes, forTerminal } from "../base/text.ts";
import type { ClientEvent, DownloadView, News } from "../client/views.ts";
import { quoteWord } from "./parser.ts";
import { renderWait } from "./render-download.ts";
import { someNames } from "./tell-some.ts";

export interface EventLine {
  /** A reply that comes later, a notice, or an error. */
  readonly kind: "reply" | "notice" | "error";
  readonly line: string;
}

/** Of what an event is one of many, if it may come in numbers: those of one kind can be told in one line. */
export function manyOf(event: ClientEvent, nowMs: number): string | undefined {
  switch (event.kind) {
    case "news":
      return event.news.kind === "new-file" ? `new-file ${event.news.group}` : undefined;
    case "download-complete":
      return event.kind;
    case "download-failed":
    case "download-paused":
      return `${event.kind} ${event.view.group} ${reasonOf(event.view)}`;
    case "download-waits":
      return `${event.kind} ${event.view.group} ${standing(event.view, nowMs)}`;
    case "share-broken":
      return `${event.kind} ${event.share.group}`;
    default:
      return undefined;
  }
}

/**
 * Those of one kind: a line for each of a few, one for many.
 * @param nowMs wall clock, for "last seen"
 */
export function renderEvents(events: readonly ClientEvent[], nowMs: number): EventLine[] {
  const [first] = events;
  const together =
    first === undefined || events.length <= NAMES_TOLD_MAX ? undefined : many(events, first, nowMs);
  if (together === undefined) return events.map((event) => renderEvent(event, nowMs));
  return [{ kind: together.kind, line: forTerminal(together.line) }];
}

function many(events: readonly ClientEvent[], first: ClientEvent, nowMs: number): EventLine | undefined {
  const names = someNames(events.map(nameOf));
  switch (first.kind) {
    case "news":
      return "group" in first.news
        ? notice(`${events.length} new files in ${first.news.group}: ${names}`)
        : undefined;
    case "download-complete":
      return { kind: "reply", line: `${events.length} downloads complete: ${names}` };
    case "download-failed":
      return {
        kind: "error",
        line: `${events.length} downloads of group ${first.view.group} failed: ${reasonOf(first.view)}: ${names}`,
      };
    case "download-paused":
      return notice(
        `${events.length} downloads of group ${first.view.group}: paused: ${reasonOf(first.view)}: ${names}`,
      );
    case "download-waits":
      return notice(
        `${events.length} downloads of group ${first.view.group}: ${standing(first.view, nowMs)}: ${names}`,
      );
    case "share-broken":
      return notice(
        `No longer shared: ${events.length} files in group ${first.share.group} that were changed or are gone: ${names}`,
      );
    default:
      return undefined;
  }
}

function nameOf(event: ClientEvent): string {
  if ("view" in event) return event.view.name;
  if (event.kind === "share-broken") return event.share.name;
  return event.kind === "news" && event.news.kind === "new-file" ? event.news.name : "";
}

function reasonOf({ failure }: DownloadView): string {
  return failure?.message ?? "unknown reason";
}

function standing({ waits }: DownloadView, nowMs: number): string {
  return waits === undefined ? "goes on" : renderWait(waits, nowMs);
}

/** @param nowMs wall clock, for "last seen" */
export function renderEvent(event: ClientEvent, nowMs: number): EventLine {
  const { kind, line } = describe(event, nowMs);
  return { kind, line: forTerminal(line) };
}

function describe(event: ClientEvent, nowMs: number): EventLine {
  switch (event.kind) {
    case "news":
      return notice(describeNews(event.news));
    case "download-complete":
      return { kind: "reply", line: `Download complete: ${event.view.path}` };
    case "download-failed": {
      const { name, group } = event.view;
      return { kind: "error", line: `download of ${name} of group ${group} failed: ${reasonOf(event.view)}` };
    }
    case "download-waits": {
      const { name, group } = event.view;
      return notice(`Download of ${name} of group ${group}: ${standing(event.view, nowMs)}`);
    }
    case "download-paused": {
      const { name, group } = event.view;
      return notice(`Download of ${name} of group ${group}: paused: ${reasonOf(event.view)}`);
    }
    case "share-broken":
      return notice(`No longer shared: ${event.share.name} in group ${event.share.group}: ${event.why}`);
    case "follow-ended":
      return notice(`No longer following ${event.group}: ${DEPARTED[event.how]}`);
    case "follow-none-new":
      return notice(
        event.files === 1
          ? `Nothing new in ${event.group}: its file was fetched or shared here before`
          : `Nothing new in ${event.group}: its ${event.files} files were fetched or shared here before`,
      );
    case "tracker-changed":
      return notice(`Connected to tracker ${event.tracker} now: all goes on`);
    case "tracker-lost":
      return notice(`No tracker answers: ${event.tried}; trying again`);
    case "alone":
      return notice(
        `Warning: this, and what follows, stands on one tracker only: ${
          event.others === 1 ? "the other one does not answer" : `the other ${event.others} do not answer`
        }`,
      );
    case "together":
      return notice("Commands stand on more than one tracker again");
    case "session-ended":
      return notice(`Logged out: ${event.message}`);
    case "warning":
      return notice(`Warning: ${event.message}`);
  }
}

const DEPARTED = {
  left: "you have left the group",
  removed: "you are no longer a member of the group",
  deleted: "the group was deleted",
} as const;

function notice(line: string): EventLine {
  return { kind: "notice", line };
}

function describeNews(news: News): string {
  switch (news.kind) {
    case "join-request":
      return `${news.user} asks to join group ${news.group}: accept_request ${quoteWord(news.group)} ${quoteWord(news.user)}`;
    case "accepted":
      return `You are now a member of group ${news.group}`;
    case "rejected":
      return `Your request to join group ${news.group} was rejected`;
    case "removed":
      return `You are no longer a member of group ${news.group}`;
    case "accept-void":
      return `You are no longer a member of group ${news.group}: it has a new owner, whose answer your request waits for`;
    case "ownership-lost":
      return `You are no longer the owner of group ${news.group}: it was handed over twice at once, and ${news.to} owns it`;
    case "user-renamed":
      return news.name.includes("~")
        ? `Your account is now called ${news.name}: another one had the name ${news.from} first`
        : `Your account is called ${news.name} again`;
    case "group-renamed":
      return `Group ${news.from} is now called ${news.group}`;
    case "file-renamed":
      return `Your file ${news.from} in group ${news.group} is now called ${news.name}`;
    case "password-lost":
      return "Your password was changed twice while trackers were cut off from each other: the later change counts";
    case "ownership":
      return `${news.from} made you the owner of group ${news.group}`;
    case "group-deleted":
      return `Group ${news.group} was deleted`;
    case "new-file":
      return `${news.user} shares ${news.name} (${formatBytes(news.size)}) in group ${news.group}`;
  }
}
