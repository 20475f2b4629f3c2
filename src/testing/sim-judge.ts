/**
 * Holds what a tracker says against the rules and the history. Pure: throws a `SimViolation` that names the promise.
 *
 * What is asked is what a tracker would answer its clients: the queries, not the rows; the rows are compared as a whole,
 * with those of a state to which the history alone was applied.
 */
import type { Gid, Uid } from "../base/ids.ts";
import { accountOf, groupsOf, isMember, ownerOf, sharersOf, userName } from "../tracker/core/queries.ts";
import { apply, checkInvariants, mergeRow, State } from "../tracker/core/state.ts";
import { dumpState, rowsOf } from "../tracker/core/state-rows.ts";
import { breach, type HistoryEntry, keyText } from "./sim-history.ts";
import { SimRules } from "./sim-rules.ts";

/**
 * @param history exactly what the tracker has seen
 * @param whole all that was ever durable anywhere
 */
export function judgeState(
  state: State,
  history: readonly HistoryEntry[],
  whole: readonly HistoryEntry[],
): void {
  checkDerived(state);
  const rules = new SimRules(history, whole);
  judgeAccounts(state, rules);
  for (const gid of clear(rules, rules.gids)) judgeGroup(state, rules, gid);
  judgeUserGroups(state, rules);
  judgeShares(state, rules);
  judgeRequests(history);
}

function checkDerived(state: State): void {
  try {
    checkInvariants(state);
  } catch (error) {
    breach(`what is derived is not what it derives from: ${error}`);
  }
}

/** Every fact of the history is there, and nothing else, whatever the order in which it came. */
export function judgeRows(state: State, history: readonly HistoryEntry[]): void {
  const expected = new State();
  for (const { entry } of history) apply(expected, entry);
  const [mine, theirs] = [dumpState(state), dumpState(expected)];
  const [has, lacks] = [new Set(mine), new Set(theirs)];
  const more = mine.filter((row) => !lacks.has(row));
  const less = theirs.filter((row) => !has.has(row));
  if (more.length + less.length > 0)
    breach(`rows that the entries do not make: ${more.join(" ")}; rows that are missing: ${less.join(" ")}`);
}

/**
 * For a tracker that another one has given rows, which may tell of more than it has seen: all that it has seen is in its
 * state, and nothing that was never durable anywhere.
 */
export function judgeBounds(
  state: State,
  history: readonly HistoryEntry[],
  whole: readonly HistoryEntry[],
): void {
  checkDerived(state);
  const held = dumpState(state).join("\n");
  if (dumpState(joined(state, history)).join("\n") !== held)
    breach("entries that the tracker has seen are not in its state");
  if (dumpState(joined(state, whole)).join("\n") !== dumpState(joined(new State(), whole)).join("\n"))
    breach("rows that no entries make");
}

/** A state of its own, with all that the one knows and the entries. */
function joined(state: State, history: readonly HistoryEntry[]): State {
  const both = new State();
  for (const row of rowsOf(state)) mergeRow(both, row);
  for (const { entry } of history) apply(both, entry);
  return both;
}

function clear<Id extends Gid | Uid>({ unclear }: SimRules, ids: readonly Id[]): Id[] {
  return ids.filter((id) => !unclear.has(id));
}

function judgeAccounts(state: State, rules: SimRules): void {
  for (const [key, uids] of rules.userNames()) {
    const [holder] = uids;
    if (state.users.find(key)[0] !== holder) breach(`the name ${key} is not with its first claim, ${holder}`);
    const bare = uids.filter((uid) => !userName(state, uid).includes("~"));
    if (bare.length !== 1) breach(`the name ${key} has ${bare.length} holders`);
  }
  for (const uid of clear(rules, rules.uids)) {
    const ruled = rules.password(uid);
    const account = accountOf(state, uid);
    if (ruled === undefined || account === undefined) continue;
    if (account.passwordHash !== ruled.hash || account.passwordStamp !== ruled.stamp)
      breach(`the password of ${uid} is not the last`);
    if (ruled.overruled)
      breach(`the password of ${uid} is one that was replaced by somebody who had seen it`);
  }
}

function judgeGroup(state: State, rules: SimRules, gid: Gid): void {
  if (ownerOf(state, gid) !== rules.owner(gid))
    breach(`${gid} belongs to ${ownerOf(state, gid)}, by the rules to ${rules.owner(gid)}`);
  for (const uid of rules.uids) {
    const ruled = rules.standing(gid, uid);
    const standing = state.groups.standing(gid, uid);
    if (standing !== ruled) breach(`${uid} in ${gid} is "${standing}", by the rules "${ruled}"`);
    if (isMember(state, gid, uid) !== (ruled === "member"))
      breach(`${uid} is a member of ${gid} or not, against the rules`);
  }
}

