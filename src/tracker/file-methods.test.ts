import { describe, expect, test } from "bun:test";
import type { FileName, Gid, GroupName, UserName } from "../base/ids.ts";
import { BLOB_PART_BYTES, GRANT_LIFETIME_MS, SOURCES_MAX } from "../base/limits.ts";
import { listingIdOf } from "../base/listing-id.ts";
import { Manifest } from "../base/manifest.ts";
import { failureOf } from "../testing/failure-of.ts";
import { manifestOf, ServiceWorld, type TestClient, testSigning } from "../testing/service-clients.ts";
import { deviceOf, hexId } from "../testing/test-tracker.ts";
import { checkGrant } from "../wire/signed.ts";

const lab = "lab" as GroupName;
const cut = "cut.mov" as FileName;
const name = (text: string) => text as UserName;

const manifest = manifestOf("cut");
const { fileId, digest } = manifest.summary;
const listingId = listingIdOf(fileId, cut);

async function sharedWorld() {
  const world = new ServiceWorld();
  const [ada, bob, eve] = [await world.user("ada"), await world.user("bob"), await world.user("eve")];
  await world.group("lab", ada, bob, eve);
  const gid = await ada.share("lab", cut, manifest);
  const clear = async (...clients: TestClient[]) => {
    for (const client of clients) await client.heard();
  };
  return { world, ada, bob, eve, gid, clear };
}

test("a new file is told to the other members online, and only once", async () => {
  const { ada, bob, eve, world } = await sharedWorld();
  const told = { kind: "new-file", group: lab, name: cut, user: name("ada"), size: 1_000_000 } as const;
  expect(await bob.heardNews()).toContainEqual(told);
  expect(await ada.heardNews()).not.toContainEqual(told);
  await eve.heard();
  await bob.share("lab", cut, manifest);
  expect(await eve.heardNews()).toEqual([]);
  world.restart();
  const again = await world.connect("m");
  expect((await again.login("bob")).news).toEqual([]);
});

test("files are listed with the machines online that share them", async () => {
  const { ada, bob } = await sharedWorld();
  const row = { name: cut, listingId, ...manifest.summary, sources: 1, addedMs: expect.any(Number) };
  expect((await bob.call("list_files", { group: lab })).rows).toEqual([row]);
  expect((await bob.call("search", { text: "CUT" })).rows).toEqual([{ group: lab, file: row }]);
  ada.hangUp();
  expect((await bob.call("list_files", { group: lab })).rows).toEqual([{ ...row, sources: 0 }]);
  expect(await bob.call("find_file", { group: lab, name: cut })).toMatchObject({ file: manifest.summary });
});

test("a piece list comes back as it was given, to members alone", async () => {
  const { world, bob } = await sharedWorld();
  const { result, tail } = await bob.ask("get_blob", { group: lab, digest, offset: 0 });
  expect(result.total).toBe(manifest.rows.length);
  expect(Manifest.check(manifest.summary, tail ?? new Uint8Array())).toBeInstanceOf(Manifest);
  const outsider = await world.user("outsider");
  expect(await outsider.attempt("get_blob", { group: lab, digest, offset: 0 })).toBe("not-member");
  expect(await outsider.attempt("has_blob", { group: lab, digest })).toBe("not-member");
  const part = { group: lab, digest, offset: 0, total: 52 };
  expect(await outsider.attempt("put_blob", part, new Uint8Array(52))).toBe("not-member");
  expect(await bob.attempt("get_blob", { group: lab, digest: hexId("other", 64), offset: 0 })).toBe(
    "unknown-file",
  );
});

test("a share is refused unless its piece list is there and is that file's", async () => {
  const { world, bob } = await sharedWorld();
  const other = manifestOf("other");
  const params = { id: world.id(), group: lab, name: "x" as FileName, file: other.summary, counter: 1 };
  expect(await bob.attempt("share", params)).toBe("no-piece-list");
  await bob.putPieceList("lab", other);
  const lies = [
    { ...other.summary, size: 100 },
    { ...other.summary, size: other.summary.size - 1 },
    { ...other.summary, fileId: hexId<typeof fileId>("lie", 64) },
    { ...other.summary, digest },
  ];
  for (const file of lies) expect(await bob.attempt("share", { ...params, file })).toBe("corrupt");
  expect(await bob.attempt("share", params)).toBe("done");
  const again = { ...params, id: world.id(), counter: 2 };
  expect(await bob.attempt("share", { ...again, name: cut })).toBe("name-taken");
  // Under another name nothing of the content is wanted again.
  expect(await bob.attempt("share", { ...again, id: world.id(), name: "y" as FileName })).toBe("done");
});

