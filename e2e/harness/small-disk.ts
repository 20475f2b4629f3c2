/**
 * A disk of a few MiB for one program: a file system in memory, mounted in a mount namespace that only this program is in,
 * so that it is gone with it. Linux and root only.
 */
import { statfsSync } from "node:fs";

/** Why there are none on this machine; undefined if there are. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform !== "linux") return "mount namespaces are Linux's";
  if (process.getuid?.() !== 0) return "mounting needs root";
  for (const program of ["unshare", "mount"])
    if (Bun.which(program) === null) return `there is no program ${program}`;
  const made = Bun.spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
  return made.success ? undefined : `mount: ${made.stderr.toString().trim()}`;
}

/** The command that starts a program with a disk of that size at `folder`, which exists. */
export function withSmallDisk(folder: string, bytes: number): readonly string[] {
  const mount = `mount -t tmpfs -o size=${bytes} tmpfs "$0" && exec "$@"`;
  return ["unshare", "-m", "--propagation", "private", "sh", "-c", mount, folder];
}

/** Where others find a path of that program. */
export function seenFromOutside(pid: number, path: string): string {
  return `/proc/${pid}/root${path}`;
}

export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
