/** Connections without end that mean nothing, at both listeners: those who have a right to be there go on beside them. */
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import {
  HANDSHAKE_MS_MAX,
  PEER_CONNECTIONS_MAX,
  PEER_CONNECTIONS_PER_ADDRESS_MAX,
  TRACKER_CONNECTIONS_MAX,
  TRACKER_CONNECTIONS_PER_ADDRESS_MAX,
} from "../src/base/limits.ts";
import { MiB, sha1Of } from "./harness/files.ts";
import { enter } from "./harness/group.ts";
import { type Lab, openLab, shareFile } from "./harness/lab.ts";
import { until } from "./harness/until.ts";
import { calmAgain, HAS_VITALS, inWords, vitalsOf } from "./harness/vitals.ts";
import { World } from "./harness/world.ts";
import { Attacker } from "./hostile/attacker.ts";
import type { CrowdOrder, Idleness } from "./hostile/order.ts";

const FILE_BYTES = 192 * MiB;
const CROWD = 5_000;
/** Quiet and crowded rounds alternate; each crowded one is held against the quiet one beside it. */
const ROUNDS = ["quiet", "crowded", "crowded", "quiet", "quiet", "crowded"] as const;
/** Only those who greeted stay for longer than the deadline of the handshake. */
const EVERY_KIND: readonly Idleness[] = ["mute", "greeted", "drip", "greeted", "keyed", "greeted"];
/** One whose place is taken by another comes back in its own time: it idles, and does not hammer. */
const AGAIN_MS = 15_000;
const AGAIN_SOON_MS = 3_000;

/** @returns MiB a second, from the command to the file in its place */
async function fetchRate(lab: Lab): Promise<number> {
  const original = await shareFile(lab, FILE_BYTES);
  const name = basename(original);
  const copy = join(lab.world.dir("bob", "files"), name);
  const startMs = performance.now();
  await lab.bob.ok(`download_file lab ${name} ${copy}`);
  await lab.bob.downloaded(copy);
  const rate = FILE_BYTES / MiB / ((performance.now() - startMs) / 1000);
  expect(await sha1Of(copy)).toBe(await sha1Of(original));
  for (const path of [copy, original]) rmSync(path);
  return rate;
}

type Where = "tracker" | "peer";