test("a piece list may come with its share, whole and right, or not at all", async () => {
  const { world, bob, ada } = await sharedWorld();
  const other = manifestOf("other");
  const params = { id: world.id(), group: lab, name: "x" as FileName, file: other.summary, counter: 1 };
  const wrong = other.rows.slice();
  wrong[0] = (wrong[0] ?? 0) ^ 1;
  expect(await bob.attempt("share", params, wrong)).toBe("corrupt");
  expect(await bob.attempt("share", params, other.rows.subarray(1))).toBe("corrupt");
  expect(await bob.attempt("share", params, new Uint8Array(BLOB_PART_BYTES + 52))).toBe("invalid-input");
  expect(await bob.attempt("has_blob", { group: lab, digest: other.summary.digest })).toBe("done");
  expect(await bob.attempt("share", params, other.rows)).toBe("done");
  const list = await ada.ask("get_blob", { group: lab, digest: other.summary.digest, offset: 0 });
  expect(list.tail).toEqual(other.rows);
});

describe("several shares in one step", () => {
  const small = (content: string) => manifestOf(content, 1_000);
  const oneOf = (world: ServiceWorld, { summary: file }: Manifest, counter = 1) => {
    return { id: world.id(), name: `${file.digest.slice(0, 8)}.txt` as FileName, file, counter };
  };
  const together = (...lists: Manifest[]) => Buffer.concat(lists.map(({ rows }) => rows));

  test("are in one transaction, and each is there as if it had been shared alone", async () => {
    const { world, ada, bob } = await sharedWorld();
    const lists = [small("a"), small("b"), manifestOf("empty", 0), manifestOf("large", 2_000_000)];
    const shares = lists.map((list) => oneOf(world, list));
    world.store.batches.length = 0;
    const { outcomes } = await bob.call("share_many", { group: lab, shares }, together(...lists));
    const listings = shares.map(({ name, file: { fileId } }) => ({
      name,
      listingId: listingIdOf(fileId, name),
    }));
    expect(outcomes).toEqual(listings);
    expect(world.store.batches).toEqual([2 * lists.length]);
    for (const [at, { name }] of shares.entries()) {
      const found = await ada.call("find_file", { group: lab, name });
      expect(found.file).toEqual((lists[at] ?? manifest).summary);
      const list = await ada.ask("get_blob", { group: lab, digest: found.file.digest, offset: 0 });
      expect(Buffer.compare(list.tail ?? Buffer.alloc(1), lists[at]?.rows ?? Buffer.alloc(1))).toBe(0);
    }
    const [first] = shares;
    const repeated = await bob.call("share_many", { group: lab, shares }, together(...lists));
    expect(repeated.outcomes[0]).toEqual({
      name: first?.name ?? cut,
      listingId: listings[0]?.listingId ?? listingId,
    });
    expect(world.store.batches.length).toBe(1);
  });

  test("are news in one notice, but to clients that know only news of each", async () => {
    const { world, ada, bob, eve, clear } = await sharedWorld();
    await ada.call("hello", { version: 1, program: "test", newFiles: true });
    await clear(ada, bob, eve);
    const shares = ["a", "b", "c"].map((content) => oneOf(world, small(content)));
    await bob.call("share_many", { group: lab, shares }, together(small("a"), small("b"), small("c")));
    const files = shares.map((share) => ({ name: share.name, size: 1_000 }));
    const told = { group: lab, user: name("bob") };
    expect(await ada.heard()).toEqual([{ kind: "new-files", ...told, files }]);
    expect(await eve.heardNews()).toEqual(files.map((file) => ({ kind: "new-file", ...told, ...file })));
    expect(await bob.heard()).toEqual([]);
  });

  test("what is wrong with one is said of that one, and stops no other", async () => {
    const { world, bob } = await sharedWorld();
    const [good, taken, lie] = [small("good"), small("taken"), small("lie")];
    const shares = [oneOf(world, lie), { ...oneOf(world, taken), name: cut }, oneOf(world, good)];
    const wrong = lie.rows.slice().fill(7);
    const tail = Buffer.concat([wrong, taken.rows, good.rows]);
    const { outcomes } = await bob.call("share_many", { group: lab, shares }, tail);
    expect(outcomes.map(({ failure }) => failure?.code)).toEqual(["corrupt", "name-taken", undefined]);
    expect(await bob.attempt("find_file", { group: lab, name: shares[0]?.name ?? cut })).toBe("unknown-file");
    expect(world.store.hasBlob(lie.summary.digest)).toBe(false);
  });

  test("without lists are of what the tracker has lists of; with others than those of the files, of nothing", async () => {
    const { world, ada, bob } = await sharedWorld();
    const fresh = small("fresh");
    const again = { ...oneOf(world, manifest), name: cut };
    const shares = [oneOf(world, fresh), again];
    const { outcomes } = await bob.call("share_many", { group: lab, shares });
    expect(outcomes).toEqual([
      { failure: expect.objectContaining({ code: "no-piece-list" }) },
      { listingId, name: cut },
    ]);
    expect((await ada.call("list_files", { group: lab })).rows[0]?.sources).toBe(2);
    for (const tail of [fresh.rows, together(fresh, manifest, fresh)])
      expect(await bob.attempt("share_many", { group: lab, shares }, tail)).toBe("invalid-input");
    const outsider = await world.user("outsider");
    expect(await outsider.attempt("share_many", { group: lab, shares }, fresh.rows)).toBe("not-member");
  });
});

