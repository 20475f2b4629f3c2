/** A large download, stopped half way by `exit`: from the start of the program to its first new verified piece. */
import { basename, join } from "node:path";
import type { Client } from "../../e2e/harness/client.ts";
import { sum } from "../../e2e/harness/downloads.ts";
import { GiB, MiB, sha1Of } from "../../e2e/harness/files.ts";
import { World } from "../../e2e/harness/world.ts";
import { formatBytes } from "../../src/base/text.ts";
import type { BenchCase } from "../case.ts";
import type { Original } from "../contenders/contender.ts";
import { SLOWEST_STEP_MS } from "../slowest-step.ts";

const AIM_SECONDS = 2;
/** Of the file, before it is stopped. */
const STOP_PERCENT = 30;

export const resume: BenchCase = {
  name: "resume",
  async run(setting) {
    const { sizes, say } = setting;
    const bytes = sizes.bytes(2 * GiB, 512 * MiB, 16 * GiB);
    const original = await setting.original(bytes);
    const values: number[] = [];
    const already: number[] = [];
    for (let round = 0; round < sizes.rounds(3, 1); round++) {
      const { seconds, earlierBytes } = await resumeOnce(original);
      say(`first new bytes after ${seconds.toFixed(2)} s, ${formatBytes(earlierBytes)} kept`);
      values.push(seconds);
      already.push(earlierBytes);
    }
    const what = `resume ${formatBytes(bytes)}: start of the program to the first new piece`;
    const note = `stopped with ${formatBytes(Math.min(...already))} or more on disk; its own start and its login inside`;
    return {
      comparisons: [],
      figures: [{ what, unit: "s", values, aim: { atMost: AIM_SECONDS }, note }],
      notes: [],
    };
  },
};

async function resumeOnce({ path, sha1 }: Original): Promise<{ seconds: number; earlierBytes: number }> {
  await using world = new World();
  await world.startTracker();
  const seeder = world.startClient("seeder", { waitMsMax: SLOWEST_STEP_MS });
  const first = world.startClient("downloader", { waitMsMax: SLOWEST_STEP_MS });
  for (const client of [seeder, first])
    await client.all([`create_user ${client.name} secret`, `login ${client.name} secret`]);
  await seeder.ok("create_group bench");
  await first.ok("join_group bench");
  await seeder.all(["accept_request bench downloader", `upload_file ${path} bench`]);
  const destination = join(world.dir("downloader", "files"), basename(path));
  await stopHalfWay(first, `download_file bench ${basename(path)} ${destination}`);

  const startedMs = performance.now();
  const again = world.startClient("downloader", { waitMsMax: SLOWEST_STEP_MS });
  await again.ok("login downloader secret");
  const shown = await again.download(
    "a new piece",
    ({ sources }) => sum(sources.map((each) => each.bytes)) > 0,
  );
  const seconds = (performance.now() - startedMs) / 1000;
  await again.downloaded(destination);
  if ((await sha1Of(destination)) !== sha1) throw new Error(`${destination} is not the file that was shared`);
  return { seconds, earlierBytes: shown.earlierBytes };
}

async function stopHalfWay(client: Client, order: string): Promise<void> {
  await client.ok(order);
  const shown = await client.download("half of it", ({ percent }) => percent >= STOP_PERCENT);
  if (shown.state === "C")
    throw new Error("it was whole before it could be stopped: a larger file is needed");
  client.write("exit\n");
  await client.exited();
}
