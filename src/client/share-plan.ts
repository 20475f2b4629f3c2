/**
 * What to do when a user is back: the shares that this machine remembers against those that the tracker knows. Pure.
 *
 * Each change of a share carries a counter of this machine, so the greater counter knows better: a tracker that lags
 * behind is told again, a share that ended elsewhere (left group, deleted group) ends here.
 */
import type { Gid, ListingId } from "../base/ids.ts";
import type { OwnShare } from "../wire/client-tracker.ts";
import type { ShareRecord } from "./library-rows.ts";

export interface SharePlan {
  /** Shared as both sides know: offer the file again. */
  readonly offer: readonly ShareRecord[];
  /** The tracker has not heard of the last change: share again. */
  readonly share: readonly ShareRecord[];
  /** Shared only in the tracker's eyes: stop. */
  readonly stop: readonly OwnShare[];
  /** Shared only in this machine's eyes: record as stopped. */
  readonly forget: readonly ShareRecord[];
  /** The greatest change counter that the tracker knows of this machine. */
  readonly counter: number;
}

export function shareKey(gid: Gid, listingId: ListingId): string {
  return `${gid} ${listingId}`;
}

export function planShares(remembered: readonly ShareRecord[], known: readonly OwnShare[]): SharePlan {
  const knownByKey = new Map(known.map((row) => [shareKey(row.gid, row.listingId), row]));
  const shared = new Set<string>();
  const plan = { offer: [] as ShareRecord[], share: [] as ShareRecord[], forget: [] as ShareRecord[] };
  for (const record of remembered) {
    if (record.state !== "shared") continue;
    const key = shareKey(record.gid, record.listingId);
    const row = knownByKey.get(key);
    shared.add(key);
    if (row?.shared === true) plan.offer.push(record);
    else if (row === undefined || row.counter < record.counter) plan.share.push(record);
    else plan.forget.push(record);
  }
  const stop = known.filter((row) => row.shared && !shared.has(shareKey(row.gid, row.listingId)));
  const counter = known.reduce((greatest, row) => Math.max(greatest, row.counter), 0);
  return { ...plan, stop, counter };
}