test("all that small files take is told at once: lists, and each source once; nobody is told of who asks", async () => {
  const { world, ada, bob, eve, gid } = await sharedWorld();
  const lists = ["a", "b", "c"].map((content) => manifestOf(content, 1_000));
  const [a = manifest, b = manifest, c = manifest] = lists;
  for (const [at, list] of lists.entries()) await ada.share("lab", `${at}.txt`, list);
  await bob.share("lab", "1.txt", b);
  await eve.share("lab", "2.txt", c);
  ada.hangUp();
  await bob.heard();
  const fileIds = [a, manifest, b, c].map(({ summary }) => summary.fileId);
  const { result, tail } = await eve.ask("find_small", { gid, fileIds: [...fileIds, hexId("none", 64)] });
  expect(result.sources.map(({ user, complete }) => ({ user, complete }))).toEqual([
    { user: name("bob"), complete: true },
  ]);
  expect(result.sharedBy).toEqual([[], [], [0], [], []]);
  expect(Buffer.compare(tail ?? Buffer.alloc(1), b.rows)).toBe(0);
  expect(await bob.heard()).toEqual([]);
  const outsider = await world.user("outsider");
  expect(await outsider.attempt("find_small", { gid, fileIds })).not.toBe("done");
});

test("when a file was changed and whether it is a program is told as its first sharer said, after a restart too", async () => {
  const { world, bob, ada } = await sharedWorld();
  const other = manifestOf("other");
  const attributes = { modifiedMs: 1_234_567, executable: true };
  const params = { group: lab, name: "x" as FileName, file: other.summary, counter: 1 };
  await bob.ask("share", { ...params, id: world.id(), attributes }, other.rows);
  const later = { modifiedMs: 9, executable: false };
  await ada.ask("share", { ...params, id: world.id(), counter: 2, attributes: later });
  expect(await ada.call("find_file", { group: lab, name: params.name })).toMatchObject({ attributes });
  world.restart();
  const again = await world.connect("m");
  await again.login("bob");
  const { rows } = await again.call("list_files", { group: lab });
  expect(rows.find(({ name: each }) => each === params.name)).toMatchObject({ attributes });
});

