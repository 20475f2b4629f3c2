/** A seed for one run of what is random, printed so that a failure can be played again with `P2P_SEED`. */
import { randomSeed } from "../base/random.ts";

export function runSeed(): number {
  const { P2P_SEED: given } = process.env;
  const seed = given === undefined ? randomSeed() >>> 0 : Number(given);
  console.error(`seed ${seed} (P2P_SEED=${seed} plays it again)`);
  return seed;
}
