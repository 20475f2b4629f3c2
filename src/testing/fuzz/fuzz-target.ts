/**
 * What a fuzz target is: a decoder of the program, inputs for it from a seed, and what must hold for each of them.
 *
 * An input is bytes or a text, so that any of them can be printed, cut down and played again. A check ends in one of
 * three ways: the decoder accepted, it refused in the way it promises, or something is wrong, which is thrown.
 */
import { Failure, type FailureCode } from "../../base/failure.ts";
import type { Draw } from "./draw.ts";

export type FuzzInput = Uint8Array | string;

export interface FuzzCase<I extends FuzzInput = FuzzInput> {
  readonly input: I;
  /** Made as the program makes it: refusing it is wrong. */
  readonly isValid?: boolean;
}

/** Inputs of each target in `npm test`. */
export const RUNS_IN_TESTS = 10_000;

export interface FuzzTarget<I extends FuzzInput = FuzzInput> {
  readonly name: string;
  /** Inputs in `npm test` where RUNS_IN_TESTS of them would take too long, and why they would. */
  readonly fewer?: { readonly runs: number; readonly because: string };
  /** The same draw gives the same case. */
  generate(draw: Draw): FuzzCase<I>;
  /** @returns whether it was accepted. @throws whatever must not happen */
  check(input: I): boolean | Promise<boolean>;
}

export function runsInTests({ fewer }: FuzzTarget): number {
  return fewer?.runs ?? RUNS_IN_TESTS;
}

/** What must hold and does not: the program is wrong, not the input. */
export class FuzzViolation extends Error {
  override readonly name = "FuzzViolation";
}

export function must(condition: unknown, promise: string): asserts condition {
  if (!condition) throw new FuzzViolation(promise);
}

export function mustEqual(got: unknown, wanted: unknown, promise: string): void {
  if (Bun.deepEquals(got, wanted, true)) return;
  throw new FuzzViolation(`${promise}: ${shown(got)} instead of ${shown(wanted)}`);
}

/** One of the failures that a contract names. */
export function mustBeFailure(error: unknown, codes?: readonly FailureCode[]): asserts error is Failure {
  if (!(error instanceof Failure)) throw error;
  must(error.message !== "", "a failure says what was wrong");
  if (codes !== undefined && !codes.includes(error.code))
    throw new FuzzViolation(`a failure is ${codes.join(" or ")}, not ${error.code}: ${error.message}`);
}

/** Runs what throws a Failure by contract. @returns its value, or the failure */
export function orFailure<T>(run: () => T, codes?: readonly FailureCode[]): T | Failure {
  try {
    return run();
  } catch (error) {
    mustBeFailure(error, codes);
    return error;
  }
}

const SHOWN_CHARS_MAX = 300;

function shown(value: unknown): string {
  return (Bun.inspect(value) ?? "").slice(0, SHOWN_CHARS_MAX);
}