function crowdAt(lab: Lab, listener: Where, over: Partial<CrowdOrder> = {}): Attacker {
  const port = listener === "tracker" ? lab.trackerPort : lab.seederPort;
  return Attacker.start({
    attack: "crowd",
    target: { port, listener },
    connections: CROWD,
    addresses: 50,
    from: 0,
    kinds: EVERY_KIND,
    againMs: AGAIN_MS,
    ...over,
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

test.skipIf(!HAS_VITALS)(
  "beside 5,000 idle connections to the tracker and 5,000 to the seeder a download reaches at least half its undisturbed rate",
  async () => {
    await using world = new World();
    const lab = await openLab(world);
    await fetchRate(lab);
    const before = { tracker: vitalsOf(lab.tracker), ann: vitalsOf(lab.ann) };
    const rates = { quiet: [] as number[], crowded: [] as number[] };
    for (let round = 0; round < ROUNDS.length; ) {
      const kind = ROUNDS[round];
      if (kind === "quiet") {
        rates.quiet.push(await fetchRate(lab));
        round++;
        continue;
      }
      await using atTracker = crowdAt(lab, "tracker", { againMs: AGAIN_SOON_MS });
      await using atSeeder = crowdAt(lab, "peer");
      await atTracker.until(({ open }) => open > 0.8 * CROWD);
      await atSeeder.until(({ begun, open }) => begun >= CROWD && open > 0.8 * PEER_CONNECTIONS_MAX);
      for (; ROUNDS[round] === "crowded"; round++) rates.crowded.push(await fetchRate(lab));
      expect(vitalsOf(lab.ann).descriptors).toBeLessThan(PEER_CONNECTIONS_MAX + 50);
      console.log(`tracker ${inWords(vitalsOf(lab.tracker))}, seeder ${inWords(vitalsOf(lab.ann))}`);
    }
    const ratio = median(rates.crowded) / median(rates.quiet);
    const shown = (kind: "quiet" | "crowded") => rates[kind].map((rate) => rate.toFixed(0)).join(", ");
    console.log(`${shown("crowded")} beside ${shown("quiet")} MiB/s: ${ratio.toFixed(2)} of the medians`);
    expect(ratio).toBeGreaterThanOrEqual(0.5);
    await calmAgain(lab.tracker, before.tracker);
    await calmAgain(lab.ann, before.ann);
  },
);

test.skipIf(!HAS_VITALS)(
  "with every place taken by those who show no right to be there, members keep theirs and newcomers get in, also at the attacker's address",
  async () => {
    await using world = new World();
    const lab = await openLab(world);
    const { tracker, ann, bob } = lab;
    const before = { tracker: vitalsOf(tracker), ann: vitalsOf(ann) };
    const kinds: readonly Idleness[] = ["greeted", "greeted", "greeted", "mute"];
    {
      // The first address of this one is that of everybody else here.
      const ownShare = TRACKER_CONNECTIONS_PER_ADDRESS_MAX + 200;
      await using neighbour = crowdAt(lab, "tracker", {
        connections: ownShare,
        addresses: 1,
        from: -1,
        kinds,
        againMs: AGAIN_SOON_MS,
      });
      const others = TRACKER_CONNECTIONS_MAX - 300;
      await using crowd = crowdAt(lab, "tracker", {
        connections: others,
        addresses: 12,
        kinds,
        againMs: AGAIN_SOON_MS,
      });
      await using atSeeder = crowdAt(lab, "peer", {
        connections: 3 * PEER_CONNECTIONS_MAX,
        addresses: (3 * PEER_CONNECTIONS_MAX) / PEER_CONNECTIONS_PER_ADDRESS_MAX,
        kinds,
      });
      await crowd.until(({ begun }) => begun >= others);
      await neighbour.until(({ begun }) => begun >= ownShare);
      await atSeeder.until(({ begun }) => begun >= 3 * PEER_CONNECTIONS_MAX);
      await until(async () => vitalsOf(tracker).descriptors > 0.9 * TRACKER_CONNECTIONS_MAX);

      const eve = world.startClient("eve");
      await enter(eve);
      await eve.ok("join_group lab");
      await ann.ok("accept_request lab eve");
      const path = await shareFile(lab, 16 * MiB);
      for (const client of [eve, bob]) {
        const copy = join(world.dir(client.name, "files"), basename(path));
        await client.ok(`download_file lab ${basename(path)} ${copy}`);
        await client.downloaded(copy);
        expect(await sha1Of(copy)).toBe(await sha1Of(path));
      }
      // Nobody had to come back: the members' connections were never touched.
      for (const client of [ann, bob]) expect(client.told(/tracker/)).toEqual([]);
      console.log(JSON.stringify([neighbour.tally, crowd.tally, atSeeder.tally]));
    }
    await calmAgain(tracker, before.tracker);
    await calmAgain(ann, before.ann);
  },
);

test.skipIf(!HAS_VITALS)(
  "who does not finish the handshake, or says no hello, is put out soon at both listeners, and nobody else",
  async () => {
    await using world = new World();
    const lab = await openLab(world);
    const before = { tracker: vitalsOf(lab.tracker), ann: vitalsOf(lab.ann) };
    const kinds: readonly Idleness[] = ["mute", "drip", "keyed"];
    const connections = 60;
    const some = { kinds, connections, addresses: 1 };
    await using atTracker = crowdAt(lab, "tracker", some);
    await using atSeeder = crowdAt(lab, "peer", some);
    const startMs = performance.now();
    for (const crowd of [atTracker, atSeeder]) {
      await crowd.until(({ begun }) => begun >= connections);
      await crowd.until(({ ended }) => ended >= connections);
    }
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(0.8 * HANDSHAKE_MS_MAX);
    expect(tookMs).toBeLessThan(2 * HANDSHAKE_MS_MAX);
    await lab.bob.ok("list_members lab");
    expect(lab.bob.told(/tracker/)).toEqual([]);
    await Promise.all([atTracker, atSeeder].map((crowd) => crowd[Symbol.asyncDispose]()));
    await calmAgain(lab.tracker, before.tracker);
    await calmAgain(lab.ann, before.ann);
  },
);
