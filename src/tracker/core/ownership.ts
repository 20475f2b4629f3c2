/**
 * Who owns a group and who owned it before: the line from the present owner back to the creator. Pure.
 *
 * Each handover names the owner that it comes from, so that the line is found even where two trackers that could not
 * see each other handed the group over twice; handovers beside the line count for nothing. A line that is broken (an
 * entry has not arrived) ends there: who stands behind the gap grants nothing until it is closed.
 */
import type { Uid } from "../../base/ids.ts";
import type { Claim } from "../../wire/entry.ts";
import { type Handover, presentHandover } from "./joins.ts";
import { meetVectors, type VersionVector } from "./version-vector.ts";

export interface Transfer extends Handover {
  readonly claim: Claim;
  /** Of its entry. */
  readonly seq: number;
  readonly from: Uid;
  readonly to: Uid;
  /** The accepts that it has seen. */
  readonly vector: VersionVector;
}

/** One owner's time. */
export interface Tenure {
  readonly epoch: number;
  readonly owner: Uid;
  /** What every later handover of the line has seen; undefined for the present owner: all counts. */
  readonly seenByLater: VersionVector | undefined;
}

/** The present tenure first, then those before it, each of one epoch less. */
export type OwnershipLine = readonly Tenure[];

export function ownershipLine(creator: Uid, transfers: readonly Transfer[]): OwnershipLine {
  if (transfers.length === 0) return [{ epoch: 0, owner: creator, seenByLater: undefined }];
  const line: Tenure[] = [];
  const byEpoch = Map.groupBy(transfers, (transfer) => transfer.epoch);
  let transfer: Transfer | undefined = transfers.reduce(presentHandover);
  let seenByLater: VersionVector | undefined;
  while (transfer !== undefined) {
    const { epoch, from, to, vector } = transfer;
    line.push({ epoch, owner: to, seenByLater });
    seenByLater = seenByLater === undefined ? vector : meetVectors(seenByLater, vector);
    if (epoch === 1 && from === creator) line.push({ epoch: 0, owner: creator, seenByLater });
    const before: Transfer[] = (byEpoch.get(epoch - 1) ?? []).filter((earlier) => earlier.to === from);
    transfer = before.length === 0 ? undefined : before.reduce(presentHandover);
  }
  return line;
}

/** Whose time it was, if that was in the line. */
export function tenureAt(line: OwnershipLine, epoch: number): Tenure | undefined {
  const [present] = line;
  return present && line[present.epoch - epoch];
}
