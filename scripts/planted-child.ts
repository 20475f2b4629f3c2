/** Runs a script on a wrong variant of the program: the same script, in a process whose sources are changed (`plant.ts`). */
import { join } from "node:path";
import { PLANTED_BUGS } from "../src/testing/planted-bugs.ts";

/** @returns the exit code of the script; 2 if there is no such variant */
export async function inPlantedChild(
  planted: string,
  script: string,
  args: readonly string[],
): Promise<number> {
  if (!PLANTED_BUGS.some(({ name }) => name === planted)) {
    console.error(
      `no planted bug named ${planted}; there are: ${PLANTED_BUGS.map(({ name }) => name).join(", ")}`,
    );
    return 2;
  }
  const child = Bun.spawn(
    [
      process.execPath,
      "--preload",
      join(import.meta.dir, "plant.ts"),
      join(import.meta.dir, script),
      ...args,
    ],
    { env: { ...process.env, P2P_PLANTED: planted }, stdio: ["ignore", "inherit", "inherit"] },
  );
  return await child.exited;
}
