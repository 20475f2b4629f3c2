/** Makes an input that shows something wrong smaller, as long as it still shows it: parts are left out, large ones first. */
import type { FuzzInput } from "./fuzz-target.ts";

const TRIES_MAX = 400;
const SHRINK_MS_MAX = 5_000;

export async function smaller<I extends FuzzInput>(
  found: I,
  fails: (input: FuzzInput) => Promise<boolean>,
): Promise<FuzzInput> {
  const untilMs = performance.now() + SHRINK_MS_MAX;
  let best: FuzzInput = found;
  let tries = 0;
  for (let part = Math.ceil(found.length / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
    for (let at = 0; at < best.length; ) {
      if (++tries > TRIES_MAX || performance.now() > untilMs) return best;
      const candidate = without(best, at, part);
      if (await fails(candidate)) best = candidate;
      else at += part;
    }
  }
  return best;
}

function without(input: FuzzInput, at: number, part: number): FuzzInput {
  if (typeof input === "string") return input.slice(0, at) + input.slice(at + part);
  return Buffer.concat([input.subarray(0, at), input.subarray(at + part)]);
}
