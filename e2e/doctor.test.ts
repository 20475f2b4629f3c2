/** `p2p doctor`, beside trackers and a client that run or do not: what it finds, and that it changes nothing. */
import { expect, test } from "bun:test";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "./harness/free-ports.ts";
import type { Program } from "./harness/program.ts";
import { HAS_MODES } from "./harness/system.ts";
import { inStep, type Tracker } from "./harness/tracker.ts";
import { startTrackers } from "./harness/trackers.ts";
import { World } from "./harness/world.ts";

/** Its lines, by level. */
async function findings(program: Program, exitCode: number) {
  expect(await program.exited()).toBe(exitCode);
  expect(program.err).toEqual([]);
  const of = (level: string) => program.out.filter((line) => line.startsWith(level.padEnd(6)));
  expect(of("ok").length + of("warn").length + of("fail").length).toBe(program.out.length);
  return { ok: of("ok").join("\n"), warn: of("warn").join("\n"), fail: of("fail").join("\n") };
}

test("two trackers in step and a client that runs: all is well, also without a word to its user", async () => {
  await using world = new World(2);
  const trackers = (await startTrackers(world)) as [Tracker, Tracker];
  const [port] = freePorts(1);
  const address = `127.0.0.1:${port}`;
  const data = ["--data-dir", world.path("ann", "data")];
  const ann = world.start("ann", ["client", address, world.trackerInfo, ...data]);
  ann.write("create_user ann pw\nlogin ann pw\n");
  await ann.line(/^Login successful$/);
  await inStep(...trackers);

  const found = await findings(world.start("doctor", ["doctor", world.trackerInfo, address, ...data]), 0);
  expect(found.ok).toContain("tracker 1 shows the key that was met before");
  expect(found.ok).toContain("tracker 1 is in step with tracker 2");
  expect(found.ok).toContain("tracker 2 is in step with tracker 1");
  expect(found.ok).toContain("a client runs with this data folder");
  expect(found.ok).toContain(`tracker 1 reaches port ${port} of this machine`);
  expect(found.ok).toContain(`tracker 2 reaches port ${port} of this machine`);
  expect(found.ok).toContain(" is for its owner alone");
  // How far a change has spread is told of at any time on a busy machine.
  expect(ann.err.filter((line) => !/stands? on/.test(line))).toEqual([]);
  ann.write("whoami\nexit\n");
  expect(await ann.exited()).toBe(0);

  if (HAS_MODES) chmodSync(world.path("ann", "data"), 0o755);
  await trackers[1].stop();
  const worse = await findings(world.start("again", ["doctor", world.trackerInfo, address, ...data]), 1);
  expect(worse.ok).toContain(`no client runs; ${address} was listened on for this`);
  expect(worse.ok).toContain(`tracker 1 reaches port ${port} of this machine`);
  expect(worse.fail).toContain(`tracker 2 at ${world.address(2)} does not answer: connection refused`);
  expect(worse.fail).toContain("tracker 1 does not reach tracker 2");
  if (HAS_MODES) expect(worse.warn).toContain("(mode 755); chmod 700 ");

  const alone = (number: number) =>
    world.start(`alone-${number}`, ["doctor", world.trackerInfo, "--tracker", `${number}`]);
  const first = await findings(alone(1), 0);
  expect(first.warn).toContain("tracker 1 does not reach tracker 2");
  expect(`${first.ok}${first.warn}`).not.toContain(world.address(2));
  expect((await findings(alone(2), 1)).fail).toContain(`tracker 2 at ${world.address(2)} does not answer`);
});

test("another port than the client's is not reached, and nothing is made where nothing was", async () => {
  await using world = new World();
  await world.startTracker();
  const [port = 0, other = 0] = freePorts(2);
  const data = world.path("ann", "data");
  const doctor = (at: number) =>
    world.start(`doctor-${at}`, [
      "doctor",
      world.trackerInfo,
      `127.0.0.1:${at}`,
      "--data-dir",
      data,
      "--json",
    ]);
  const before = doctor(port);
  expect(await before.exited()).toBe(0);
  expect(existsSync(data)).toBe(false);
  const ann = world.start("ann", ["client", `127.0.0.1:${port}`, world.trackerInfo, "--data-dir", data]);
  ann.write("whoami\n");
  await ann.line(/^listening /);
  const wrong = doctor(other);
  expect(await wrong.exited()).toBe(1);
  const failed = wrong.out.map((line) => JSON.parse(line)).filter(({ level }) => level === "fail");
  expect(failed).toEqual([expect.objectContaining({ type: "finding", check: "client-port" })]);
  expect(failed[0].message).toBe(`tracker 1 does not reach port ${other} of this machine`);
});

test("a file that names no tracker is wrong usage, as for a client", async () => {
  await using world = new World();
  const empty = join(world.folder, "empty.txt");
  writeFileSync(empty, "# none\n");
  for (const args of [
    [empty],
    [],
    [world.trackerInfo, "nowhere"],
    [world.trackerInfo, "--tracker", "2"],
    [world.trackerInfo, "--tracker"],
    [world.trackerInfo, "127.0.0.1:1", "more"],
  ]) {
    const program = world.start(`doctor-${args.length}`, ["doctor", ...args]);
    expect(await program.exited()).toBe(2);
    expect(program.out).toEqual([]);
    expect(program.err).toEqual([expect.stringMatching(/^error: /)]);
  }
});
