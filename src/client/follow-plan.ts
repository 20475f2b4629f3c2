/**
 * Which files of a followed group are to be fetched: of what the tracker lists, what this machine has never dealt with. Pure.
 *
 * A file is known by its content and its name. One that was fetched, begun or passed over once is settled for good, so that what the user has
 * deleted or cancelled since stays away; what is shared or downloaded here without the follow becomes settled too.
 */
import type { ListingId } from "../base/ids.ts";

/** What is known here of files of the one group. */
export interface KnownFiles {
  /** Dealt with for this follow, now or in an earlier run. */
  isSettled(listingId: ListingId): boolean;
  /** Shared from this machine, or among its downloads, in whatever state. */
  isHere(listingId: ListingId): boolean;
}

export interface FollowPlan<File> {
  readonly fetch: readonly File[];
  /** Here by other ways: not to be fetched when it is gone from here either. */
  readonly settle: readonly File[];
}

export function planFollow<File extends { readonly listingId: ListingId }>(
  listed: readonly File[],
  known: KnownFiles,
): FollowPlan<File> {
  const open = listed.filter(({ listingId }) => !known.isSettled(listingId));
  return {
    fetch: open.filter(({ listingId }) => !known.isHere(listingId)),
    settle: open.filter(({ listingId }) => known.isHere(listingId)),
  };
}
