import { expect, test } from "bun:test";
import type { FileName, Gid, GroupName } from "../base/ids.ts";
import { listingIdOf, listingOf } from "../base/listing-id.ts";
import { manifestOf } from "../testing/service-clients.ts";
import { hexId } from "../testing/test-tracker.ts";
import type { OwnShare } from "../wire/client-tracker.ts";
import type { ShareRecord } from "./library-rows.ts";
import { planShares } from "./share-plan.ts";

const gid = hexId<Gid>("lab");
const group = "lab" as GroupName;
const identity = { device: "1", inode: "2", size: 1_000_000, modifiedNs: "3" };

function remembered(name: string, counter: number, state: ShareRecord["state"] = "shared"): ShareRecord {
  const file = manifestOf(name).summary;
  const listingId = listingOf(file);
  return {
    gid,
    listingId,
    group,
    name: name as FileName,
    path: `/data/${name}`,
    file,
    identity,
    counter,
    state,
  };
}

function known(name: string, counter: number, shared: boolean): OwnShare {
  const file = manifestOf(name).summary;
  return { group, gid, name: name as FileName, listingId: listingOf(file), ...file, shared, counter };
}

const NOTHING = { offer: [], share: [], stop: [], forget: [], counter: 0 };

test("what both sides know as shared is offered", () => {
  const share = remembered("a", 3);
  expect(planShares([share], [known("a", 3, true)])).toEqual({ ...NOTHING, offer: [share], counter: 3 });
});

test("what the tracker has not heard of is shared again", () => {
  const fresh = remembered("a", 3);
  const again = remembered("b", 9);
  expect(planShares([fresh, again], [known("b", 8, false)])).toEqual({
    ...NOTHING,
    share: [fresh, again],
    counter: 8,
  });
});

test("what ended elsewhere by a later change ends here", () => {
  const share = remembered("a", 3);
  expect(planShares([share], [known("a", 4, false)])).toEqual({ ...NOTHING, forget: [share], counter: 4 });
});

test("what only the tracker takes for shared is stopped", () => {
  const rows = [known("a", 4, true), known("b", 5, true), known("c", 6, false)];
  expect(planShares([remembered("a", 7, "stopped")], rows)).toEqual({
    ...NOTHING,
    stop: rows.slice(0, 2),
    counter: 6,
  });
});

test("the same content in two groups is two shares", () => {
  const share = remembered("a", 3);
  const elsewhere = { ...known("a", 5, false), gid: hexId<Gid>("studio") };
  expect(planShares([share], [elsewhere])).toEqual({ ...NOTHING, share: [share], counter: 5 });
});

test("the same content under two names is two shares", () => {
  const name = "b" as FileName;
  const listingId = listingIdOf(manifestOf("a").summary.fileId, name);
  const [one, other] = [remembered("a", 3), { ...remembered("a", 4), listingId, name }];
  const rows = [known("a", 3, true), { ...known("a", 5, false), listingId, name }];
  expect(planShares([one, other], rows)).toEqual({ ...NOTHING, offer: [one], forget: [other], counter: 5 });
});
