/**
 * Who can be asked for pieces of a file: machines online that share it whole, and those that are downloading it. Pure but
 * for the dice.
 *
 * Only current members are sources: `sharersOf` knows no others, and who leaves a group no longer follows its files.
 */
import { SOURCES_MAX } from "../base/limits.ts";
import type { Prng } from "../base/prng.ts";
import type { Source } from "../wire/client-tracker.ts";
import { isMember, sharersOf, userName } from "./core/queries.ts";
import type { State } from "./core/state.ts";
import type { Device, FileRef, Online, Presence } from "./presence.ts";

/** @returns at most SOURCES_MAX, a fair choice if there are more, those with the whole file first; never the asking device */
export function sourcesOf<Link extends object>(
  state: State,
  presence: Presence<Link>,
  file: FileRef,
  asking: Device,
  prng: Prng,
): Source[] {
  const complete = sharersOnline(state, presence, file).filter((online) => !sameDevice(online, asking));
  const sharing = new Set(complete);
  const partial = [...presence.followersOf(file)].filter(
    (online) => !sharing.has(online) && !sameDevice(online, asking) && isMember(state, file.gid, online.uid),
  );
  const chosen = fairChoice(complete, partial, prng);
  return [
    ...chosen.complete.map((online) => toSource(state, online, true)),
    ...chosen.partial.map((online) => toSource(state, online, false)),
  ];
}

/**
 * Each of a kind is as likely as any other. Where both kinds abound each gets half: the load would be on the machines that
 * have all of it, and those that are still downloading would never hear of each other otherwise.
 */
export function fairChoice<T>(complete: readonly T[], partial: readonly T[], prng: Prng) {
  const half = Math.ceil(SOURCES_MAX / 2);
  const completeMax = Math.max(half, SOURCES_MAX - partial.length);
  const chosen = prng.shuffle([...complete]).slice(0, completeMax);
  return { complete: chosen, partial: prng.shuffle([...partial]).slice(0, SOURCES_MAX - chosen.length) };
}

function sharersOnline<Link extends object>(
  state: State,
  presence: Presence<Link>,
  { gid, fileId }: FileRef,
): Online<Link>[] {
  return sharersOf(state, gid, fileId).flatMap(
    ({ uid, device }) => presence.find({ uid, fingerprint: device }) ?? [],
  );
}

export function toSource<Link>(state: State, online: Online<Link>, complete: boolean): Source {
  const { uid, fingerprint, address } = online;
  return { user: userName(state, uid), uid, fingerprint, address, complete };
}

export function sameDevice(left: Device, right: Device): boolean {
  return left.uid === right.uid && left.fingerprint === right.fingerprint;
}
