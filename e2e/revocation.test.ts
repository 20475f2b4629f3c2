/** Who is no member any more gets no byte, whatever it holds and however it asks, from seeders at any tracker. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { MiB, writeRandomFile } from "./harness/files.ts";
import { enter, formGroup, twoFriends } from "./harness/group.ts";
import { portOf } from "./harness/lab.ts";
import { clientAt, startTrackers } from "./harness/trackers.ts";
import { World } from "./harness/world.ts";
import { letInsiderIn } from "./hostile/insider.ts";
import { PeerCaller } from "./hostile/peer-caller.ts";
import { TrackerPerson } from "./hostile/tracker-person.ts";

const REMOVALS = 100;
const PIECES = 64;
const IN_FLIGHT = 2;
const CUT_MS_MAX = 1_000;
const REVOKED = "the grant was revoked: its user is no longer a member of the group";

/** Fetches without end from one seeder, each time over a connection of its own: one that is refused too often is dropped. */
class Leech {
  /** Of what it fetched last, by `performance.now`. */
  lastDataMs = 0;
  readonly #dial: () => Promise<PeerCaller>;
  readonly #gid: string;
  readonly #fileId: string;
  #caller: PeerCaller | undefined;
  #next = 0;

  constructor(dial: () => Promise<PeerCaller>, gid: string, fileId: string) {
    this.#dial = dial;
    this.#gid = gid;
    this.#fileId = fileId;
  }

