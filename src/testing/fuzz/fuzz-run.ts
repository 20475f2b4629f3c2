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

export async function fuzz(
  target: FuzzTarget,
  from: number,
  runs: number,
  inputMsMax = INPUT_MS_MAX,
): Promise<FuzzReport> {
  const heapBefore = heapBytes();
  const startedMs = performance.now();
  let accepted = 0;
  for (let run = 0; run < runs; run++) {
    const seed = (from + run) >>> 0;
    const made = target.generate(new Draw(seed));
    try {
      if (await held(target, made, inputMsMax)) accepted++;
    } catch (error) {
      const finding = await shrunk(target, seed, made, error, inputMsMax);
      return { runs: run + 1, accepted, runsPerSecond: 0, finding };
    }
  }
  const runsPerSecond = runs / ((performance.now() - startedMs) / 1_000);
  const grown = heapBytes() - heapBefore;
  const error = grown > HEAP_GROWTH_BYTES_MAX ? leak(grown) : hiddenPollution();
  // Of the whole run: which input it was is not known.
  const finding = error && { target: target.name, seed: from, error, input: "" };
  return { runs, accepted, runsPerSecond, finding };
}

async function held(
  target: FuzzTarget,
  { input, isValid = false }: FuzzCase,
  inputMsMax: number,
): Promise<boolean> {
  const startedMs = performance.now();
  const isAccepted = await checkOnce(target, input);
  // What a core takes for it costs more to ask than most inputs take: only where the clock gives a reason.
  const isSuspect = performance.now() - startedMs > inputMsMax;
  if (isSuspect && (await isSlow(target, input, inputMsMax)) && (await isSlow(target, input, inputMsMax)))
    throw new FuzzViolation(`one input takes more than ${inputMsMax} ms`);
  if (isValid && !isAccepted) throw new FuzzViolation("a valid input is accepted");
  return isAccepted;
}

async function checkOnce(target: FuzzTarget, input: FuzzInput): Promise<boolean> {
  const checked = target.check(input);
  const isAccepted = typeof checked === "boolean" ? checked : await checked;
  refusePollution();
  return isAccepted;
}

async function isSlow(target: FuzzTarget, input: FuzzInput, inputMsMax: number): Promise<boolean> {
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  await checkOnce(target, input);
  const { user, system } = process.cpuUsage(cpu);
  return performance.now() - startedMs > inputMsMax && (user + system) / 1_000 > inputMsMax;
}

const PROTOTYPES = [Object.prototype, Array.prototype, String.prototype, Map.prototype];
const cleanCounts = PROTOTYPES.map((each) => Reflect.ownKeys(each).length);

/** What was set shows in a loop over the keys, which costs next to nothing. */
function refusePollution(): void {
  for (const each of PROTOTYPES)
    for (const _ in each) throw new FuzzViolation("prototypes stay as they were");
}

/** Also what was defined so that no loop shows it. */
function hiddenPollution(): FuzzViolation | undefined {
  const isClean = PROTOTYPES.every((each, at) => Reflect.ownKeys(each).length === cleanCounts[at]);
  return isClean ? undefined : new FuzzViolation("prototypes stay as they were");
}

async function shrunk(
  target: FuzzTarget,
  seed: number,
  made: FuzzCase,
  error: unknown,
  inputMsMax: number,
): Promise<FuzzFinding> {
  const wanted = kindOf(error);
  const fails = async (input: FuzzInput) => {
    try {
      await held(target, { input }, inputMsMax);
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

function leak(bytes: number): FuzzViolation {
  return new FuzzViolation(`the heap does not grow with the inputs: ${bytes} bytes are left of them`);
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
