/** Randomness of the machine, for ids and secrets; what can be replayed takes a seeded `Prng` instead. */
import { randomBytes } from "node:crypto";
import type { RequestId } from "./ids.ts";

/** @returns lower-case hex of so many random bytes */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}

export function newRequestId(): RequestId {
  return randomHex(16) as RequestId;
}

/** @returns any 32-bit integer: a seed for a `Prng` */
export function randomSeed(): number {
  return randomBytes(4).readInt32LE();
}
