/**
 * Runs the process under test under `strace` and gives back what it did to its folder, call for call; with a fault, makes
 * one of its calls fail.
 *
 * Nothing is left: the folder is the caller's, the process has ended. Where calls cannot be recorded (no strace, or none
 * allowed here) `whyNotHere` says so.
 */
import { dirname, join } from "node:path";
import type { DriverOrder } from "./driver-order.ts";
import { countCalls, type DiskEvent, parseSyscallLog, RECORDED_CALLS } from "./syscall-log.ts";

/** More than SQLite writes at once. */
const WRITE_BYTES_MAX = 1_048_576;
const DATABASE = "tracker.db";

/** One of the calls on the store's folder and files fails: the `at`-th of its name, from 1. */
export interface Fault {
  readonly call: FaultyCall;
  readonly error: "ENOSPC" | "EIO";
  readonly at: number;
}
export type FaultyCall = "pwrite64" | "fsync" | "openat" | "ftruncate" | "unlink";

export interface Recording {
  readonly events: readonly DiskEvent[];
  /** How often each call was made on the store's folder and files. */
  readonly calls: ReadonlyMap<string, number>;
  readonly exitCode: number;
  readonly stderr: string;
}

/** @returns why nothing can be recorded on this machine; undefined if it can */
export function whyNotHere(): string | undefined {
  if (process.platform !== "linux") return `there is no strace on ${process.platform}`;
  if (Bun.which("strace") === null) return "strace is not installed";
  const probe = Bun.spawnSync(["strace", "-f", "-qq", "-o", "/dev/null", "true"]);
  return probe.success ? undefined : `strace does not work here: ${probe.stderr.toString().trim()}`;
}

/**
 * @param folder real; the store is made in a folder of its own there
 * @returns the path of the store's database too
 */
export async function record(
  order: Omit<DriverOrder, "path">,
  folder: string,
  fault?: Fault,
): Promise<Recording> {
  const path = databaseIn(folder);
  const log = join(folder, "calls.log");
  const said = Bun.file(join(folder, "said.txt"));
  const child = Bun.spawn(
    [
      ...["strace", "-f", "-y", "-qq", "-e", "signal=none", "-s", `${WRITE_BYTES_MAX}`, "-o", log],
      ...["-e", `trace=${RECORDED_CALLS.map((call) => `?${call}`).join(",")}`],
      ...watched(path, join(folder, "said.txt")).flatMap((file) => ["-P", file]),
      ...(fault === undefined ? [] : ["-e", `inject=${fault.call}:error=${fault.error}:when=${fault.at}`]),
      ...[process.execPath, join(import.meta.dir, "store-driver.ts"), JSON.stringify({ ...order, path })],
    ],
    { stdio: ["ignore", said, "pipe"] },
  );
  const [stderr, exitCode] = await Promise.all([child.stderr.text(), child.exited]);
  const text = await Bun.file(log).text();
  return { events: parseSyscallLog(text, dirname(path)), calls: countCalls(text), exitCode, stderr };
}

/** Where a recording in this folder has its database. The folder around it is to be there. */
export function databaseIn(folder: string): string {
  return join(folder, "store", DATABASE);
}

/** Calls of others are neither recorded nor made to fail: the runtime opens many files of its own. */
function watched(path: string, said: string): string[] {
  return [said, dirname(path), path, `${path}-wal`, `${path}-journal`];
}