test("a piece list of impossible length or wrong digest is refused", async () => {
  const { bob } = await sharedWorld();
  const part = { group: lab, digest: hexId<typeof digest>("wrong", 64), offset: 0 };
  expect(await bob.attempt("put_blob", { ...part, total: 53 }, new Uint8Array(53))).toBe("invalid-input");
  expect(await bob.attempt("put_blob", { ...part, total: 52 }, new Uint8Array(52))).toBe("corrupt");
  expect(await bob.attempt("put_blob", { ...part, total: 104 }, new Uint8Array(52))).toBe("protocol");
});

test("a large piece list travels in parts, an empty file has an empty one", async () => {
  const { bob } = await sharedWorld();
  const large = manifestOf("large", 11_000 * 512 * 1024);
  await bob.share("lab", "large", large);
  const second = await bob.ask("get_blob", {
    group: lab,
    digest: large.summary.digest,
    offset: 512 * 1024,
  });
  expect(second.tail).toHaveLength(large.rows.length - 512 * 1024);
  const empty = manifestOf("empty", 0);
  await bob.share("lab", "empty", empty);
  expect(
    (await bob.ask("get_blob", { group: lab, digest: empty.summary.digest, offset: 0 })).tail,
  ).toHaveLength(0);
});

test("who follows a file gets its sources, and a notice for each new one", async () => {
  const { world, ada, bob, eve, gid, clear } = await sharedWorld();
  const { sources } = await bob.call("follow", { gid, fileId });
  const address = { host: "192.0.2.1", port: 7000 };
  const whole = {
    user: name("ada"),
    uid: ada.session?.uid,
    fingerprint: ada.fingerprint,
    address,
    complete: true,
  };
  expect(sources).toEqual([whole] as typeof sources);

  await clear(ada, bob, eve);
  const eveSees = await eve.call("follow", { gid, fileId });
  expect(eveSees.sources.map(({ user, complete }) => [user as string, complete])).toEqual([
    ["ada", true],
    ["bob", false],
  ]);
  const heard = () => bob.heard().then((all) => all.map((n) => (n.kind === "source" ? n.source : n)));
  expect(await heard()).toMatchObject([{ user: "eve", complete: false }]);

  await eve.share("lab", cut, manifest);
  expect(await heard()).toMatchObject([{ user: "eve", complete: true }]);
  expect((await eve.heard()).filter(({ kind }) => kind === "source")).toEqual([]);
  const bobSees = await bob.call("follow", { gid, fileId });
  expect(bobSees.sources.map(({ user, complete }) => `${user} ${complete}`).sort()).toEqual([
    "ada true",
    "eve true",
  ]);
  const eveAsksAgain = await eve.call("follow", { gid, fileId });
  expect(eveAsksAgain.sources.map(({ user }) => user as string).sort()).toEqual(["ada", "bob"]);
  await clear(bob);

  ada.hangUp();
  const back = await world.connect("ada's machine");
  await back.login("ada");
  expect(await heard()).toMatchObject([{ user: "ada", complete: true }]);
  expect(await back.heard()).toEqual([]);

  await bob.call("unfollow", { gid, fileId });
  await eve.call("follow", { gid, fileId });
  expect(await heard()).toEqual([]);
});

test("without a source online it is said when one was seen last", async () => {
  const { world, ada, bob, gid } = await sharedWorld();
  world.clock.advance(5_000);
  const goneMs = world.clock.nowMs();
  ada.hangUp();
  world.clock.advance(60_000);
  expect(await bob.call("follow", { gid, fileId })).toMatchObject({ sources: [], lastSeenMs: goneMs });
});

test("after a restart a source was seen last when it shared, as far as is known", async () => {
  const { world, bob, gid } = await sharedWorld();
  const sharedMs = world.clock.nowMs();
  world.clock.advance(60_000);
  world.restart();
  const again = await world.connect("bob's machine");
  await again.resume(bob.token);
  expect(await again.call("follow", { gid, fileId })).toMatchObject({ sources: [], lastSeenMs: sharedMs });
});

