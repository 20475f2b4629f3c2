import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Address } from "../base/address.ts";
import type { FileId, Fingerprint, Gid, Uid } from "../base/ids.ts";
import { FOLLOWS_PER_DEVICE_MAX } from "../base/limits.ts";
import { type Device, type FileRef, Presence, reachableAddress } from "./presence.ts";

const AT: Address = { host: "192.0.2.1", port: 7000 };
const device = (user: number, machine = 0): Device => ({
  uid: `u${user}` as Uid,
  fingerprint: `m${machine}` as Fingerprint,
});
const file = (number: number, group = 0): FileRef => ({
  gid: `g${group}` as Gid,
  fileId: `f${number}` as FileId,
});
const link = (name: string) => ({ name });
type Link = ReturnType<typeof link>;
const TELLER = "t2" as Fingerprint;
const leased = (user: number, ...follows: FileRef[]) => ({ ...device(user), address: AT, follows });

const following = (presence: Presence<Link>, of: FileRef) =>
  [...presence.followersOf(of)].map(({ uid, fingerprint }) => `${uid}/${fingerprint}`).sort();

test("a device is online as long as the connection that holds it", () => {
  const presence = new Presence<Link>();
  const connection = link("a");
  presence.arrive(device(1), AT, connection);
  expect(presence.isOnline(device(1).uid)).toBe(true);
  expect(presence.find(device(1))).toMatchObject({ address: AT, link: connection });
  presence.leave(device(1), connection, 1_000);
  expect(presence.isOnline(device(1).uid)).toBe(false);
  expect(presence.devices).toBe(0);
});

test("when a device that is gone was seen last is remembered", () => {
  const presence = new Presence<Link>();
  const connection = link("a");
  presence.arrive(device(1), AT, connection);
  expect(presence.lastSeenMs(device(1))).toBe(0);
  presence.leave(device(1), connection, 77);
  expect(presence.lastSeenMs(device(1))).toBe(77);
  expect(presence.lastSeenMs(device(2))).toBe(0);
  presence.seen(device(2), 50);
  presence.seen(device(2), 40);
  expect(presence.lastSeenMs(device(2))).toBe(50);
});

test("a user on two machines is online until both have gone", () => {
  const presence = new Presence<Link>();
  const [first, second] = [link("a"), link("b")];
  presence.arrive(device(1, 1), AT, first);
  presence.arrive(device(1, 2), AT, second);
  expect([...presence.devicesOf(device(1).uid)]).toHaveLength(2);
  presence.leave(device(1, 1), first, 1_000);
  expect(presence.isOnline(device(1).uid)).toBe(true);
  presence.leave(device(1, 2), second, 1_000);
  expect(presence.isOnline(device(1).uid)).toBe(false);
});

test("a client that comes back holds its device; the end of its old connection changes nothing", () => {
  const presence = new Presence<Link>();
  const [before, after] = [link("before"), link("after")];
  presence.arrive(device(1), AT, before);
  presence.follow(device(1), file(1));
  expect(presence.arrive(device(1), { ...AT, port: 7001 }, after)).toBe(before);
  expect(following(presence, file(1))).toEqual([]);
  presence.leave(device(1), before, 1_000);
  expect(presence.find(device(1))).toMatchObject({ address: { port: 7001 }, link: after });
});

test("who follows a file is known until it unfollows, loses the group, or goes", () => {
  const presence = new Presence<Link>();
  const links = [1, 2, 3].map((user) => {
    const connection = link(`${user}`);
    presence.arrive(device(user), AT, connection);
    presence.follow(device(user), file(1));
    presence.follow(device(user), file(2, 1));
    return connection;
  });
  expect(following(presence, file(1))).toEqual(["u1/m0", "u2/m0", "u3/m0"]);
  presence.unfollow(device(1), file(1));
  presence.unfollowGroup(device(2).uid, file(1).gid);
  presence.leave(device(3), links[2] ?? link("missing"), 1_000);
  expect(following(presence, file(1))).toEqual([]);
  expect(following(presence, file(2, 1))).toEqual(["u1/m0", "u2/m0"]);
});

test("only an online device follows, and only so many files", () => {
  const presence = new Presence<Link>();
  expect(presence.follow(device(1), file(0))).toMatchObject({ code: "not-logged-in" });
  presence.arrive(device(1), AT, link("a"));
  for (let number = 0; number < FOLLOWS_PER_DEVICE_MAX; number++)
    expect(presence.follow(device(1), file(number))).toBeUndefined();
  expect(presence.follow(device(1), file(-1))).toMatchObject({ code: "too-many" });
  expect(presence.follow(device(1), file(5))).toBeUndefined();
});

