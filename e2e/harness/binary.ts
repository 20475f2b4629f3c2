/** The program under test: the executable that `npm run build` leaves in dist/, and what it must not know. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");

export const BINARY = join(ROOT, "dist", process.platform === "win32" ? "p2p.exe" : "p2p");

/** As `npm run build` does. @throws if it fails; the reasons are on standard error then */
export async function buildBinary(): Promise<void> {
  const compile = Bun.spawn([process.execPath, join(ROOT, "compile.ts"), "--here"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if ((await compile.exited) !== 0) throw new Error("the program could not be built");
}

export function requireBinary(): void {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: run "npm run build" first`);
}

/** What the operating system needs to start a program at all; nothing else of this process's environment. */
const PASSED_ON = ["PATH", "SystemRoot", "SYSTEMROOT", "windir", "COMSPEC"];

/** An environment as on a machine of its own: `home` holds everything that the program would keep by default. */
export function cleanEnvironment(home: string): Record<string, string> {
  const passedOn = PASSED_ON.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(passedOn),
    HOME: home,
    USERPROFILE: home,
    LOCALAPPDATA: join(home, "AppData", "Local"),
    TMPDIR: home,
    LANG: "C.UTF-8",
  };
}
