/**
 * A tracker's history of a given size, made by the tracker's own core: people, their groups, members let in, files
 * shared once each. Pure: the same sizes give the same history.
 */
import { Failure } from "../src/base/failure.ts";
import type {
  Digest,
  FileId,
  FileName,
  Fingerprint,
  GroupName,
  RequestId,
  Sha1,
  Uid,
  UserName,
} from "../src/base/ids.ts";
import { digestOf, type FileSummary } from "../src/base/manifest.ts";
import type { Command } from "../src/tracker/core/commands.ts";
import { deriveUid } from "../src/tracker/core/derived-ids.ts";
import { TrackerCore } from "../src/tracker/core/machine.ts";
import type { Entry, Origin } from "../src/wire/entry.ts";

export interface HistorySizes {
  readonly users: number;
  /** At most as many as users; the first user owns the first group, and so on. */
  readonly groups: number;
  /** Beside the owners; at most as many as users that own nothing. */
  readonly members: number;
  /** Spread over the groups, each shared by the owner. */
  readonly files: number;
}

/** Entries that such a history has: whoever makes a group is let into it, too. */
export function entryCount({ users, groups, members, files }: HistorySizes): number {
  return users + 3 * groups + 2 * members + 2 * files;
}

/** As long as an argon2id hash is. */
const PASSWORD_HASH = `$argon2id$v=19$m=19456,t=2,p=1$${"A".repeat(43)}$${"B".repeat(43)}`;
export const NO_PIECES = new Uint8Array();

export const madeName = {
  user: (index: number) => `user-${index}` as UserName,
  group: (index: number) => `group-${index}` as GroupName,
  file: (index: number) => `recording-of-lecture-${index}.mp4` as FileName,
};

/** Of that user, in every history. */
export function madeUid(index: number): Uid {
  return deriveUid(requestId(`user ${index}`));
}

/** Every file names the one piece list of no pieces, so that trackers have nothing to fetch but what is measured. */
export function madeFile(index: number): FileSummary {
  return {
    fileId: hexOf<FileId>(`file ${index}`),
    size: 0,
    sha1: hexOf<Sha1>(`content ${index}`).slice(0, 40) as Sha1,
    digest: digestOf(NO_PIECES) as Digest,
  };
}

export class MadeHistory {
  readonly core: TrackerCore;
  readonly #sizes: HistorySizes;
  readonly #deviceOf: (user: number) => Fingerprint;
  #nowMs: number;

  /** @param deviceOf the machine on which a user shares */
  constructor(
    sizes: HistorySizes,
    { origin, nowMs, deviceOf }: { origin: Origin; nowMs: number; deviceOf: (user: number) => Fingerprint },
  ) {
    this.core = new TrackerCore(origin);
    this.#sizes = sizes;
    this.#nowMs = nowMs - entryCount(sizes);
    this.#deviceOf = deviceOf;
  }

  /** Makes it, once; the core has applied what comes. */
  *entries(): Generator<Entry> {
    for (const command of this.#commands()) {
      const executed = this.core.execute(command, this.#nowMs++);
      if (executed instanceof Failure) throw executed;
      this.core.apply(executed.entries, this.#nowMs);
      yield* executed.entries;
    }
  }

  *#commands(): Generator<Command> {
    const { users, groups, members, files } = this.#sizes;
    for (let user = 0; user < users; user++) {
      const name = madeName.user(user);
      yield { kind: "create-user", request: requestId(`user ${user}`), name, passwordHash: PASSWORD_HASH };
    }
    for (let index = 0; index < groups; index++) {
      const [by, group] = [madeUid(index), madeName.group(index)];
      yield { kind: "create-group", request: requestId(`group ${index}`), by, group };
    }
    for (let index = 0; index < members; index++) {
      const owner = index % groups;
      const [user, group] = [groups + index, madeName.group(owner)];
      yield { kind: "join-group", request: requestId(`join ${index}`), by: madeUid(user), group };
      const [by, whom] = [madeUid(owner), madeName.user(user)];
      yield { kind: "accept-request", request: requestId(`accept ${index}`), by, group, user: whom };
    }
    for (let index = 0; index < files; index++) {
      const owner = index % groups;
      yield {
        kind: "share-file",
        request: requestId(`share ${index}`),
        by: madeUid(owner),
        device: this.#deviceOf(owner),
        group: madeName.group(owner),
        name: madeName.file(index),
        file: madeFile(index),
        counter: 1,
      };
    }
  }
}

function requestId(text: string): RequestId {
  return hexOf<RequestId>(text).slice(0, 32) as RequestId;
}

/** @returns 64 hex digits */
export function hexOf<T extends string>(text: string): T {
  return Bun.SHA256.hash(text, "hex") as T;
}
