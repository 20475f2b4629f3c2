/** Who is no member any more gets no byte, whatever it holds and however it asks, from seeders at any tracker. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Client } from "./harness/client.ts";
import { MiB, writeRandomFile } from "./harness/files.ts";
import { enter, formGroup } from "./harness/group.ts";
import { clientAt, startTrackers } from "./harness/trackers.ts";
import { World } from "./harness/world.ts";
import { PeerCaller } from "./hostile/peer-caller.ts";
import { TrackerPerson } from "./hostile/tracker-person.ts";

const REMOVALS = 100;
const PIECES = 64;
const IN_FLIGHT = 2;
const CUT_MS_MAX = 1_000;

async function portOf(client: Client): Promise<number> {
  await client.run("show_downloads");
  const line = client.out.findLast((each) => each.startsWith("listening "));
  return Number(line?.split(":").at(-1));
}

/** Fetches without end from one seeder, and goes on with new channels when one is ended. */
class Leech {
  readonly #caller: PeerCaller;
  readonly #gid: string;
  readonly #fileId: string;
  #channel = 0;
  #next = 0;

  constructor(caller: PeerCaller, gid: string, fileId: string) {
    this.#caller = caller;
    this.#gid = gid;
    this.#fileId = fileId;
    caller.onPiece = (channel) => {
      if (channel === this.#channel) this.#ask();
    };
  }

  get lastDataMs(): number {
    return this.#caller.lastDataMs;
  }

  /** Resolves when pieces are coming. A seeder may hear of the readmission a moment after the one who is readmitted. */
  async begin(grant: string): Promise<void> {
    const { dataBytes } = this.#caller;
    do this.#channel = this.#caller.open(this.#gid, this.#fileId, grant);
    while ((await this.#caller.answer(this.#channel)) !== "opened");
    for (let count = 0; count < IN_FLIGHT; count++) this.#ask();
    await this.#caller.until(() => this.#caller.dataBytes > dataBytes);
  }

  /** Resolves when the channel is ended and a new one refused. @returns both reasons */
  async cut(grant: string): Promise<readonly (string | undefined)[]> {
    await this.#caller.until(
      () => this.#caller.ended || this.#caller.of("closed", this.#channel) !== undefined,
    );
    const reason = this.#caller.of("closed", this.#channel)?.failure.message;
    const again = await this.#caller.answer(this.#caller.open(this.#gid, this.#fileId, grant));
    this.#caller.heard.length = 0;
    return [reason, again === "opened" ? again : again.message];
  }

  #ask(): void {
    this.#caller.request(this.#channel, this.#next++ % PIECES);
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
  const callers = await Promise.all(ports.map((port) => PeerCaller.dial(mal.machine, port)));
  const leeches = callers.map((caller) => new Leech(caller, gid, found.fileId));

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
    const reasons = await Promise.all(leeches.map((leech) => leech.cut(grant)));
    for (const [ended, again] of reasons) {
      expect(ended).toBe("the grant was revoked: its user is no longer a member of the group");
      expect(again).toBe("the grant was revoked: its user is no longer a member of the group");
    }
    const lastMs = Math.max(...leeches.map(({ lastDataMs }) => lastDataMs));
    fromAnswer.push(Math.max(0, lastMs - answeredMs));
    fromQuestion.push(Math.max(0, lastMs - askedMs));
  }
  for (const caller of callers) caller.close();
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
  await ann.ok("create_user mal pw");
  await formGroup(ann, [before]);
  const file = join(world.dir("files"), "film.bin");
  writeRandomFile(file, MiB, 9);
  await before.ok(`upload_file ${file} lab`);
  using mal = await TrackerPerson.login(port, "mal");
  await mal.change("join_group", { group: "lab" });
  await ann.ok("accept_request lab mal");
  const { gid, file: found } = await mal.find("lab", "film.bin");
  const grant = await mal.grant(gid);
  await before.crash();
  await ann.ok("remove_member lab mal");

  const bob = world.startClient("bob");
  await bob.ok("login bob pw");
  const caller = await PeerCaller.dial(mal.machine, await portOf(bob));
  const answer = await caller.answer(caller.open(gid, found.fileId, grant));
  expect(answer).toMatchObject({
    code: "peer-refused",
    message: "the grant was revoked: its user is no longer a member of the group",
  });
  caller.close();
});

test("a deleted group is served to nobody, whatever grant is shown", async () => {
  await using world = new World();
  await world.startTracker();
  const [port = 0] = world.ports;
  const ann = world.startClient("ann");
  const bob = world.startClient("bob");
  for (const client of [ann, bob]) await enter(client);
  await ann.ok("create_user mal pw");
  await formGroup(ann, [bob]);
  const file = join(world.dir("files"), "film.bin");
  writeRandomFile(file, (PIECES * MiB) / 2, 9);
  await bob.ok(`upload_file ${file} lab`);
  using mal = await TrackerPerson.login(port, "mal");
  await mal.change("join_group", { group: "lab" });
  await ann.ok("accept_request lab mal");
  const { gid, file: found } = await mal.find("lab", "film.bin");
  const grant = await mal.grant(gid);
  const caller = await PeerCaller.dial(mal.machine, await portOf(bob));
  const leech = new Leech(caller, gid, found.fileId);
  await leech.begin(grant);
  await ann.ok("delete_group lab");
  const answeredMs = performance.now();
  const [ended, again] = await leech.cut(grant);
  expect(ended).toMatch(/no longer shared here|no longer a member/);
  expect(again).toBe("the file is not shared here");
  expect(leech.lastDataMs - answeredMs).toBeLessThan(CUT_MS_MAX);
  caller.close();
});
