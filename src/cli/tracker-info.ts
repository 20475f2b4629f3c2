/**
 * `tracker_info.txt`: its text -> trackers, pure; and a small shell that reads the file.
 *
 * A text is a list of entries, an entry is `no? host port? (no | sync port)? pin?`, and a line holds one or several of
 * them. A line without a host goes on with the entry of the line before, which is how ip and port on alternating lines
 * fit in. Numbers are told apart by their place: before a host it is the tracker's number, after it the port, and after
 * the port the tracker's number if it is one, else a sync port, which is not used.
 */
import { open } from "node:fs/promises";
import { formatAddress, isHost, isIpv6, parsePort, sameAddress } from "../base/address.ts";
import { defined } from "../base/assert.ts";
import { Failure, orThrow } from "../base/failure.ts";
import { type Fingerprint, parseFingerprint } from "../base/ids.ts";
import { TRACKER_INFO_BYTES_MAX, TRACKER_PORT_DEFAULT, TRACKERS_MAX } from "../base/limits.ts";
import { cleanPasted, forTerminal } from "../base/text.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import { type JsonEntry, looksLikeJson, readTrackersJson } from "./tracker-info-json.ts";

const ADVICE = "write one ip:port per line";

type Token =
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "host"; readonly host: string; readonly needsPort: boolean }
  | { readonly kind: "pin"; readonly pin: Fingerprint };

/** An entry on its way: its port and its pin may still come with the next line. */
interface Draft {
  readonly line: number;
  shape: string;
  readonly host: string;
  /** An IPv6 address without brackets: `::1:5000` may be meant as one with a port. */
  readonly needsPort: boolean;
  no: number | undefined;
  port: number | undefined;
  pin: Fingerprint | undefined;
  /** Whether the one number that may follow the port has come. */
  closed: boolean;
}

/** A tracker and where it was read from. */
export interface ReadTracker {
  readonly entry: TrackerEntry;
  /** From 1. */
  readonly line: number;
  /** What was read, as it stands there. */
  readonly shape: string;
}

/** @param fileName for messages */
export function parseTrackerInfo(text: string, fileName: string): readonly TrackerEntry[] | Failure {
  const read = parseTrackers(text, fileName);
  return read instanceof Failure ? read : read.map(({ entry }) => entry);
}

/** @param fileName for messages */
export function parseTrackers(text: string, fileName: string): readonly ReadTracker[] | Failure {
  const shownName = forTerminal(fileName);
  const lines = linesOf(cleanPasted(text), shownName);
  if (lines instanceof Failure) return lines;
  const drafts: Draft[] = [];
  for (const line of lines) {
    const fault = readLine(line, drafts);
    if (fault !== undefined) return faultAt(shownName, line.line, fault, line.shown);
    if (drafts.length > TRACKERS_MAX)
      return new Failure("usage", `${shownName} names more than ${TRACKERS_MAX} trackers`);
  }
  if (drafts.length === 0) return new Failure("usage", `${shownName} names no tracker; ${ADVICE}`);
  const entries = finish(drafts, shownName);
  if (entries instanceof Failure) return entries;
  return entries.map((entry, index) => {
    const { line, shape } = defined(drafts[index], "what the entry was read from");
    return { entry, line, shape };
  });
}

function faultAt(fileName: string, line: number, why: string, shown: string): Failure {
  const text = forTerminal(shown.slice(0, 120));
  return new Failure("usage", `${fileName} line ${line}: ${forTerminal(why)} in "${text}"; ${ADVICE}`);
}

