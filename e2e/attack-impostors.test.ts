/** Those who are not the tracker that they would be taken for: nothing of theirs is taken, and they are told nothing. */
import { expect, test } from "bun:test";
import { encodeList } from "../src/wire/tracker-tracker.ts";
import { enter } from "./harness/group.ts";
import { startTrackers } from "./harness/trackers.ts";
import { World } from "./harness/world.ts";
import { Machine } from "./hostile/machine.ts";
import { RawLink } from "./hostile/raw-link.ts";

const uid = "a".repeat(32);
const origin = "1-00000000deadbeef";

/** An account that nobody made, as an entry and as a row. */
const FORGED_ENTRY = {
  key: { origin, seq: 1 },
  stamp: { ms: Date.now(), count: 0, origin },
  request: "b".repeat(32),
  body: { kind: "user-created", uid, name: "root", passwordHash: "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA" },
};

function introduction() {
  const own = { no: 2, origin, clockMs: Date.now(), key: "A".repeat(59), vector: [{ origin, seq: 1 }] };
  return { version: 1, ...own };
}

test("somebody with a key of their own who speaks as a tracker does is refused every word, and changes nothing", async () => {
  await using world = new World(2);
  const [first] = await startTrackers(world);
  const ann = world.startClient("ann");
  await enter(ann);
  await ann.ok("create_group lab");
  const records = async () => (await first?.status())?.find((line) => line.startsWith("records"));
  const before = await records();
  const [port = 0] = world.ports;
  const machine = await Machine.make();
  for (const greeting of ["greet", "hello"]) {
    const link = new RawLink(await machine.dial(port));
    const outcome = link.call(greeting, greeting === "greet" ? introduction() : { version: 1, program: "x" });
    if (greeting === "greet") await expect(outcome).rejects.toMatchObject({ code: "protocol" });
    else await outcome;
    const tail = encodeList([JSON.stringify(FORGED_ENTRY)]);
    const words: readonly (readonly [string, unknown, Uint8Array?])[] = [
      ["push", {}, tail],
      ["rows", {}, encodeList([])],
      ["adopt", { vector: [{ origin, seq: 1 }] }],
      ["presence", { here: [], gone: [] }],
      ["look", {}],
      ["get_blob", { digest: "c".repeat(64), offset: 0 }],
      ["keep_blob", { digest: "c".repeat(64) }],
    ];
    for (const [method, params, bytes] of words) {
      const answer = link.call(method, params, bytes);
      await expect(answer).rejects.toMatchObject({ name: "Failure" });
    }
    link.close();
  }
  expect(await records()).toBe(before);
  expect(await ann.refused("login root pw")).toContain("already logged in");
  await ann.ok("logout");
  expect(await ann.refused("login root pw")).toBe("error: wrong user id or password");
});

test("another key at the address of a known tracker gets no word from client or tracker, and the user is told", async () => {
  await using world = new World(2);
  const [first, second] = await startTrackers(world);
  const ann = world.startClient("ann");
  await enter(ann);
  await ann.ok("create_group lab");
  for (const tracker of [first, second]) await tracker?.crash();

  const machine = await Machine.make();
  const heard: string[] = [];
  const [port = 0] = world.ports;
  const listener = await machine.listen(port, (connection) => {
    new RawLink(connection, ({ method }) => {
      heard.push(method);
      return {};
    });
  });
  expect(await ann.refused("create_group secret")).toContain(
    `shows another key (sha256:${machine.fingerprint})`,
  );
  // The other tracker of the list comes back, and dials the address too.
  const again = await world.startTracker(2);
  await again.line(/shows another key/);
  expect(heard).toEqual([]);
  listener.close();
});
