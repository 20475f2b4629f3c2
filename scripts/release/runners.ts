/**
 * What runs a release's binary on this machine: the system itself, an emulator of its processor, or Wine; or why nothing
 * does. Pure; `findTools` alone looks at the machine.
 */
import { existsSync } from "node:fs";
import { libcHere, type ReleaseTarget } from "../release-targets.ts";

/** What there is, by full path; undefined where it is not. */
export interface Tools {
  readonly os: string;
  readonly cpu: string;
  readonly isMusl: boolean;
  readonly qemuArm64: string | undefined;
  /** A folder with the loader and libraries of Linux on ARM, linked with glibc. */
  readonly arm64Root: string | undefined;
  readonly muslLoaders: Readonly<Record<"x64" | "arm64", boolean>>;
  /** Compilers whose libstdc++ is put in place of the one of Alpine. */
  readonly compilers: Readonly<Record<"x64" | "arm64", string | undefined>>;
  readonly wine: string | undefined;
  /** Makes the one library that older versions of Wine lack. */
  readonly windowsCompiler: string | undefined;
}

export interface Runner {
  /** Comes before the binary. */
  readonly prefix: readonly string[];
  /** What has to be made first, and goes into the environment as the place where libraries are. */
  readonly needs?: "musl-libraries" | "wine-libraries";
  /** In a few words, for the table. */
  readonly how: string;
  /** How many times longer than here anything may take. */
  readonly patience: number;
}

export type Verdict = Runner | { readonly whyNot: string };

const QEMU = "/usr/bin/qemu-aarch64-static";
const ARM64_ROOT = "/usr/aarch64-linux-gnu";

export function findTools(): Tools {
  const there = (path: string) => (existsSync(path) ? path : undefined);
  const which = (name: string) => Bun.which(name) ?? undefined;
  const loaders = {
    x64: existsSync("/lib/ld-musl-x86_64.so.1"),
    arm64: existsSync("/lib/ld-musl-aarch64.so.1"),
  };
  return {
    os: process.platform,
    cpu: process.arch,
    isMusl: libcHere() === "musl",
    qemuArm64: there(QEMU) ?? which("qemu-aarch64-static") ?? which("qemu-aarch64"),
    arm64Root: existsSync(`${ARM64_ROOT}/lib/ld-linux-aarch64.so.1`) ? ARM64_ROOT : undefined,
    muslLoaders: loaders,
    compilers: {
      x64: which("gcc"),
      arm64: which("aarch64-linux-gnu-gcc") ?? which("aarch64-linux-gnu-gcc-12"),
    },
    wine: which("wine64") ?? which("wine"),
    windowsCompiler: which("x86_64-w64-mingw32-gcc"),
  };
}

const NATIVE: Runner = { prefix: [], how: "natively", patience: 1 };

export function runnerFor(target: Omit<ReleaseTarget, "platform" | "name">, tools: Tools): Verdict {
  if (target.os === "linux" && tools.os === "linux") return linuxRunner(target, tools);
  if (target.os === tools.os) {
    const isForeign = target.cpu !== tools.cpu;
    // Macs with Apple silicon run programs for Intel too; nothing runs the other way round.
    if (!isForeign || target.cpu === "x64") return NATIVE;
    return { whyNot: "needs a processor for it" };
  }
  if (target.os === "darwin") return { whyNot: "needs a Mac: nothing else runs its programs" };
  if (target.os === "win32" && tools.os === "linux" && tools.cpu === "x64") return wineRunner(tools);
  return { whyNot: `needs ${target.os === "win32" ? "Windows" : "Linux"}` };
}

function linuxRunner({ cpu, libc }: Pick<ReleaseTarget, "cpu" | "libc">, tools: Tools): Verdict {
  const isForeign = cpu !== tools.cpu;
  const wantsMusl = libc === "musl";
  if (!isForeign && wantsMusl === tools.isMusl) return NATIVE;
  if (isForeign && (cpu !== "arm64" || tools.qemuArm64 === undefined))
    return { whyNot: cpu === "arm64" ? "needs qemu-user-static" : "needs a processor for it" };
  if (!wantsMusl && (!isForeign || tools.arm64Root === undefined))
    return { whyNot: isForeign ? "needs libstdc++6-arm64-cross" : "needs glibc" };
  if (wantsMusl && !tools.isMusl) {
    if (!tools.muslLoaders[cpu]) return { whyNot: `needs musl${isForeign ? ":arm64" : ""}` };
    if (tools.compilers[cpu] === undefined)
      return { whyNot: `needs ${isForeign ? "gcc-aarch64-linux-gnu" : "gcc"} to make a libstdc++ for musl` };
  }
  const emulator = tools.qemuArm64 ?? "";
  const root = wantsMusl || tools.arm64Root === undefined ? [] : ["-L", tools.arm64Root];
  return {
    prefix: isForeign ? [emulator, ...root] : [],
    ...(wantsMusl && !tools.isMusl ? { needs: "musl-libraries" as const } : {}),
    how: [...(isForeign ? ["under qemu"] : []), ...(wantsMusl ? ["with musl"] : [])].join(" "),
    patience: isForeign ? 20 : 1,
  };
}

function wineRunner({ wine, windowsCompiler }: Tools): Verdict {
  if (wine === undefined) return { whyNot: "needs wine64" };
  if (windowsCompiler === undefined)
    return { whyNot: "needs gcc-mingw-w64-x86-64 for a library that Wine lacks" };
  return { prefix: [wine], needs: "wine-libraries", how: "under Wine", patience: 10 };
}
