/** Trackers cut off from each other, each with its users, both written to: joined again they are equal, and nobody has lost. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./harness/client.ts";
import { sha1Of } from "./harness/files.ts";
import { enter, formGroup } from "./harness/group.ts";
import { HOSTS, Namespaces, type Side, whyNoNamespaces } from "./harness/namespaces.ts";
import { inStep, outOfReach, type Tracker } from "./harness/tracker.ts";
import { World } from "./harness/world.ts";

const why = whyNoNamespaces();
if (why !== undefined) console.error(`trackers cut off from each other: skipped, since ${why}`);

const ALONE = /^Warning: this, and what follows, stands on one tracker only: /;

/** Two machines, each with a tracker and clients that use it first. */
class TwoSides {
  readonly #world: World;
  readonly #net: Namespaces;

  constructor(world: World, net: Namespaces) {
    this.#world = world;
    this.#net = net;
  }

  async tracker(side: Side): Promise<Tracker> {
    return await this.#world.startTracker(side + 1, { within: this.#net.within(side) });
  }

  /** @param folder its own; a user may be logged in on both sides */
  client(side: Side, folder: string): Client {
    const numbers = side === 0 ? [1, 2] : [2, 1];
    return this.#world.startClient(folder, {
      within: this.#net.within(side),
      host: HOSTS[side],
      trackerInfo: this.#world.trackerList(numbers, `list-${side}.txt`),
    });
  }

  /** A client that knows the tracker of its side only. */
  reader(side: Side, folder: string): Client {
    const trackerInfo = this.#world.trackerList([side + 1], `only-${side}.txt`);
    return this.#world.startClient(folder, {
      within: this.#net.within(side),
      host: HOSTS[side],
      trackerInfo,
    });
  }
}

/** The first words of a list's lines, sorted: namesakes come in any order. */
function names(lines: readonly string[]): string[] {
  const rows = lines.filter((line) => !line.startsWith("No "));
  return rows.map((line) => line.split(/ {2}/)[0] ?? "").sort();
}

/** Of the line that the client is told. */
async function lastWord(client: Client, pattern: RegExp): Promise<string> {
  return (await client.line(pattern)).split(" ").at(-1) ?? "";
}

interface Seen {
  readonly groups: readonly string[];
  /** Those that bob is in. */
  readonly bobs: readonly string[];
  /** By group: members, requests, files. */
  readonly inside: Readonly<Record<string, readonly (readonly string[])[]>>;
}

/** What ann, who owns the groups, and bob are told at one tracker. */
async function seenBy(reader: Client): Promise<Seen> {
  await reader.ok("login ann pw");
  const groups = names(await reader.ok("list_groups"));
  const inside: Record<string, string[][]> = {};
  for (const group of ["lab", "club", "den"]) {
    const commands = ["list_members", "list_requests", "list_files"].map((list) => `${list} ${group}`);
    inside[group] = (await reader.all(commands)).map(names);
  }
  await reader.ok("logout");
  await reader.ok("login bob pw");
  const bobs = (await reader.ok("list_groups")).filter((line) => / {2}(?:owner|member)$/.test(line));
  await reader.ok("logout");
  return { groups, bobs: names(bobs), inside };
}

