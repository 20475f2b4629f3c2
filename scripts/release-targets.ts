/**
 * The platforms that a release has a binary for. Whoever builds, checks, installs or packs binaries takes them from here.
 *
 * Invariant: a name says system, processor and, where it matters, the C library, as people look for it in a list of files.
 */

export interface ReleaseTarget {
  /** Of the binary, without the `.exe` of Windows. */
  readonly name: string;
  /** What the runtime's compiler calls it. */
  readonly platform: Bun.Build.CompileTarget;
  /** As `process.platform` has it. */
  readonly os: "linux" | "darwin" | "win32";
  /** As `process.arch` has it. */
  readonly cpu: "x64" | "arm64";
  /** Linux only: what the system's programs are linked with. */
  readonly libc?: "glibc" | "musl";
}

export const RELEASE_TARGETS: readonly ReleaseTarget[] = [
  { name: "p2p-linux-x64", platform: "bun-linux-x64", os: "linux", cpu: "x64", libc: "glibc" },
  { name: "p2p-linux-arm64", platform: "bun-linux-arm64", os: "linux", cpu: "arm64", libc: "glibc" },
  { name: "p2p-linux-x64-musl", platform: "bun-linux-x64-musl", os: "linux", cpu: "x64", libc: "musl" },
  { name: "p2p-linux-arm64-musl", platform: "bun-linux-arm64-musl", os: "linux", cpu: "arm64", libc: "musl" },
  { name: "p2p-darwin-x64", platform: "bun-darwin-x64", os: "darwin", cpu: "x64" },
  { name: "p2p-darwin-arm64", platform: "bun-darwin-arm64", os: "darwin", cpu: "arm64" },
  { name: "p2p-windows-x64", platform: "bun-windows-x64", os: "win32", cpu: "x64" },
];

/** @returns the name of the target's file */
export function binaryName({ name, os }: Pick<ReleaseTarget, "name" | "os">): string {
  return os === "win32" ? `${name}.exe` : name;
}

/** @returns the one for this machine; undefined if there is none */
export function targetHere(): ReleaseTarget | undefined {
  const { platform, arch } = process;
  const libc = libcHere();
  return RELEASE_TARGETS.find(({ os, cpu, libc: its }) => os === platform && cpu === arch && its === libc);
}

/** What this process is linked with, on Linux. */
export function libcHere(): ReleaseTarget["libc"] {
  if (process.platform !== "linux") return undefined;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? "musl" : "glibc";
}
