import { expect, test } from "bun:test";
import type { FileName, GroupName, Uid, UserName } from "../base/ids.ts";
import { CLOCK_APART_WARN_MS, GRANT_LIFETIME_MS } from "../base/limits.ts";
import { manifestOf, ServiceWorld } from "../testing/service-clients.ts";

const lab = "lab" as GroupName;
const cut = "cut.mov" as FileName;
const name = (text: string) => text as UserName;

test("a request is told to its owner, the answer to the user, and lists follow", async () => {
  const world = new ServiceWorld();
  const [ada, bob] = [await world.user("ada"), await world.user("bob")];
  await world.group("lab", ada);
  await bob.call("join_group", { id: world.id(), group: lab });
  expect(await ada.heardNews()).toEqual([{ kind: "join-request", group: lab, user: name("bob") }]);
  expect((await ada.call("list_requests", { group: lab })).rows).toEqual([name("bob")]);

  await ada.call("reject_request", { id: world.id(), group: lab, user: name("bob") });
  expect(await bob.heardNews()).toEqual([{ kind: "rejected", group: lab }]);
  await bob.call("join_group", { id: world.id(), group: lab });
  await ada.call("accept_request", { id: world.id(), group: lab, user: name("bob") });
  expect(await bob.heardNews()).toEqual([{ kind: "accepted", group: lab }]);

  expect((await bob.call("list_groups", {})).rows).toEqual([
    { name: lab, owner: name("ada"), members: 2, standing: "member" },
  ]);
  ada.hangUp();
  expect((await bob.call("list_members", { group: lab })).rows).toEqual([
    { name: name("ada"), owner: true, online: false },
    { name: name("bob"), owner: false, online: true },
  ]);
  expect(await bob.attempt("list_requests", { group: lab })).toBe("not-owner");
});

test("what happened while somebody was offline is told at the next login, once, also after a restart", async () => {
  const world = new ServiceWorld();
  const [ada, bob] = [await world.user("ada"), await world.user("bob")];
  await world.group("lab", ada);
  ada.hangUp();
  await bob.call("join_group", { id: world.id(), group: lab });
  world.restart();
  const again = await world.connect("m");
  expect((await again.login("ada")).news).toEqual([{ kind: "join-request", group: lab, user: name("bob") }]);
  await again.call("logout", {});
  expect((await again.login("ada")).news).toEqual([]);
});

test("a removal is told to the user and cuts it off everywhere in the group", async () => {
  const world = new ServiceWorld();
  const [ada, bob, eve] = [await world.user("ada"), await world.user("bob"), await world.user("eve")];
  const outsider = await world.user("outsider");
  await world.group("lab", ada, bob, eve);
  const gid = await ada.share("lab", cut, manifestOf("cut"));
  await bob.call("follow", { gid, fileId: manifestOf("cut").summary.fileId });
  for (const client of [ada, bob, eve, outsider]) await client.heard();

  await ada.call("remove_member", { id: world.id(), group: lab, user: name("bob") });
  const revoked = {
    kind: "revoked" as const,
    gid,
    uid: bob.session?.uid as NonNullable<typeof bob.session>["uid"],
  };
  expect(await bob.heard()).toEqual([revoked, { kind: "news", news: { kind: "removed", group: lab, gid } }]);
  expect(await ada.heard()).toEqual([revoked]);
  expect(await eve.heard()).toEqual([revoked]);
  expect(await outsider.heard()).toEqual([]);
  expect(await bob.attempt("grant", { gid })).toBe("not-member");
  expect(await bob.attempt("list_files", { group: lab })).toBe("not-member");
  const { sources } = await eve.call("follow", { gid, fileId: manifestOf("cut").summary.fileId });
  expect(sources.map(({ user }) => user)).toEqual([name("ada")]);
  expect(await bob.heard()).toEqual([]);
});

