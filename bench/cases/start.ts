/** How long the program needs to start and say its version, against an empty program compiled in the same way. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BINARY } from "../../e2e/harness/binary.ts";
import { COMPILE_OPTIONS, WITHOUT_AUTOLOAD } from "../../scripts/compile-options.ts";
import type { BenchCase } from "../case.ts";
import { compared } from "../comparison.ts";
import { takeTurns } from "../turns.ts";

const AIM = 1.5;

export const start: BenchCase = {
  name: "start",
  async run({ sizes }) {
    const empty = await emptyProgram();
    const turns = await takeTurns(
      async () => startOnce([BINARY, "--version"]),
      [{ name: "empty program", run: async () => startOnce([empty]) }],
      sizes.rounds(50, 20),
    );
    const comparisons = [...turns.byName].map(([against, each]) =>
      compared({
        what: "start (--version)",
        against,
        turns: each,
        measure: (ms) => ms,
        unit: "ms",
        aim: AIM,
      }),
    );
    return { comparisons, figures: [], notes: [] };
  },
};

async function emptyProgram(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "empty-"));
  const source = join(folder, "empty.ts");
  writeFileSync(source, "export {};\n");
  const outfile = join(folder, "empty");
  await Bun.build({ ...COMPILE_OPTIONS, entrypoints: [source], compile: { ...WITHOUT_AUTOLOAD, outfile } });
  return outfile;
}

function startOnce(command: string[]): number {
  const startedMs = performance.now();
  const { success, stderr } = Bun.spawnSync(command);
  const ms = performance.now() - startedMs;
  if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return ms;
}