test.skipIf(why !== undefined)(
  "both sides of a partition go on; joined again they are equal, and the losers are told and go on",
  async () => {
    using net = new Namespaces();
    await using world = new World([...HOSTS]);
    const sides = new TwoSides(world, net);
    const trackers = [await sides.tracker(0), await sides.tracker(1)] as const;
    await inStep(...trackers);
    const ann = sides.client(0, "ann");
    const bob = sides.client(1, "bob");
    const cem = sides.client(0, "cem");
    for (const client of [ann, bob, cem]) await enter(client);
    const annThere = sides.client(1, "ann-there");
    await annThere.ok("login ann pw");
    await formGroup(ann, [bob, cem], "lab");
    await formGroup(ann, [bob], "den");
    await ann.ok("create_group club");
    await bob.ok("join_group club");
    await inStep(...trackers);

    net.cut();
    await outOfReach(trackers[0], 2);
    await outOfReach(trackers[1], 1);
    // The first of two claims keeps the name: that is the one of ann's side, in each case.
    const [zoeHere, zoeThere] = [sides.client(0, "zoe-here"), sides.client(1, "zoe-there")];
    for (const [zoe, password] of [
      [zoeHere, "here"],
      [zoeThere, "there"],
    ] as const) {
      await zoe.ok(`create_user zoe ${password}`);
      await zoe.ok(`login zoe ${password}`);
    }
    for (const client of [ann, bob]) {
      await client.ok("create_group same");
      const path = join(world.dir(client.name, "files"), "doc.txt");
      writeFileSync(path, `what ${client.name} wrote`);
      await client.ok(`upload_file ${path} lab`);
    }
    await ann.ok("accept_request club bob");
    await bob.ok("leave_group club");
    // Here he is removed; there he leaves, asks again, and is let in by who has not heard of the removal.
    await ann.ok("remove_member den bob");
    await bob.ok("leave_group den");
    await bob.ok("join_group den");
    await annThere.ok("accept_request den bob");
    expect(names(await annThere.ok("list_members den"))).toEqual(["ann", "bob"]);
    expect([ann, bob, cem].map((client) => client.tracker)).toEqual([1, 2, 1].map((no) => world.address(no)));
    for (const client of [ann, bob, zoeHere, zoeThere]) {
      await client.line(ALONE);
      expect(client.told(ALONE)).toHaveLength(1);
    }

    net.join();
    await inStep(...trackers);
    const renamed = /^Your account is now called (zoe~\w{5}): another one had the name zoe first$/;
    const zoesName = renamed.exec(await zoeThere.line(renamed))?.[1] ?? "";
    const bobsGroup = await lastWord(bob, /^Group same is now called same~\w{5}$/);
    const bobsDoc = await lastWord(bob, /^Your file doc\.txt in group lab is now called doc\.txt~\w{5}$/);
    await bob.line(/^You are no longer a member of group den/);
    for (const winner of [ann, zoeHere]) expect(winner.told(/now called/)).toEqual([]);

    const readers = [sides.reader(0, "reader-0"), sides.reader(1, "reader-1")] as const;
    const seen = await seenBy(readers[0]);
    expect(await seenBy(readers[1])).toEqual(seen);
    expect(seen.groups).toEqual(["club", "den", "lab", "same", bobsGroup]);
    expect(seen.bobs).toEqual(["lab", bobsGroup]);
    expect(seen.inside).toEqual({
      lab: [["ann", "bob", "cem"], [], ["doc.txt", bobsDoc]],
      club: [["ann"], [], []],
      // The accept is void, and what he asked is asked still.
      den: [["ann"], ["bob"], []],
    });

    // The account that lost its name is found under it by its password, and goes on, at either tracker.
    for (const reader of readers) {
      await reader.ok("login zoe there");
      await reader.line(new RegExp(`^Warning: your account is now called ${zoesName}: `));
      await reader.ok("logout");
      await reader.ok("login zoe here");
      expect((await reader.ok("list_groups")).length).toBeGreaterThanOrEqual(5);
      await reader.ok("logout");
    }
    await zoeThere.ok("create_group hers");
    expect((await ann.ok("list_groups")).join("\n")).toMatch(new RegExp(`^hers +${zoesName} `, "m"));

    // Both files are whole, under their names, on both sides.
    for (const [name, owner] of [
      ["doc.txt", ann],
      [bobsDoc, bob],
    ] as const) {
      const copy = join(world.dir("cem", "files"), name);
      await cem.ok(`download_file lab ${name} ${copy}`);
      await cem.downloaded(copy);
      expect(await sha1Of(copy)).toBe(await sha1Of(world.path(owner.name, "files", "doc.txt")));
    }
    // A new answer of the owner counts.
    await ann.ok("accept_request den bob");
    expect(names(await annThere.ok("list_members den"))).toEqual(["ann", "bob"]);
  },
);
