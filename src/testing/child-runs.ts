/**
 * Runs of this runtime in processes of their own, two at a time: a test process uses one core. For tests.
 */
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");
const RUNS_AT_ONCE_MAX = 2;

export interface ChildRun {
  readonly exitCode: number;
  /** What it printed, errors after the rest. */
  readonly output: string;
}

const line: (() => void)[] = [];
let running = 0;

/** In the order in which they are asked for, from the project's root. @param args of the runtime */
export async function childRun(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildRun> {
  while (running >= RUNS_AT_ONCE_MAX) await new Promise<void>((resolve) => line.push(resolve));
  running++;
  try {
    const child = Bun.spawn([process.execPath, ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [output, errors, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { exitCode, output: output + errors };
  } finally {
    running--;
    line.shift()?.();
  }
}
