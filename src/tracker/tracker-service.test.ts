import { expect, test } from "bun:test";
import type { FileName, GroupName, UserName } from "../base/ids.ts";
import { failureOf } from "../testing/failure-of.ts";
import { settle } from "../testing/manual-clock.ts";
import { manifestOf, ServiceWorld, type TestClient } from "../testing/service-clients.ts";

const lab = "lab" as GroupName;
const cut = "cut.mov" as FileName;
const name = (text: string) => text as UserName;

test("commands of one turn share one transaction, and each sees those before it", async () => {
  const world = new ServiceWorld();
  const ada = await world.user("ada");
  world.store.batches.length = 0;
  const outcomes = await Promise.all(
    ["a", "b", "a", "c"].map((group) =>
      ada.attempt("create_group", { id: world.id(), group: group as GroupName }),
    ),
  );
  expect(outcomes).toEqual(["done", "done", "name-taken", "done"]);
  expect(world.store.batches).toEqual([9]);
});

test("a command is not answered before it is durable", async () => {
  const world = new ServiceWorld();
  const ada = await world.user("ada");
  let answered = false;
  const done = ada.call("create_group", { id: world.id(), group: lab }).then(() => {
    answered = true;
  });
  await Promise.resolve();
  expect(answered).toBe(false);
  expect((await ada.call("list_groups", {})).rows).toEqual([]);
  await done;
  expect((await ada.call("list_groups", {})).rows).toHaveLength(1);
});

test("a failed append is answered with another tracker, told once, and ends all service", async () => {
  const world = new ServiceWorld();
  const [ada, bob] = [await world.user("ada"), await world.user("bob")];
  world.store.broken = true;
  const outcomes = await Promise.all([
    failureOf(ada.call("create_group", { id: world.id(), group: lab })),
    failureOf(bob.call("create_group", { id: world.id(), group: "other" as GroupName })),
  ]);
  for (const refused of outcomes) expect(refused.message).toContain("try another tracker");
  expect(world.failures).toHaveLength(1);
  expect(world.failures[0]?.message).toContain("no space left on device");
  world.store.broken = false;
  expect((await failureOf(ada.call("list_groups", {}))).message).toContain("try another tracker");
  expect(await bob.attempt("create_group", { id: world.id(), group: lab })).toBe("try-another");
  world.restart();
  const again = await world.connect("m");
  await again.login("ada");
  expect((await again.call("list_groups", {})).rows).toEqual([]);
});

test("a disk that fails under a login ends all service too", async () => {
  const world = new ServiceWorld();
  const [ada, bob] = [await world.user("ada"), await world.user("bob")];
  await world.group("lab", ada);
  ada.hangUp();
  await bob.call("join_group", { id: world.id(), group: lab });
  world.store.broken = true;
  const again = await world.connect("m");
  expect((await failureOf(again.login("ada"))).code).toBe("disk-error");
  expect(world.failures).toHaveLength(1);
  await settle();
});

test("a restart brings back users, groups, members, requests and files", async () => {
  const world = new ServiceWorld();
  const [ada, bob, eve] = [await world.user("ada"), await world.user("bob"), await world.user("eve")];
  await world.group("lab", ada, bob);
  await ada.share("lab", cut, manifestOf("cut"));
  await eve.call("join_group", { id: world.id(), group: lab });
  const look = async (client: TestClient) => ({
    groups: await client.call("list_groups", {}),
    members: (await client.call("list_members", { group: lab })).rows.map(({ name }) => name),
    requests: await client.call("list_requests", { group: lab }),
    files: (await client.call("list_files", { group: lab })).rows.map(({ sha1 }) => sha1),
  });
  const before = await look(ada);
  world.restart();
  const again = await world.connect("m");
  await again.login("ada");
  expect(await look(again)).toEqual(before);
  expect(before.files).toHaveLength(1);
  expect(before.requests.rows).toEqual([name("eve")]);
});