function judgeUserGroups(state: State, rules: SimRules): void {
  for (const uid of rules.uids) {
    const ruled = clear(rules, rules.gids).filter((gid) => rules.standing(gid, uid) === "member");
    const actual = clear(rules, groupsOf(state, uid));
    if (actual.sort().join() !== ruled.sort().join()) breach(`${uid} has lost a group, or won one`);
  }
  for (const [key, gids] of rules.groupNames())
    if (state.groups.find(key)[0] !== gids[0]) breach(`the group name ${key} is not with its first claim`);
}

function judgeShares(state: State, rules: SimRules): void {
  judgeListings(rules);
  const expected = new Map<string, Set<string>>();
  for (const share of rules.shares()) {
    const { gid, fileId, listingId, uid, device, shared, counter } = share;
    const held = state.shares.share(gid, listingId, { uid, device });
    if (held?.shared !== shared || held.counter !== counter)
      breach(`the share of ${fileId} by ${uid} is not what its machine said last`);
    const place = `${gid} ${fileId}`;
    const sharers = expected.get(place) ?? new Set();
    expected.set(place, sharers);
    if (shared && rules.standing(gid, uid) === "member") sharers.add(`${uid} ${device}`);
  }
  for (const [place, sharers] of expected) {
    const [gid, fileId] = place.split(" ") as [Gid, Parameters<typeof sharersOf>[2]];
    const actual = sharersOf(state, gid, fileId).map(({ uid, device }) => `${uid} ${device}`);
    if (rules.unclear.has(gid)) continue;
    if (actual.sort().join() !== [...sharers].sort().join())
      breach(`sharers of ${fileId} in ${gid} came or went`);
  }
  for (const gid of clear(rules, rules.gids)) {
    judgeFileNames(state, rules, gid);
    judgeAttributes(state, rules, gid);
  }
}

/** One of each content under each name, and of no two. */
function judgeListings(rules: SimRules): void {
  const known = new Map<string, string>();
  for (const [of, listingIds] of rules.listings())
    for (const listingId of listingIds) {
      if (listingIds.size > 1) breach(`${of} is listed ${listingIds.size} times`);
      // The same may be listed in several groups.
      const what = of.slice(of.indexOf(" "));
      if ((known.get(listingId) ?? what) !== what) breach(`${listingId} is of two contents or names`);
      known.set(listingId, what);
    }
}

function judgeFileNames(state: State, rules: SimRules, gid: Gid): void {
  for (const [key, listingIds] of rules.fileNames(gid)) {
    if (state.shares.find(gid, key)[0] !== listingIds[0])
      breach(`the file name ${key} is not with its first claim`);
    const bare = listingIds.filter((listingId) => !state.shares.name(gid, listingId)?.includes("~"));
    if (bare.length !== 1) breach(`the file name ${key} has ${bare.length} holders`);
  }
}

function judgeAttributes(state: State, rules: SimRules, gid: Gid): void {
  if (!rules.isThere(gid)) return;
  for (const [listingId, said] of rules.fileAttributes(gid)) {
    const kept = state.shares.attributes(gid, listingId);
    if (kept?.modifiedMs !== said?.modifiedMs || kept?.executable !== said?.executable)
      breach(`the attributes of ${listingId} in ${gid} are not those of its last listing`);
  }
}

/** A command made one thing, at however many trackers it was done. */
function judgeRequests(history: readonly HistoryEntry[]): void {
  const made = new Map<string, string>();
  for (const { entry } of history) {
    const id = idMade(entry.body);
    if (id === undefined) continue;
    const place = `${entry.request} ${entry.body.kind}`;
    const before = made.get(place) ?? id;
    made.set(place, before);
    if (before !== id)
      breach(`request ${entry.request} made two things, the second in ${keyText(entry.key)}`);
  }
}

function idMade(body: HistoryEntry["entry"]["body"]): Uid | string | undefined {
  switch (body.kind) {
    case "account-created":
      return body.uid;
    case "group-created":
      return body.gid;
    case "join-requested":
      return body.joinId;
    case "request-accepted":
      return body.acceptId;
    case "member-removed":
      return body.removalId;
    default:
      return undefined;
  }
}
