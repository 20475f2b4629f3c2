import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import type { Connection } from "../net/connection.ts";
import { judge } from "../net/known-trackers.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { deviceOf } from "../testing/test-tracker.ts";
import { trackerDialler } from "./dial-tracker.ts";

const ADDRESS = { host: "192.0.2.1", port: 8001 };
const HANDLER = { notice: () => {}, closed: () => {} };

/** One tracker of that key, dialled by a client that knows what it knows. */
function meeting(peer: Fingerprint, known: { pinned?: Fingerprint; remembered?: Fingerprint }) {
  const did: string[] = [];
  const connection = {
    peer,
    remote: ADDRESS,
    isOpen: true,
    queuedBytes: 0,
    attach: () => did.push("attach"),
    send: () => did.push("send"),
    close: () => did.push("close"),
  } as unknown as Connection;
  const dial = trackerDialler(
    {
      transport: { dial: async () => connection },
      known: {
        judge: (address, presented, pinned) =>
          judge(address, presented, { pinned, remembered: known.remembered }, "known-trackers.json"),
        remember: async (_, presented) => void did.push(`remember ${presented}`),
      },
      clock: new ManualClock(),
      log: { info: () => {}, warn: () => {} },
    },
    [{ no: 1, address: ADDRESS, pin: known.pinned }],
  );
  return { dial: () => dial(0, HANDLER), did };
}

const right = deviceOf("the tracker");
const wrong = deviceOf("somebody in between");

test("the key of a first meeting is remembered", async () => {
  const { dial, did } = meeting(right, {});
  await dial();
  expect(did).toEqual(["attach", `remember ${right}`]);
});

test("a known or pinned key is taken as it is", async () => {
  const remembered = meeting(right, { remembered: right });
  await remembered.dial();
  expect(remembered.did).toEqual(["attach"]);
  const pinned = meeting(right, { pinned: right });
  await pinned.dial();
  expect(pinned.did).toEqual(["attach"]);
});

test("with another key than before, or than the pin, nothing is said to it", async () => {
  for (const known of [{ remembered: right }, { pinned: right }]) {
    const { dial, did } = meeting(wrong, known);
    expect(dial()).rejects.toMatchObject({ code: "tracker-refused" });
    await dial().catch(() => {});
    expect(did).toEqual(["close", "close"]);
  }
});

test("of a tracker out of reach only the cause is said: the address is in the list of all that were tried", async () => {
  const refused = new Failure("peer-unreachable", "cannot connect to 192.0.2.1:8001: connection refused");
  const dial = trackerDialler(
    {
      transport: { dial: () => Promise.reject(refused) },
      known: { judge: () => "known", remember: async () => {} },
      clock: new ManualClock(),
      log: { info: () => {}, warn: () => {} },
    },
    [{ no: 1, address: ADDRESS, pin: undefined }],
  );
  expect(dial(0, HANDLER)).rejects.toThrow(/^connection refused$/);
});
