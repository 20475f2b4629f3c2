/**
 * Runs a target on inputs from a seed on, and makes a report of the first one that shows something wrong.
 *
 * Held for every target, whatever its own check says: an input takes no longer than INPUT_MS_MAX, the prototype of all
 * objects stays as it was, the heap does not grow with the number of inputs, and a valid input is accepted. Input number
 * n has the seed `from + n`, so one number and the target's name play it again.
 */
import { Draw } from "./draw.ts";
import { type FuzzCase, type FuzzInput, type FuzzTarget, FuzzViolation } from "./fuzz-target.ts";
import { smaller } from "./shrink.ts";

/** Of a core, for one input; the clock alone would also count what else the machine does. Has to be so twice in a row. */
export const INPUT_MS_MAX = 1_000;
/** What a run may leave on the heap: caches of the runtime, not inputs. */
const HEAP_GROWTH_BYTES_MAX = 64 * 2 ** 20;
const SHOWN_CHARS_MAX = 2_000;

export interface FuzzFinding {
  readonly target: string;
  /** Plays this very input again. */
  readonly seed: number;
  readonly error: unknown;
  /** As small as it could be made. */
  readonly input: FuzzInput;
}

export interface FuzzReport {
  readonly runs: number;
  readonly accepted: number;
  readonly runsPerSecond: number;
  readonly finding: FuzzFinding | undefined;
}

export async function fuzz(target: FuzzTarget, from: number, runs: number): Promise<FuzzReport> {
  const heapBefore = heapBytes();
  const startedMs = performance.now();
  let accepted = 0;
  for (let run = 0; run < runs; run++) {
    const seed = (from + run) >>> 0;
    const made = target.generate(new Draw(seed));
    try {
      if (await held(target, made)) accepted++;
    } catch (error) {
      const finding = await shrunk(target, seed, made, error);
      return { runs: run + 1, accepted, runsPerSecond: 0, finding };
    }
  }
  const runsPerSecond = runs / ((performance.now() - startedMs) / 1_000);
  const grown = heapBytes() - heapBefore;
  const finding = grown > HEAP_GROWTH_BYTES_MAX ? leak(target, from, grown) : undefined;
  return { runs, accepted, runsPerSecond, finding };
}

async function held(target: FuzzTarget, { input, isValid = false }: FuzzCase): Promise<boolean> {
  let isAccepted = await checkOnce(target, input);
  if (isAccepted === "slow") isAccepted = await checkOnce(target, input);
  if (isAccepted === "slow") throw new FuzzViolation(`one input takes more than ${INPUT_MS_MAX} ms`);
  if (isValid && !isAccepted) throw new FuzzViolation("a valid input is accepted");
  return isAccepted;
}

async function checkOnce(target: FuzzTarget, input: FuzzInput): Promise<boolean | "slow"> {
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const checked = target.check(input);
  const isAccepted = typeof checked === "boolean" ? checked : await checked;
  const isSlow = performance.now() - startedMs > INPUT_MS_MAX && cpuMs(cpu) > INPUT_MS_MAX;
  refusePollution();
  return isSlow ? "slow" : isAccepted;
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

const PROTOTYPES = [Object.prototype, Array.prototype, String.prototype, Map.prototype];
const cleanCounts = PROTOTYPES.map((each) => Reflect.ownKeys(each).length);

function refusePollution(): void {
  for (const [at, each] of PROTOTYPES.entries())
    if (Reflect.ownKeys(each).length !== cleanCounts[at])
      throw new FuzzViolation("prototypes stay as they were");
}

async function shrunk(
  target: FuzzTarget,
  seed: number,
  made: FuzzCase,
  error: unknown,
): Promise<FuzzFinding> {
  const wanted = kindOf(error);
  const fails = async (input: FuzzInput) => {
    try {
      await held(target, { input });
      return false;
    } catch (other) {
      return kindOf(other) === wanted;
    }
  };
  const input = (await fails(made.input)) ? await smaller(made.input, fails) : made.input;
  return { target: target.name, seed, error, input };
}

/** What must stay the same while an input is made smaller. */
function kindOf(error: unknown): string {
  return error instanceof Error ? `${error.name} ${error.message.slice(0, 30)}` : String(error);
}

function leak({ name }: FuzzTarget, from: number, bytes: number): FuzzFinding {
  const error = new FuzzViolation(`the heap does not grow with the inputs: ${bytes} bytes are left of them`);
  return { target: name, seed: from, error, input: "" };
}

function heapBytes(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}

/** For people: what is wrong, the input, and how to play it again. */
export function describeFinding({ target, seed, error, input }: FuzzFinding): string {
  const text =
    typeof input === "string" ? JSON.stringify(input) : `bytes ${Buffer.from(input).toString("hex")}`;
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const planted = process.env["P2P_PLANTED"];
  return [
    `fuzzing ${target}, seed ${seed}: ${why}`,
    `input (${input.length}): ${text.slice(0, SHOWN_CHARS_MAX)}${text.length > SHOWN_CHARS_MAX ? " ..." : ""}`,
    `again: npm run test:fuzz -- --only '${target}' --seed ${seed} --runs 1${planted === undefined ? "" : ` --planted '${planted}'`}`,
  ].join("\n");
}
