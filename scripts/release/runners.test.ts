import { expect, test } from "bun:test";
import { RELEASE_TARGETS } from "../release-targets.ts";
import { type Runner, runnerFor, type Tools } from "./runners.ts";

const ALL: Tools = {
  os: "linux",
  cpu: "x64",
  isMusl: false,
  qemuArm64: "/bin/qemu",
  arm64Root: "/arm64",
  muslLoaders: { x64: true, arm64: true },
  compilers: { x64: "/bin/gcc", arm64: "/bin/gcc-arm64" },
  wine: "/bin/wine",
  windowsCompiler: "/bin/mingw",
};
const BARE: Tools = {
  ...ALL,
  qemuArm64: undefined,
  arm64Root: undefined,
  muslLoaders: { x64: false, arm64: false },
  compilers: { x64: undefined, arm64: undefined },
  wine: undefined,
  windowsCompiler: undefined,
};

/** By target: how, or why not. */
function verdicts(tools: Tools): Record<string, string> {
  return Object.fromEntries(
    RELEASE_TARGETS.map((target) => {
      const verdict = runnerFor(target, tools);
      return [target.name.slice(4), "whyNot" in verdict ? verdict.whyNot : verdict.how];
    }),
  );
}

test("with all tools, Linux runs everything but the programs of Macs", () => {
  expect(verdicts(ALL)).toEqual({
    "linux-x64": "natively",
    "linux-arm64": "under qemu",
    "linux-x64-musl": "with musl",
    "linux-arm64-musl": "under qemu with musl",
    "darwin-x64": "needs a Mac: nothing else runs its programs",
    "darwin-arm64": "needs a Mac: nothing else runs its programs",
    "windows-x64": "under Wine",
  });
});

test("without tools it runs its own, and says of the others what is missing", () => {
  expect(verdicts(BARE)).toMatchObject({
    "linux-x64": "natively",
    "linux-arm64": "needs qemu-user-static",
    "linux-x64-musl": "needs musl",
    "linux-arm64-musl": "needs qemu-user-static",
    "windows-x64": "needs wine64",
  });
  expect(verdicts({ ...BARE, muslLoaders: ALL.muslLoaders })["linux-x64-musl"]).toContain("needs gcc");
  expect(verdicts({ ...BARE, wine: "/bin/wine" })["windows-x64"]).toContain("mingw");
  expect(verdicts({ ...BARE, qemuArm64: "/bin/qemu" })).toMatchObject({
    "linux-arm64": "needs libstdc++6-arm64-cross",
    "linux-arm64-musl": "needs musl:arm64",
  });
});

test("Macs and Windows run their own, and a Mac with Apple silicon both of a Mac's", () => {
  expect(verdicts({ ...BARE, os: "darwin", cpu: "arm64" })).toMatchObject({
    "darwin-x64": "natively",
    "darwin-arm64": "natively",
    "linux-x64": "needs Linux",
  });
  expect(verdicts({ ...BARE, os: "darwin", cpu: "x64" })).toMatchObject({
    "darwin-x64": "natively",
    "darwin-arm64": "needs a processor for it",
  });
  expect(verdicts({ ...BARE, os: "win32" })["windows-x64"]).toBe("natively");
});

test("Alpine runs the binary for musl as it is, and not the one for glibc", () => {
  const alpine = verdicts({ ...ALL, isMusl: true });
  expect(alpine["linux-x64-musl"]).toBe("natively");
  expect(alpine["linux-x64"]).toBe("needs glibc");
});

test("the emulator is told where the libraries of its processor are", () => {
  const target = { os: "linux", cpu: "arm64", libc: "glibc" } as const;
  expect((runnerFor(target, ALL) as Runner).prefix).toEqual(["/bin/qemu", "-L", "/arm64"]);
  expect((runnerFor({ ...target, libc: "musl" }, ALL) as Runner).needs).toBe("musl-libraries");
});