test("a lease from another tracker ends by itself, is renewed, and never displaces a connection", () => {
  const presence = new Presence<Link>();
  presence.lease(TELLER, leased(1, file(1)), 30);
  presence.expire(29);
  expect(following(presence, file(1))).toEqual(["u1/m0"]);
  presence.lease(TELLER, leased(1, file(2)), 60);
  presence.expire(30);
  expect(following(presence, file(1))).toEqual([]);
  expect(following(presence, file(2))).toEqual(["u1/m0"]);
  presence.expire(60);
  expect(presence.isOnline(device(1).uid)).toBe(false);

  const connection = link("a");
  presence.arrive(device(1), AT, connection);
  expect(presence.lease(TELLER, { ...leased(1), address: { ...AT, port: 9 } }, 90)).toBeUndefined();
  presence.expire(Number.MAX_VALUE);
  expect(presence.find(device(1))).toMatchObject({ address: AT, link: connection });
});

test("what is new about a lease is told, so that those who wait for it hear of it once", () => {
  const presence = new Presence<Link>();
  expect(presence.lease(TELLER, leased(1, file(1)), 30)).toEqual({ isNew: true, follows: [file(1)] });
  expect(presence.lease(TELLER, leased(1, file(1), file(2)), 60)).toEqual({
    isNew: false,
    follows: [file(2)],
  });
  const moved = { ...leased(1, file(1)), address: { ...AT, port: 9 } };
  expect(presence.lease(TELLER, moved, 90)).toEqual({ isNew: true, follows: [file(1)] });
});

test("only who told of a device last can say that it is gone, and it is known when", () => {
  const presence = new Presence<Link>();
  presence.lease(TELLER, leased(1), 30);
  presence.unlease("t3" as Fingerprint, device(1), 500);
  expect(presence.isOnline(device(1).uid)).toBe(true);
  presence.unlease(TELLER, device(1), 600);
  expect(presence.isOnline(device(1).uid)).toBe(false);
  expect(presence.lastSeenMs(device(1))).toBe(600);
});

test("other trackers are told of each change of a device here, and of none elsewhere", () => {
  const told: string[] = [];
  const presence = new Presence<Link>(({ uid }) => told.push(uid));
  const connection = link("a");
  presence.arrive(device(1), AT, connection);
  presence.follow(device(1), file(1));
  expect(presence.here(device(1))).toEqual(leased(1, file(1)));
  presence.unfollow(device(1), file(1));
  presence.lease(TELLER, leased(2, file(2)), 30);
  expect(presence.here(device(2))).toBeUndefined();
  expect([...presence.allHere()]).toEqual([device(1)]);
  presence.leave(device(1), connection, 1);
  expect(presence.here(device(1))).toBeUndefined();
  expect(told).toEqual(["u1", "u1", "u1", "u1"]);
});

test("the index by file is what the devices follow, whatever happens", () => {
  const small = fc.integer({ min: 0, max: 2 });
  const step = fc.tuple(
    fc.constantFrom("arrive", "leave", "follow", "unfollow", "group"),
    small,
    small,
    small,
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const presence = new Presence<Link>();
      const model = new Map<string, { link: Link; follows: Set<string> }>();
      for (const [kind, user, number, group] of steps) {
        const one = device(user);
        const held = model.get(one.uid);
        const ref = file(number, group);
        if (kind === "arrive") {
          const connection = link("x");
          presence.arrive(one, AT, connection);
          model.set(one.uid, { link: connection, follows: new Set() });
        } else if (kind === "leave" && held !== undefined) {
          presence.leave(one, held.link, 1_000);
          model.delete(one.uid);
        } else if (kind === "follow") {
          presence.follow(one, ref);
          held?.follows.add(`${ref.gid} ${ref.fileId}`);
        } else if (kind === "unfollow") {
          presence.unfollow(one, ref);
          held?.follows.delete(`${ref.gid} ${ref.fileId}`);
        } else if (kind === "group") {
          presence.unfollowGroup(one.uid, ref.gid);
          for (const key of [...(held?.follows ?? [])])
            if (key.startsWith(`${ref.gid} `)) held?.follows.delete(key);
        }
      }
      for (let number = 0; number < 3; number++)
        for (let group = 0; group < 3; group++) {
          const ref = file(number, group);
          const expected = [...model].filter(([, row]) => row.follows.has(`${ref.gid} ${ref.fileId}`));
          expect(following(presence, ref)).toEqual(expected.map(([uid]) => `${uid}/m0`).sort());
        }
    }),
  );
});

test.each([
  [{ host: "0.0.0.0", port: 7000 }, "192.0.2.9", "192.0.2.9"],
  [{ host: "::", port: 7000 }, "2001:db8::1", "2001:db8::1"],
  [{ host: "0:0:0:0:0:0:0:0", port: 7000 }, "192.0.2.9", "192.0.2.9"],
  [{ host: "::", port: 7000 }, "::ffff:192.0.2.9", "192.0.2.9"],
  [{ host: "10.0.0.5", port: 7000 }, "192.0.2.9", "10.0.0.5"],
  [{ host: "::1", port: 7000 }, "192.0.2.9", "::1"],
  [{ host: "lab-7.example", port: 7000 }, "192.0.2.9", "lab-7.example"],
])("a client that listens at %o and is seen at %s is reached at %s", (listening, seen, reached) => {
  expect(reachableAddress(listening, { host: seen, port: 50_000 })).toEqual({ host: reached, port: 7000 });
});
