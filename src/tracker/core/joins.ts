/**
 * How two versions of one fact become one: each join is commutative, associative and idempotent, so that entries may
 * arrive in any order, more than once. Pure.
 *
 * Honest facts never tie (a claim names one command at one origin); where a wrong one does, the text of the value decides,
 * so that all trackers still compute the same.
 */
import type { Claim, Stamp } from "../../wire/entry.ts";

/** A value set by one entry. */
export interface Claimed {
  readonly claim: Claim;
}

/** What nobody takes away from the first who claimed it: the name of an account or group. */
export function earliest<T extends Claimed>(left: T, right: T): T {
  return compareClaimed(left, right) <= 0 ? left : right;
}

/** A value that is replaced as a whole: a password, the summary of a listed file. */
export function latest<T extends Claimed>(left: T, right: T): T {
  return compareClaimed(left, right) >= 0 ? left : right;
}

function compareClaimed(left: Claimed, right: Claimed): number {
  if (left.claim !== right.claim) return left.claim < right.claim ? -1 : 1;
  const [leftText, rightText] = [JSON.stringify(left), JSON.stringify(right)];
  return leftText === rightText ? 0 : leftText < rightText ? -1 : 1;
}

/** What one entry says is said once: two texts under one key, which only a wrong tracker makes, join to the lesser. */
export function isLesserText<T>(left: T, right: T): boolean {
  return JSON.stringify(left) < JSON.stringify(right);
}

/** One change by a device of its own share: the device counts, no clock does. */
export interface ShareChange {
  readonly shared: boolean;
  readonly counter: number;
  /** When it came. Judges nothing but two texts of one change, which only a wrong tracker makes. */
  readonly stamp: Stamp;
}

/** The device's last change; of two under one number the one that ends the share. No clock decides what is shared. */
export function lastChange<T extends ShareChange>(left: T, right: T): T {
  if (left.counter !== right.counter) return left.counter > right.counter ? left : right;
  if (left.shared !== right.shared) return left.shared ? right : left;
  if (left.stamp !== right.stamp) return left.stamp > right.stamp ? left : right;
  return isLesserText(left, right) ? left : right;
}

/** The handing over of a group; the creation stands at epoch 0. */
export interface Handover extends Claimed {
  readonly epoch: number;
}

/** Who owns the group: the greatest epoch, then the first who claimed it. */
export function presentHandover<T extends Handover>(left: T, right: T): T {
  if (left.epoch !== right.epoch) return left.epoch > right.epoch ? left : right;
  return earliest(left, right);
}