test("a seeder that was not connected hears at its login who was removed meanwhile, as long as a grant may run", async () => {
  const world = new ServiceWorld();
  const [ada, bob, eve] = [await world.user("ada"), await world.user("bob"), await world.user("eve")];
  const outsider = await world.user("outsider");
  await world.group("lab", ada, bob, eve);
  await world.group("other", ada, eve);
  const gid = await ada.share("lab", cut, manifestOf("cut"));
  const uid = bob.session?.uid as Uid;
  eve.hangUp();
  await ada.call("remove_member", { id: world.id(), group: lab, user: name("bob") });
  await ada.call("remove_member", { id: world.id(), group: "other" as GroupName, user: name("eve") });

  const back = await world.connect("eve's machine");
  await back.login("eve");
  expect(await back.heard()).toEqual([{ kind: "revoked", gid, uid }]);
  outsider.hangUp();
  const stranger = await world.connect("stranger's machine");
  await stranger.login("outsider");
  expect(await stranger.heard()).toEqual([]);

  back.hangUp();
  world.clock.advance(GRANT_LIFETIME_MS + CLOCK_APART_WARN_MS);
  const later = await world.connect("eve's machine");
  await later.login("eve");
  expect(await later.heard()).toEqual([]);
});

test("a removed member who is accepted again is told of as such, and not as removed", async () => {
  const world = new ServiceWorld();
  const [ada, bob, eve] = [await world.user("ada"), await world.user("bob"), await world.user("eve")];
  await world.group("lab", ada, bob, eve);
  const gid = await ada.share("lab", cut, manifestOf("cut"));
  const uid = bob.session?.uid as Uid;
  await ada.call("remove_member", { id: world.id(), group: lab, user: name("bob") });
  await bob.call("join_group", { id: world.id(), group: lab });
  await eve.heard();
  await ada.call("accept_request", { id: world.id(), group: lab, user: name("bob") });
  expect(await eve.heard()).toEqual([{ kind: "readmitted", gid, uid }]);
  eve.hangUp();
  const back = await world.connect("eve's machine");
  await back.login("eve");
  expect(await back.heard()).toEqual([]);
});

test("leaving revokes too, without news to the one who left", async () => {
  const world = new ServiceWorld();
  const [ada, bob] = [await world.user("ada"), await world.user("bob")];
  await world.group("lab", ada, bob);
  await ada.heard();
  await bob.heard();
  await bob.call("leave_group", { id: world.id(), group: lab });
  expect((await ada.heard()).map(({ kind }) => kind)).toEqual(["revoked"]);
  expect((await bob.heard()).map(({ kind }) => kind)).toEqual(["revoked"]);
  expect(await ada.attempt("leave_group", { id: world.id(), group: lab })).toBe("owner-cannot-leave");
});

test("deleting a group cuts every member off, and tells all but the owner", async () => {
  const world = new ServiceWorld();
  const [ada, bob, eve] = [await world.user("ada"), await world.user("bob"), await world.user("eve")];
  const asking = await world.user("asking");
  await world.group("lab", ada, bob, eve);
  await asking.call("join_group", { id: world.id(), group: lab });
  for (const client of [ada, bob, eve, asking]) await client.heard();
  await ada.call("delete_group", { id: world.id(), group: lab });
  const heard = await Promise.all([ada, bob, eve, asking].map((client) => client.heard()));
  const kinds = heard.map((notices) =>
    notices.map((notice) => (notice.kind === "news" ? notice.news.kind : notice.kind)).sort(),
  );
  expect(kinds).toEqual([
    ["revoked"],
    ["group-deleted", "revoked"],
    ["group-deleted", "revoked"],
    ["group-deleted"],
  ]);
});

test("a new owner is told and can do what owners do", async () => {
  const world = new ServiceWorld();
  const [ada, bob] = [await world.user("ada"), await world.user("bob")];
  await world.group("lab", ada, bob);
  await bob.heard();
  await ada.call("transfer_owner", { id: world.id(), group: lab, user: name("bob") });
  expect(await bob.heardNews()).toEqual([{ kind: "ownership", group: lab, from: name("ada") }]);
  await ada.call("leave_group", { id: world.id(), group: lab });
  expect((await bob.call("list_members", { group: lab })).rows).toHaveLength(1);
});

test("a repeated command is answered, not redone", async () => {
  const world = new ServiceWorld();
  const ada = await world.user("ada");
  const params = { id: world.id(), group: lab };
  await ada.call("create_group", params);
  const written = world.store.batches.length;
  expect(await ada.attempt("create_group", params)).toBe("done");
  expect(world.store.batches).toHaveLength(written);
  expect(await ada.attempt("create_group", { ...params, id: world.id() })).toBe("name-taken");
});
