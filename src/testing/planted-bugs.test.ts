import { expect, test } from "bun:test";
import { join } from "node:path";
import { PLANTED_BUGS } from "./planted-bugs.ts";

const ROOT = join(import.meta.dir, "..", "..");
const SEEDS_MAX = 20_000;

async function firstSeedOf(planted: string): Promise<{ exitCode: number; output: string }> {
  const child = Bun.spawn(
    [process.execPath, "scripts/sim.ts", "--planted", planted, "--seeds", String(SEEDS_MAX)],
    { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] },
  );
  const output = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
  return { exitCode: await child.exited, output };
}

for (const { name } of PLANTED_BUGS) {
  test(`a tracker with this bug is caught: ${name}`, async () => {
    const { exitCode, output } = await firstSeedOf(name);
    expect(output).toMatch(/seed \d+ breaks a promise: /);
    expect(exitCode).toBe(1);
  });
}

test("a planted bug that fits nowhere is an error, not a pass", async () => {
  const { exitCode, output } = await firstSeedOf("no such bug");
  expect(output).toContain("no planted bug named no such bug");
  expect(exitCode).toBe(2);
});
