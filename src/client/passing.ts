/** Failures that say nothing about what was asked: the same may succeed soon. */
import { type FailureCode, isFailure } from "../base/failure.ts";

const PASSING: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "tracker-unreachable",
  "tracker-refused",
  "not-logged-in",
  "try-later",
  "try-another",
  "too-many",
  "timeout",
  "internal",
  "no-piece-list",
  "disk-error",
  "disk-full",
]);

export function isPassing(error: unknown): boolean {
  return isFailure(error) && PASSING.has(error.code);
}
