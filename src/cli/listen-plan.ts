/**
 * Where a client listens, and which data folders it may take, by the address that it was given. Pure.
 *
 * In one use that people know, every client is started with a *tracker's* address: then it is no address of its own. The
 * client listens on any free port, and several such clients on one machine must not meet in one data folder. The same
 * holds for port 0.
 */
import { type Address, formatAddress, sameAddress } from "../base/address.ts";
import { DATA_FOLDERS_PER_ADDRESS_MAX } from "../base/limits.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";

export interface ListenPlan {
  /** In order of preference: the next one if this machine cannot have the one before. */
  readonly addresses: readonly [Address, ...Address[]];
  /** What to tell the user. */
  readonly note: string | undefined;
  /** How many default data folders to try. */
  readonly folders: number;
}

/** @param fileName of the trackers, for the note */
export function planListening(
  wanted: Address,
  trackers: readonly TrackerEntry[],
  fileName: string,
): ListenPlan {
  const tracker = trackers.find(({ address }) => sameAddress(address, wanted));
  const isOwn = tracker === undefined && wanted.port !== 0;
  const folders = isOwn ? 1 : DATA_FOLDERS_PER_ADDRESS_MAX;
  if (tracker === undefined) return { addresses: [wanted], note: undefined, folders };
  return {
    // The tracker's host may be another machine: then this one can only listen on whatever it has.
    addresses: [
      { host: wanted.host, port: 0 },
      { host: wanted.host.includes(":") ? "::" : "0.0.0.0", port: 0 },
    ],
    note: `${formatAddress(wanted)} is the address of tracker ${tracker.no} in ${fileName}; listening on a free port instead`,
    folders,
  };
}