test("a group that the client knows by its id is meant, though its name is another's by now", async () => {
  const { world, ada, bob, gid } = await sharedWorld();
  await world.group("other", bob, ada);
  const other = "other" as GroupName;
  const params = { group: other, gid, name: cut, file: manifest.summary, counter: 1 };
  expect(await bob.call("has_blob", { group: other, gid, digest })).toEqual({ has: true });
  expect((await bob.ask("get_blob", { group: other, gid, digest, offset: 0 })).tail).toEqual(manifest.rows);
  expect((await bob.call("find_file", { group: other, gid, name: cut })).gid).toBe(gid);
  expect((await bob.call("share", { ...params, id: world.id() })).gid).toBe(gid);
  await bob.call("stop_share", { id: world.id(), group: other, gid, listingId, counter: 2 });
  expect((await bob.call("list_files", { group: other })).rows).toEqual([]);
  expect((await bob.call("list_files", { group: lab })).rows.map(({ sources }) => sources)).toEqual([1]);
  expect(await bob.call("follow", { gid, fileId })).toMatchObject({ group: lab, name: cut });
});

describe("whoever means a group by its id and is no member", () => {
  const byId = async (client: TestClient, gid: Gid, world: ServiceWorld) => [
    await client.attempt("has_blob", { group: lab, gid, digest }),
    await client.attempt("share", {
      id: world.id(),
      group: lab,
      gid,
      name: cut,
      file: manifest.summary,
      counter: 9,
    }),
    await client.attempt("follow", { gid, fileId }),
    await client.attempt("grant", { gid }),
  ];

  test("learns nothing: the tracker may only not have heard of the group or the membership yet", async () => {
    const { world, gid } = await sharedWorld();
    const zoe = await world.user("zoe");
    const later = Array.from({ length: 4 }, () => "try-later");
    expect(await byId(zoe, gid, world)).toEqual(later);
    expect(await byId(zoe, hexId<Gid>("of another tracker"), world)).toEqual(later);
    await zoe.call("join_group", { id: world.id(), group: lab });
    expect(await byId(zoe, gid, world)).toEqual(later);
  });

  test("is told so after having left or been removed, and when the group was deleted", async () => {
    const { world, ada, bob, eve, gid } = await sharedWorld();
    await bob.call("leave_group", { id: world.id(), group: lab });
    await ada.call("remove_member", { id: world.id(), group: lab, user: name("eve") });
    const refused = Array.from({ length: 4 }, () => "not-member");
    expect(await byId(bob, gid, world)).toEqual(refused);
    expect(await byId(eve, gid, world)).toEqual(refused);
    await ada.call("delete_group", { id: world.id(), group: lab });
    expect(await byId(ada, gid, world)).toEqual([
      "unknown-group",
      "unknown-group",
      "not-member",
      "not-member",
    ]);
  });
});

test("more sources than can be told become a random choice, never the asking machine", async () => {
  const { world, bob, gid } = await sharedWorld();
  const machines = SOURCES_MAX + 20;
  for (let machine = 0; machine < machines; machine++) {
    const client = await world.connect(`machine ${machine}`);
    await client.login("ada");
    await client.call("share", {
      id: world.id(),
      group: lab,
      name: cut,
      file: manifest.summary,
      counter: 1,
    });
  }
  const first = await bob.call("follow", { gid, fileId });
  const second = await bob.call("follow", { gid, fileId });
  expect(first.sources).toHaveLength(SOURCES_MAX);
  expect(second.sources).not.toEqual(first.sources);
  const all = [...first.sources, ...second.sources];
  expect(all.some((source) => source.fingerprint === bob.fingerprint)).toBe(false);
  expect(new Set(all.map((source) => source.fingerprint)).size).toBeGreaterThan(SOURCES_MAX);
});

test("those who download are told of beside those who have it all, also where these alone are more than can be told", async () => {
  const { world, bob, eve, gid } = await sharedWorld();
  for (let machine = 0; machine < SOURCES_MAX; machine++) {
    const client = await world.connect(`machine ${machine}`);
    await client.login("ada");
    const share = { id: world.id(), group: lab, name: cut, file: manifest.summary, counter: 1 };
    await client.call("share", share);
  }
  await eve.call("follow", { gid, fileId });
  const { sources } = await bob.call("follow", { gid, fileId });
  expect(sources).toHaveLength(SOURCES_MAX);
  expect(sources.filter(({ complete }) => !complete).map(({ fingerprint }) => fingerprint)).toEqual([
    eve.fingerprint,
  ]);
});

