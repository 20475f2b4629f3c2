/**
 * Sharing a file that was never seen here, all of it hashed, against `sha1sum` of the same file; and the second try of one
 * that was killed near its end.
 */
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { GiB, MiB } from "../../e2e/harness/files.ts";
import { World } from "../../e2e/harness/world.ts";
import { HASH_JOURNAL_BLOCK_PIECES, PIECE_BYTES } from "../../src/base/limits.ts";
import { formatBytes } from "../../src/base/text.ts";
import { hashJournalBlocks, hashJournalBytes } from "../../src/transfer/disk/hash-journal.ts";
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
    const whole = await shareOnce(original);
    const again = await shareAgain(original);
    say(
      `whole ${whole.toFixed(2)} s, after a kill at ${again.keptPercent.toFixed(0)} % ${again.seconds.toFixed(2)} s`,
    );
    const figures = [
      {
        what: `share ${formatBytes(bytes)} again after a kill, of the time of a whole one`,
        unit: "%",
        values: [(100 * again.seconds) / whole],
        note: `the hashes of ${again.keptPercent.toFixed(0)} % of its pieces were kept; the SHA-1 of the whole is walked anew`,
      },
    ];
    return { comparisons, figures, notes: failures(turns) };
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

/** Killed when its last whole block but one of piece hashes is kept. */
async function shareAgain({ path }: Original): Promise<{ seconds: number; keptPercent: number }> {
  await using world = new World();
  await world.startTracker();
  const first = world.startClient("sharer");
  await first.all(["create_user sharer secret", "login sharer secret", "create_group bench"]);
  const { size } = statSync(path);
  const blocks = hashJournalBlocks(size) - 1;
  first.write(`upload_file ${path} bench\n`);
  const folder = world.path("sharer", "data", "hash-journals");
  const keptBytes = () =>
    readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  while (keptBytes() < hashJournalBytes(blocks)) await Bun.sleep(1);
  await first.crash();
  const kept = Math.floor((keptBytes() - hashJournalBytes(0)) / (hashJournalBytes(1) - hashJournalBytes(0)));
  const again = world.startClient("sharer");
  await again.ok("login sharer secret");
  await touch(dirname(path), 1, path);
  const startedMs = performance.now();
  await again.ok(`upload_file ${path} bench`);
  const seconds = (performance.now() - startedMs) / 1000;
  return { seconds, keptPercent: (100 * kept * HASH_JOURNAL_BLOCK_PIECES * PIECE_BYTES) / size };
}

async function sumOnce({ path, sha1 }: Original): Promise<number> {
  await touch(dirname(path), 1, path);
  const startedMs = performance.now();
  const said = await new Response(Bun.spawn(["sha1sum", path]).stdout).text();
  const seconds = (performance.now() - startedMs) / 1000;
  if (!said.startsWith(sha1)) throw new Error(`sha1sum says ${said}`);
  return seconds;
}
