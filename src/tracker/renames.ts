/**
 * Who is to be told that something is called otherwise from now on. Pure: looks before a change and after it.
 *
 * Names are derived: an account, group or file is called `name~xxxxx` while an earlier claim to its name is known, and
 * gets the bare name back when that claim goes. So whatever brings or takes a claim may rename others, which it does
 * not mention; they are those under the same name.
 */
import { unreachable } from "../base/assert.ts";
import type { FileName, Gid, GroupName, ListingId, Uid, UserName } from "../base/ids.ts";
import type { News } from "../wire/client-tracker.ts";
import { groupName, membersOf } from "./core/queries.ts";
import type { State } from "./core/state.ts";

export interface NewsTo {
  readonly kind: "news";
  readonly to: Uid;
  readonly news: News;
}

/** The names that a change may give or take, as they were chosen. */
export interface NameScope {
  readonly users?: Iterable<UserName>;
  readonly groups?: Iterable<GroupName>;
  readonly files?: Iterable<{ readonly gid: Gid; readonly name: FileName }>;
}

type Subject =
  | { readonly kind: "user"; readonly uid: Uid; readonly name: UserName }
  | { readonly kind: "group"; readonly gid: Gid; readonly name: GroupName }
  | { readonly kind: "file"; readonly gid: Gid; readonly listingId: ListingId; readonly name: FileName };

export class NameWatch {
  readonly #state: State;
  readonly #scope: NameScope;
  readonly #before: ReadonlyMap<string, Subject>;

  /** To be made before the change. */
  constructor(state: State, scope: NameScope) {
    this.#state = state;
    this.#scope = scope;
    this.#before = new Map(Array.from(this.#look(), ([key, subject]) => [key, subject]));
  }

  /**
   * To be called after the change.
   * @param newcomers whether what was not known here counts as having had its name until now: it has, where it was made
   */
  renames(newcomers: "told" | "left out"): NewsTo[] {
    const told: NewsTo[] = [];
    for (const [key, now, chosen] of this.#look()) {
      const before = this.#before.get(key)?.name ?? (newcomers === "told" ? chosen : now.name);
      if (before !== now.name) told.push(...newsOf(this.#state, now, before));
    }
    return told;
  }

  /** Everything under the names in question: its key, what it is called, and the name that it was found by. */
  *#look(): Generator<[key: string, subject: Subject, chosen: string]> {
    const { users, groups, shares } = this.#state;
    for (const chosen of this.#scope.users ?? [])
      for (const uid of users.find(chosen)) yield [uid, { kind: "user", uid, name: users.name(uid) }, chosen];
    for (const chosen of this.#scope.groups ?? [])
      for (const gid of groups.find(chosen))
        yield [gid, { kind: "group", gid, name: groups.name(gid) ?? chosen }, chosen];
    for (const { gid, name: chosen } of this.#scope.files ?? [])
      for (const listingId of shares.find(gid, chosen)) {
        const name = shares.name(gid, listingId) ?? chosen;
        yield [`${gid} ${listingId}`, { kind: "file", gid, listingId, name }, chosen];
      }
  }
}

/** To whom it belongs: the user, the members, those who share the file. */
function newsOf(state: State, subject: Subject, before: string): NewsTo[] {
  const tell = (audience: Iterable<Uid>, news: News): NewsTo[] =>
    Array.from(audience, (to) => ({ kind: "news", to, news }));
  switch (subject.kind) {
    case "user": {
      const { uid, name } = subject;
      return tell([uid], { kind: "user-renamed", from: before as UserName, name });
    }
    case "group": {
      const { gid, name: group } = subject;
      return tell(membersOf(state, gid), groupRenamed(gid, before as GroupName, group));
    }
    case "file": {
      const { gid, listingId, name } = subject;
      const group = groupName(state, gid);
      if (group === undefined) return [];
      const sharers = new Set(Array.from(state.shares.sharers(gid, listingId), ({ uid }) => uid));
      return tell(sharers, { kind: "file-renamed", gid, listingId, group, from: before as FileName, name });
    }
    default:
      return unreachable(subject);
  }
}

export function groupRenamed(gid: Gid, from: GroupName, group: GroupName): News {
  return { kind: "group-renamed", gid, from, group };
}

/** What the group was called where it was made: a chosen name holds no `~`. */
export function chosenName(group: GroupName): GroupName {
  return group.replace(/~.*$/u, "") as GroupName;
}
