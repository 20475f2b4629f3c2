/** Sharing a file that was never seen here, all of it hashed, against `sha1sum` of the same file. */
import { dirname } from "node:path";
import { GiB, MiB } from "../../e2e/harness/files.ts";
import { World } from "../../e2e/harness/world.ts";
import { formatBytes } from "../../src/base/text.ts";
import { type BenchCase, failures } from "../case.ts";
import { compared } from "../comparison.ts";
import type { Original } from "../contenders/contender.ts";
import { touch } from "../swarm-run.ts";
import { takeTurns } from "../turns.ts";

const AIM = 0.9;

export const share: BenchCase = {
  name: "share",
  async run(setting) {
    const { sizes, say } = setting;
    const bytes = sizes.bytes(2 * GiB, 256 * MiB);
    const original = await setting.original(bytes);
    const told = (name: string, act: () => Promise<number>) => async () => {
      const seconds = await act();
      say(`${name} ${seconds.toFixed(2)} s`);
      return seconds;
    };
    const turns = await takeTurns(
      told("share", () => shareOnce(original)),
      [{ name: "sha1sum", run: told("sha1sum", () => sumOnce(original)) }],
      sizes.rounds(5, 2),
    );
    const comparisons = [...turns.byName].map(([against, each]) =>
      compared({
        what: `share ${formatBytes(bytes)}`,
        against,
        turns: each,
        measure: (value) => value,
        aim: AIM,
      }),
    );
    return { comparisons, figures: [], notes: failures(turns) };
  },
};

/** By a client that keeps nothing from before. */
async function shareOnce({ path }: Original): Promise<number> {
  await using world = new World();
  await world.startTracker();
  const client = world.startClient("sharer");
  await client.all(["create_user sharer secret", "login sharer secret", "create_group bench"]);
  await touch(dirname(path), 1, path);
  const startedMs = performance.now();
  await client.ok(`upload_file ${path} bench`);
  return (performance.now() - startedMs) / 1000;
}

async function sumOnce({ path, sha1 }: Original): Promise<number> {
  await touch(dirname(path), 1, path);
  const startedMs = performance.now();
  const said = await new Response(Bun.spawn(["sha1sum", path]).stdout).text();
  const seconds = (performance.now() - startedMs) / 1000;
  if (!said.startsWith(sha1)) throw new Error(`sha1sum says ${said}`);
  return seconds;
}
