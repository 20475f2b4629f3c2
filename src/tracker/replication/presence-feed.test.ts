import { beforeEach, expect, test } from "bun:test";
import type { Address } from "../../base/address.ts";
import { Failure } from "../../base/failure.ts";
import type { FileId, Fingerprint, Gid, Uid } from "../../base/ids.ts";
import { FOLLOWS_PER_DEVICE_MAX, PRESENCE_DEVICES_MAX } from "../../base/limits.ts";
import { settle } from "../../testing/manual-clock.ts";
import { Presence } from "../presence.ts";
import { PresenceFeed, type PresenceMessage } from "./presence-feed.ts";

const AT: Address = { host: "192.0.2.1", port: 7000 };
const device = (user: number) => ({ uid: `u${user}` as Uid, fingerprint: "m" as Fingerprint });
const file = (number: number) => ({ gid: "g" as Gid, fileId: `f${number}` as FileId });

let presence: Presence<object>;
let feed: PresenceFeed;
let sent: PresenceMessage[];
let answers: PromiseWithResolvers<void>[];
let failures: Failure[];

beforeEach(() => {
  presence = new Presence();
  [sent, answers, failures] = [[], [], []];
  feed = new PresenceFeed({
    here: (each) => presence.here(each),
    allHere: () => presence.allHere(),
    send: (message) => {
      sent.push(message);
      const answer = Promise.withResolvers<void>();
      answers.push(answer);
      return answer.promise;
    },
    failed: (failure) => failures.push(failure),
  });
});

async function answer(): Promise<void> {
  answers.shift()?.resolve();
  await settle();
}

test("each change goes at once; what changes meanwhile goes together, as it is by then", async () => {
  const link = {};
  presence.arrive(device(1), AT, link);
  feed.changed(device(1));
  expect(sent).toEqual([{ here: [{ ...device(1), address: AT, follows: [] }], gone: [] }]);

  presence.follow(device(1), file(1));
  feed.changed(device(1));
  presence.arrive(device(2), AT, link);
  feed.changed(device(2));
  presence.leave(device(2), link, 0);
  feed.changed(device(2));
  expect(sent).toHaveLength(1);
  await answer();
  expect(sent[1]).toEqual({
    here: [{ ...device(1), address: AT, follows: [file(1)] }],
    gone: [device(2)],
  });
});

test("a renewal tells of all, in messages that stay within their bounds", async () => {
  for (let user = 0; user < PRESENCE_DEVICES_MAX + 1; user++) presence.arrive(device(user), AT, {});
  for (let number = 0; number < FOLLOWS_PER_DEVICE_MAX; number++)
    for (const user of [0, 1, 2]) presence.follow(device(user), file(number));
  feed.renew();
  while (answers.length > 0) await answer();
  expect(sent.flatMap(({ here }) => here.map(({ uid }) => uid))).toHaveLength(PRESENCE_DEVICES_MAX + 1);
  for (const { here } of sent) {
    expect(here.length).toBeLessThanOrEqual(PRESENCE_DEVICES_MAX);
    expect(here.filter(({ follows }) => follows.length > 0).length).toBeLessThan(3);
  }
});

test("a message that fails ends it, told once", async () => {
  presence.arrive(device(1), AT, {});
  feed.renew();
  answers[0]?.reject(new Failure("timeout", "gone"));
  await settle();
  feed.renew();
  await settle();
  expect(failures.map(({ message }) => message)).toEqual(["gone"]);
  expect(sent).toHaveLength(1);
});
