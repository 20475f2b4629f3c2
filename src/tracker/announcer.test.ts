/** What the methods' tests do not show: changes that no client of this tracker has made. */
import { beforeEach, expect, test } from "bun:test";
import type { GroupName, Uid } from "../base/ids.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { deviceOf, requestId, TestTracker } from "../testing/test-tracker.ts";
import type { News, Notice } from "../wire/client-tracker.ts";
import { Announcer } from "./announcer.ts";
import type { ClientLink } from "./client-link.ts";
import { NewsBook } from "./news.ts";
import { Presence } from "./presence.ts";
import { RecentRemovals } from "./recent-removals.ts";

const ADDRESS = { host: "192.0.2.1", port: 7000 };
const LOST: News = { kind: "password-lost" };

let tracker: TestTracker;
let presence: Presence<ClientLink>;
let book: NewsBook;
let announcer: Announcer;
let ann: Uid;
let heard: Notice[];

/** Ann is logged in here, on one machine. */
beforeEach(() => {
  tracker = new TestTracker();
  presence = new Presence();
  const values = new Map<string, string>();
  book = new NewsBook({
    getMeta: (key) => values.get(key),
    setMeta: (key, value) => void values.set(key, value),
    setMetas: (given) => {
      for (const [key, value] of given) values.set(key, value);
    },
  });
  ann = tracker.createUser("ann");
  heard = [];
  const passwordStamp = tracker.state.users.passwordStamp(ann);
  if (passwordStamp === undefined) throw new Error("no account");
  const device = { uid: ann, fingerprint: deviceOf("ann") };
  const link: ClientLink = {
    fingerprint: device.fingerprint,
    remote: ADDRESS,
    isOpen: true,
    greeted: true,
    takesNewFiles: false,
    session: { uid: ann, passwordStamp, changing: undefined },
    notify: (notice) => void heard.push(notice),
    close: () => {},
  };
  const endSession = (ended: ClientLink) => {
    ended.session = undefined;
    presence.leave(device, ended, 0);
  };
  announcer = new Announcer({
    state: tracker.state,
    presence,
    news: book,
    removals: new RecentRemovals(new ManualClock()),
    endSession,
  });
  presence.arrive(device, ADDRESS, link);
});

test.each([requestId("elsewhere"), undefined])(
  "a password changed elsewhere (by %p) ends the sessions under the older one, whose user is told at the next login",
  (request) => {
    tracker.must({ kind: "change-password", by: ann, passwordHash: "new" });
    announcer.announce([
      { kind: "password-changed", uid: ann, request },
      { kind: "news", to: ann, news: LOST },
    ]);
    expect(heard.map(({ kind }) => kind)).toEqual(["session-ended"]);
    expect(book.take(ann)).toEqual([LOST]);
  },
);

test("news is told once: to who is online here or at another tracker it is not kept", () => {
  const ben = tracker.createUser("ben");
  const news: News = { kind: "accepted", group: "lab" as GroupName };
  const lease = { uid: ben, fingerprint: deviceOf("ben"), address: ADDRESS, follows: [] };
  presence.lease(deviceOf("tracker 2"), lease, 1_000);
  announcer.announce([ann, ben].map((to) => ({ kind: "news", to, news })));
  expect(heard).toEqual([{ kind: "news", news }]);
  expect([book.take(ann), book.take(ben)]).toEqual([[], []]);
});