function linesOf(text: string, fileName: string): readonly JsonEntry[] | Failure {
  if (looksLikeJson(text)) {
    const found = readTrackersJson(text);
    return "why" in found ? faultAt(fileName, found.line, found.why, found.shown) : found;
  }
  return text
    .split(/\r\n|\n|\r/)
    .map((whole, index) => ({ line: index + 1, text: whole.replace(/#.*/, "").trim(), shown: whole.trim() }))
    .filter((line) => line.text !== "");
}

/** Adds what the line says to the drafts. @returns what is wrong with it, if anything */
function readLine({ line, text, shown }: JsonEntry, drafts: Draft[]): string | undefined {
  const tokens: Token[] = [];
  for (const word of text.split(/[\s;,]+/).filter((part) => part !== "")) {
    const found = tokensOf(word);
    if (typeof found === "string") return found;
    tokens.push(...found);
  }
  if (!tokens.some((token) => token.kind === "host")) {
    const draft = drafts.at(-1);
    if (draft !== undefined) draft.shape += ` / ${shown}`;
    return continueEntry(tokens, draft);
  }
  const first = drafts.length;
  return readEntries(tokens, { line, shown }, drafts) ?? checkPorts(drafts.slice(first));
}

function readEntries(
  tokens: readonly Token[],
  { line, shown: shape }: Pick<JsonEntry, "line" | "shown">,
  drafts: Draft[],
): string | undefined {
  const numbersLead = tokens[0]?.kind === "number";
  let draft: Draft | undefined;
  let no: number | undefined;
  for (const [index, token] of tokens.entries()) {
    let fault: string | undefined;
    if (token.kind === "host") {
      const { host, needsPort } = token;
      draft = { line, shape, host, needsPort, no, port: undefined, pin: undefined, closed: false };
      drafts.push(draft);
      no = undefined;
    } else if (token.kind === "number" && numbersLead && tokens[index + 1]?.kind === "host") {
      no = parsePort(token.text);
      if (no === undefined) fault = `not a tracker number from 1 to 65535: ${token.text}`;
    } else if (draft === undefined) {
      fault = "no host before its port or fingerprint";
    } else {
      fault = token.kind === "pin" ? takePin(draft, token.pin) : takeNumber(draft, token.text);
    }
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** A line without a host gives the entry before it the port or the pin that it lacks. */
function continueEntry(tokens: readonly Token[], draft: Draft | undefined): string | undefined {
  if (draft === undefined) return "no host before it";
  for (const token of tokens) {
    let fault: string | undefined;
    if (token.kind === "pin") fault = takePin(draft, token.pin);
    else if (token.kind === "number")
      fault = draft.port === undefined ? takeNumber(draft, token.text) : `no host before ${token.text}`;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function takeNumber(draft: Draft, text: string): string | undefined {
  const number = parsePort(text);
  if (draft.closed) return `one number too many: ${text}`;
  if (number === undefined) return `not a port from 1 to 65535: ${text}`;
  if (draft.port === undefined) {
    draft.port = number;
    return undefined;
  }
  draft.closed = true;
  if (draft.no === undefined && number <= TRACKERS_MAX) draft.no = number;
  return undefined;
}

function takePin(draft: Draft, pin: Fingerprint): string | undefined {
  if (draft.pin !== undefined) return "a second fingerprint";
  draft.pin = pin;
  return undefined;
}

/** Only a host that is alone on its line may go without a port: the words of some other text are no trackers. */
function checkPorts(drafts: readonly Draft[]): string | undefined {
  const bare = drafts.find((draft) => draft.port === undefined);
  return bare === undefined || drafts.length === 1 ? undefined : `no port after ${bare.host}`;
}

/** @returns the parts of one word, `host:port` being a host and a number; or what is wrong with it */
function tokensOf(word: string): readonly Token[] | string {
  if (/^\d+$/.test(word)) return [{ kind: "number", text: word }];
  if (/^sha256:/i.test(word)) {
    const pin = parseFingerprint(word.slice(7).replaceAll(":", "").toLowerCase());
    return pin instanceof Failure ? `not sha256: and 64 hex digits: ${word}` : [{ kind: "pin", pin }];
  }
  if (isIpv6(word)) return [{ kind: "host", host: word, needsPort: true }];
  const [, inBrackets, plain, ...numbers] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?(?::(\d+))?$/.exec(word) ?? [];
  const host = inBrackets ?? plain ?? "";
  if (inBrackets === undefined ? !isHost(host) : !isIpv6(host))
    return `not a host name or IP address: ${word}`;
  const given = numbers.filter((text) => text !== undefined);
  return [
    { kind: "host", host, needsPort: false },
    ...given.map((text) => ({ kind: "number", text }) as const),
  ];
}

/** Numbers by position where none is given, the usual port where none is given; refuses what is there twice. */
function finish(drafts: readonly Draft[], fileName: string): readonly TrackerEntry[] | Failure {
  const entries: TrackerEntry[] = [];
  for (const [index, draft] of drafts.entries()) {
    const entry = {
      no: draft.no ?? index + 1,
      address: { host: draft.host, port: draft.port ?? TRACKER_PORT_DEFAULT },
      pin: draft.pin,
    };
    const fault = refuseEntry(draft, entry, entries, (before) => drafts[before]?.line ?? 0);
    if (fault !== undefined) return new Failure("usage", `${fileName} line ${draft.line}: ${fault}`);
    entries.push(entry);
  }
  return entries;
}

function refuseEntry(
  draft: Draft,
  { no, address }: TrackerEntry,
  before: readonly TrackerEntry[],
  lineOf: (index: number) => number,
): string | undefined {
  if (draft.needsPort && draft.port === undefined)
    return `no port after ${draft.host}; write [ip]:port for IPv6, for example [::1]:5000`;
  const sameAddressAt = before.findIndex((entry) => sameAddress(entry.address, address));
  if (sameAddressAt >= 0)
    return `the address ${formatAddress(address)} is in line ${lineOf(sameAddressAt)} already; name each tracker once`;
  const sameNoAt = before.findIndex((entry) => entry.no === no);
  if (sameNoAt >= 0)
    return `the tracker number ${no} is in line ${lineOf(sameNoAt)} already; give each tracker its own`;
  return undefined;
}

/** @throws Failure whose message names the file */
export async function readTrackerInfo(path: string): Promise<readonly TrackerEntry[]> {
  return (await readTrackers(path)).map(({ entry }) => entry);
}

/** @throws Failure whose message names the file */
export async function readTrackers(path: string): Promise<readonly ReadTracker[]> {
  const bytes = await readBounded(path);
  const text = decode(bytes);
  if (text === undefined) throw new Failure("usage", `${forTerminal(path)} is not a text file; ${ADVICE}`);
  return orThrow(parseTrackers(text, path));
}

async function readBounded(path: string): Promise<Uint8Array> {
  const shown = forTerminal(path);
  try {
    await using file = await open(path, "r");
    if ((await file.stat()).isDirectory()) throw isFolder(shown);
    const buffer = new Uint8Array(TRACKER_INFO_BYTES_MAX + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < buffer.length; length += got)
      got = (await file.read(buffer, length, buffer.length - length)).bytesRead;
    if (length > TRACKER_INFO_BYTES_MAX)
      throw new Failure(
        "usage",
        `${shown} is larger than ${TRACKER_INFO_BYTES_MAX} bytes: not a tracker file`,
      );
    return buffer.subarray(0, length);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw cannotRead(shown, error);
  }
}

function cannotRead(path: string, error: unknown): Failure {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR")
    return new Failure(
      "usage",
      `no tracker file at ${path}; write one ip:port per line into it, for example 127.0.0.1:5000`,
    );
  // Some systems do not even open a folder.
  if (code === "EISDIR") return isFolder(path);
  const cause = code ?? String(error);
  return new Failure("usage", `cannot read ${path} (${cause}); check the path, and who may read it`);
}

function isFolder(path: string): Failure {
  return new Failure("usage", `${path} is a folder, not a tracker file; name the file in it`);
}

/** UTF-8, or UTF-16 behind its mark, which is what `>` of Windows PowerShell writes. @returns undefined if it is no text */
function decode(bytes: Uint8Array): string | undefined {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? "utf-16le"
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? "utf-16be"
        : "utf-8";
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
