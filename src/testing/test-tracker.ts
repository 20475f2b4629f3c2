/**
 * Tracker cores without disk, network or clock, for tests: each has a number, a wall clock that the test sets, and a log
 * that others can take over whenever the test wants them to meet.
 */

import { Failure } from "../base/failure.ts";
import type { FileAttributes } from "../base/file-attributes.ts";
import type {
  Digest,
  FileId,
  FileName,
  Fingerprint,
  Gid,
  GroupName,
  ListingId,
  RequestId,
  Sha1,
  Uid,
  UserName,
} from "../base/ids.ts";
import { listingIdOf } from "../base/listing-id.ts";
import type { FileSummary } from "../base/manifest.ts";
import type { ChangePassword, Command } from "../tracker/core/commands.ts";
import { deriveGid, deriveUid } from "../tracker/core/derived-ids.ts";
import type { StandingChange } from "../tracker/core/groups.ts";
import { TrackerCore } from "../tracker/core/machine.ts";
import { checkInvariants, type State } from "../tracker/core/state.ts";
import { type Entry, type EntryKey, type Origin, parseEntry } from "../wire/entry.ts";

/** Any text as a hex id of its own. */
export function hexId<T extends string>(text: string, digits = 32): T {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, digits) as T;
}

export function requestId(text: string | number): RequestId {
  return hexId(`request ${text}`);
}

export function originOf(number: number, run = 1): Origin {
  return `${number}-${run.toString(16).padStart(16, "0")}` as Origin;
}

export function deviceOf(text: string): Fingerprint {
  return hexId(`device ${text}`, 64);
}

/** What a file of that content is known by. */
export function fileOf(content: string): FileSummary {
  return {
    fileId: hexId<FileId>(`file ${content}`, 64),
    size: content.length,
    sha1: hexId<Sha1>(`sha1 ${content}`, 40),
    digest: hexId<Digest>(`digest ${content}`, 64),
  };
}

type OmitRequest<C> = C extends ChangePassword
  ? Omit<C, "request" | "device"> & Partial<Pick<C, "device">>
  : C extends Command
    ? Omit<C, "request">
    : never;
/** A command, with names as plain text; without a request id it is a new one; a user has one machine if none is named. */
export type TestCommand = OmitRequest<Command> & { readonly request?: RequestId };

/** Names in tests are right as they stand. */
export const user = (name: string) => name as UserName;
export const group = (name: string) => name as GroupName;
export const file = (name: string) => name as FileName;

export class TestTracker {
  readonly core: TrackerCore;
  /** All that it has, in order of arrival. */
  readonly log: Entry[] = [];
  readonly #held = new Set<string>();
  readonly #number: number;
  nowMs: number;
  #requests = 0;

  constructor(number = 1, nowMs = 1_000_000) {
    this.#number = number;
    this.nowMs = nowMs;
    this.core = new TrackerCore(originOf(number));
  }

  get state(): State {
    return this.core.state;
  }

  /** Decides, stores, applies. Time goes on by a second. */
  run(command: TestCommand): readonly Entry[] | Failure {
    this.nowMs += 1_000;
    const request = command.request ?? this.nextRequest();
    const machine = command.kind === "change-password" ? { device: deviceOf(command.by) } : {};
    const executed = this.core.execute({ ...machine, ...command, request } as Command, this.nowMs);
    if (executed instanceof Failure) return executed;
    this.take(executed.entries);
    return executed.entries;
  }

  /** As `run`, where the test means it to succeed. */
  must(command: TestCommand): readonly Entry[] {
    const result = this.run(command);
    if (result instanceof Failure) throw result;
    return result;
  }

  nextRequest(): RequestId {
    return requestId(`${this.#number} ${++this.#requests}`);
  }

  /** Applies what it does not have yet; every entry must be one that can be stored. */
  take(entries: Iterable<Entry>): StandingChange[] {
    const fresh = [...entries].filter(({ key }) => !this.#held.has(keyText(key)));
    for (const entry of fresh) {
      const parsed = parseEntry(entry);
      if (parsed instanceof Failure) throw parsed;
      this.#held.add(keyText(entry.key));
      this.log.push(entry);
    }
    return this.core.apply(fresh, this.nowMs);
  }

  /** Takes over all that the other has, and gives all that it has itself. */
  meet(other: TestTracker): void {
    const mine = [...this.log];
    this.take(other.log);
    other.take(mine);
    checkInvariants(this.state);
    checkInvariants(other.state);
  }

  createUser(name: string): Uid {
    const request = this.nextRequest();
    this.must({ kind: "create-user", request, name: user(name), passwordHash: `hash of ${name}` });
    return deriveUid(request);
  }

  createGroup(by: Uid, name: string): Gid {
    const request = this.nextRequest();
    this.must({ kind: "create-group", request, by, group: group(name) });
    return deriveGid(request);
  }

  /** Asks and is let in. */
  addMember(owner: Uid, groupName: string, by: Uid): void {
    this.must({ kind: "join-group", by, group: group(groupName) });
    const listed = this.state.users.listedName(by);
    this.must({ kind: "accept-request", by: owner, group: group(groupName), user: listed });
  }

  share(
    by: Uid,
    groupName: string,
    name: string,
    content = name,
    counter = 1,
    attributes?: FileAttributes,
  ): readonly Entry[] | Failure {
    const device = deviceOf(by);
    return this.run({
      kind: "share-file",
      by,
      device,
      group: group(groupName),
      name: file(name),
      file: fileOf(content),
      counter,
      attributes,
    });
  }

  /** Whatever name that machine shares it under. */
  stop(by: Uid, groupName: string, content: string, counter = 2): readonly Entry[] | Failure {
    const listingId = this.#listingOf(by, groupName, content);
    return this.run({
      kind: "stop-share",
      by,
      device: deviceOf(by),
      group: group(groupName),
      listingId,
      counter,
    });
  }

  #listingOf(by: Uid, groupName: string, content: string): ListingId {
    const { fileId } = fileOf(content);
    const { groups, shares } = this.state;
    const [gid] = groups.find(groupName);
    const all = gid === undefined ? [] : [...shares.ofContent(gid, fileId)];
    const own = all.filter((each) => gid && shares.share(gid, each, { uid: by, device: deviceOf(by) }));
    return own[0] ?? all[0] ?? listingIdOf(fileId, file(content));
  }
}

function keyText({ origin, seq }: EntryKey): string {
  return `${origin} ${seq}`;
}

export function bodiesOf(result: readonly Entry[] | Failure): readonly Entry["body"][] {
  if (result instanceof Failure) throw result;
  return result.map(({ body }) => body);
}

/** The code of a refusal, or what was done instead of refusing. */
export function codeOf(result: unknown): unknown {
  return result instanceof Failure ? result.code : result;
}