  /** Resolves when pieces are coming. A seeder may hear of the readmission a moment after the one who is readmitted. */
  async begin(grant: string): Promise<void> {
    for (;;) {
      const caller = await this.#dial();
      const channel = caller.open(this.#gid, this.#fileId, grant);
      if ((await caller.answer(channel)) === "opened") return await this.#fetch(caller, channel);
      caller.close();
    }
  }

  /** Resolves when nothing comes any more and a new channel was answered. @returns why, as far as it was told, and the answer */
  async cut(grant: string): Promise<{ ended: string | undefined; again: string }> {
    const caller = this.#caller;
    if (caller === undefined) throw new Error("it fetches nothing");
    const closed = () => caller.heard.find((message) => message.kind === "closed");
    await caller.until(() => caller.ended || closed() !== undefined);
    caller.close();
    this.lastDataMs = caller.lastDataMs;
    const other = await this.#dial();
    const again = await other.answer(other.open(this.#gid, this.#fileId, grant));
    other.close();
    return { ended: closed()?.failure.message, again: again === "opened" ? again : again.message };
  }

  async #fetch(caller: PeerCaller, channel: number): Promise<void> {
    this.#caller = caller;
    const ask = () => caller.request(channel, this.#next++ % PIECES);
    caller.onPiece = ask;
    for (let count = 0; count < IN_FLIGHT; count++) ask();
    await caller.until(() => caller.dataBytes > 0);
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

test(`a former member who goes on asking two seeders at two trackers is cut off within a second, ${REMOVALS} times`, async () => {
  await using world = new World(2);
  await startTrackers(world);
  const ann = await clientAt(world, 1, "ann");
  const bob = await clientAt(world, 2, "bob");
  for (const client of [ann, bob]) await enter(client);
  await ann.ok("create_user mal pw");
  await formGroup(ann, [bob]);
  const file = join(world.dir("files"), "film.bin");
  writeRandomFile(file, (PIECES * MiB) / 2, 9);
  for (const client of [ann, bob]) await client.ok(`upload_file ${file} lab`);
  const [first = 0, second = 0] = world.ports;
  using owner = await TrackerPerson.login(first, "ann");
  using mal = await TrackerPerson.login(second, "mal");
  const { gid, file: found } = await owner.find("lab", "film.bin");
  const ports = [await portOf(ann), await portOf(bob)];
  const leeches = ports.map((port) => new Leech(() => PeerCaller.dial(mal.machine, port), gid, found.fileId));

  const fromAnswer: number[] = [];
  const fromQuestion: number[] = [];
  for (let removal = 0; removal < REMOVALS; removal++) {
    await mal.change("join_group", { group: "lab" });
    await owner.change("accept_request", { group: "lab", user: "mal" });
    const grant = await mal.grant(gid);
    await Promise.all(leeches.map((leech) => leech.begin(grant)));
    const askedMs = performance.now();
    await owner.change("remove_member", { group: "lab", user: "mal" });
    const answeredMs = performance.now();
    const cuts = await Promise.all(leeches.map((leech) => leech.cut(grant)));
    for (const { ended, again } of cuts) {
      expect(again).toBe(REVOKED);
      // With bytes that were still waiting for their reader the whole connection is ended, without a word.
      if (ended !== undefined) expect(ended).toBe(REVOKED);
    }
    const lastMs = Math.max(...leeches.map(({ lastDataMs }) => lastDataMs));
    fromAnswer.push(Math.max(0, lastMs - answeredMs));
    fromQuestion.push(Math.max(0, lastMs - askedMs));
  }
  const told = (name: string, all: readonly number[]) =>
    `${name}: p50 ${percentile(all, 0.5).toFixed(1)}, p99 ${percentile(all, 0.99).toFixed(1)}, max ${Math.max(...all).toFixed(1)} ms`;
  console.log(
    `last byte after ${REMOVALS} removals; ${told("from the answer", fromAnswer)}; ${told("from the command", fromQuestion)}`,
  );
  expect(percentile(fromAnswer, 0.99)).toBeLessThan(CUT_MS_MAX);
  expect(percentile(fromQuestion, 0.99)).toBeLessThan(CUT_MS_MAX);
  await ann.run("show_downloads");
  // One for the open channel and one for the new one, each time.
  const line = ann.out.findLast((each) => each.startsWith("refused "));
  expect(Number(/(\d+) of a member removed/.exec(line ?? "")?.[1])).toBeGreaterThanOrEqual(2 * REMOVALS);
});

test("a seeder that was not running when a member was removed does not serve it afterwards", async () => {
  await using world = new World();
  await world.startTracker();
  const [port = 0] = world.ports;
  const ann = world.startClient("ann");
  const before = world.startClient("bob");
  for (const client of [ann, before]) await enter(client);
  await formGroup(ann, [before]);
  const file = join(world.dir("files"), "film.bin");
  writeRandomFile(file, MiB, 9);
  await before.ok(`upload_file ${file} lab`);
  const { mal: insider, gid, fileId } = await letInsiderIn(ann, port);
  using mal = insider;
  const grant = await mal.grant(gid);
  await before.crash();
  await ann.ok("remove_member lab mal");

  const bob = world.startClient("bob");
  await bob.ok("login bob pw");
  const caller = await PeerCaller.dial(mal.machine, await portOf(bob));
  const answer = await caller.answer(caller.open(gid, fileId, grant));
  expect(answer).toMatchObject({
    code: "peer-refused",
    message: REVOKED,
  });
  caller.close();
});

test("a deleted group is served to nobody, whatever grant is shown", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  const [port = 0] = world.ports;
  const file = join(world.dir("files"), "film.bin");
  writeRandomFile(file, (PIECES * MiB) / 2, 9);
  await bob.ok(`upload_file ${file} lab`);
  const { mal: insider, gid, fileId } = await letInsiderIn(ann, port);
  using mal = insider;
  const grant = await mal.grant(gid);
  const seederPort = await portOf(bob);
  const leech = new Leech(() => PeerCaller.dial(mal.machine, seederPort), gid, fileId);
  await leech.begin(grant);
  await ann.ok("delete_group lab");
  const answeredMs = performance.now();
  const { ended, again } = await leech.cut(grant);
  expect(ended ?? REVOKED).toMatch(/no longer shared here|no longer a member/);
  expect(again).toBe("the file is not shared here");
  expect(leech.lastDataMs - answeredMs).toBeLessThan(CUT_MS_MAX);
});