test("following needs membership and a file that is known", async () => {
  const { world, bob, gid } = await sharedWorld();
  const outsider = await world.user("outsider");
  expect(await outsider.attempt("follow", { gid, fileId })).toBe("try-later");
  expect(await bob.attempt("follow", { gid, fileId: hexId("none", 64) })).toBe("unknown-file");
});

test("a grant names group, user and the key of this connection, and ends after its time", async () => {
  const { world, bob, gid } = await sharedWorld();
  const { grant, expiresMs } = await bob.call("grant", { gid });
  expect(expiresMs).toBe(world.clock.nowMs() + GRANT_LIFETIME_MS);
  const keys = [testSigning.publicKey];
  const expected = { gid, fingerprint: bob.fingerprint, nowMs: expiresMs - 1 };
  expect(checkGrant(grant, keys, expected)).toMatchObject({ uid: bob.session?.uid, user: "bob" });
  expect(checkGrant(grant, keys, { ...expected, nowMs: expiresMs })).toBe("expired");
  expect(checkGrant(grant, keys, { ...expected, fingerprint: deviceOf("thief") })).toBe("otherKey");
});

test("own shares come back after a restart, stopped ones too, for this machine alone", async () => {
  const { world, ada, bob } = await sharedWorld();
  await ada.share("lab", "other", manifestOf("other"));
  const stop = { id: world.id(), group: lab, listingId, counter: 2 };
  await ada.call("stop_share", stop);
  expect(await ada.attempt("stop_share", { ...stop, id: world.id(), counter: 3 })).toBe("not-shared");
  world.restart();
  const again = await world.connect("ada's machine");
  await again.resume(ada.token);
  const { rows } = await again.call("own_shares", {});
  expect(rows.map((row) => [row.name as string, row.shared, row.counter]).sort()).toEqual([
    ["cut.mov", false, 2],
    ["other", true, 1],
  ]);
  const elsewhere = await world.connect("another machine");
  await elsewhere.login("ada");
  expect((await elsewhere.call("own_shares", {})).rows).toEqual([]);
  await bob.attempt("ping", {});
});

test("another content under a taken name is refused with a hint", async () => {
  const { bob } = await sharedWorld();
  const refused = await failureOf(bob.share("lab", cut, manifestOf("different")));
  expect(refused.code).toBe("name-taken");
  expect(refused.message).toContain("other name");
});

test("an unfinished piece list is forgotten with its connection", async () => {
  const { bob } = await sharedWorld();
  const large = manifestOf("large", 11_000 * 512 * 1024);
  const params = { group: lab, digest: large.summary.digest, total: large.rows.length };
  await bob.call("put_blob", { ...params, offset: 0 }, large.rows.subarray(0, 512 * 1024));
  bob.hangUp();
  bob.isOpen = true;
  await bob.login("bob");
  const rest = large.rows.subarray(512 * 1024);
  expect(await bob.attempt("put_blob", { ...params, offset: 512 * 1024 }, rest)).toBe("protocol");
});

test("who shares a content under whatever name is a source of it, and each name has its own count", async () => {
  const { world, gid, bob, eve } = await sharedWorld();
  const other = "other.mov" as FileName;
  const params = { id: world.id(), group: lab, name: other, file: manifest.summary, counter: 1 };
  const shared = await bob.call("share", params);
  expect(shared).toEqual({ gid, name: other, listingId: listingIdOf(fileId, other) });
  const { sources } = await eve.call("follow", { gid, fileId, listingId: shared.listingId });
  expect(sources.map(({ user }) => user as string).toSorted()).toEqual(["ada", "bob"]);
  const rows = async () =>
    (await eve.call("list_files", { group: lab })).rows.map(({ name, sources }) => [name as string, sources]);
  expect(await rows()).toEqual([
    [cut, 1],
    [other, 1],
  ]);
  const stop = { id: world.id(), group: lab, listingId: shared.listingId, counter: 2 };
  await bob.call("stop_share", stop);
  expect(await rows()).toEqual([[cut, 1]]);
});
