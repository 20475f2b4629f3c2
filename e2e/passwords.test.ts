/** Passwords at the built program: where they must not be found afterwards, and what guessing them comes to. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../src/base/failure.ts";
import { LOGIN_DELAY_MS_MIN, WRONG_LOGINS_FREE } from "../src/base/limits.ts";
import { enter } from "./harness/group.ts";
import { HAS_PROC } from "./harness/system.ts";
import { allowedMs, timed } from "./harness/timing.ts";
import { until } from "./harness/until.ts";
import { World } from "./harness/world.ts";
import { AddressRelay, HAS_MANY_LOOPBACK_ADDRESSES } from "./hostile/address-relay.ts";
import { LOOPBACK, Machine } from "./hostile/machine.ts";
import { RawLink } from "./hostile/raw-link.ts";

/** Every regular file below the folder, by path. */
function filesBelow(folder: string): Map<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.map((path) => [path, readFileSync(path)]));
}

/** What others on the machine can see of a process. */
function visibleOf(pid: number): Map<string, Buffer> {
  if (!HAS_PROC) return new Map();
  return new Map(
    ["cmdline", "environ"].map((name) => [`${pid}/${name}`, readFileSync(`/proc/${pid}/${name}`)]),
  );
}

test("no password is in any byte of the folders, in a log, a line, an error or the process list", async () => {
  await using world = new World();
  const tracker = await world.startTracker();
  const ann = world.startClient("ann");
  const used: string[] = [];
  const secret = () => {
    const next = `Sx${used.length}-q7Vd`;
    used.push(next);
    return next;
  };
  const first = secret();
  const fresh = secret();
  const wrong = [
    () => `login ann ${secret()}`,
    () => `create_user ann ${secret()}`,
    () => `create_user ann ${secret()} surplus`,
    () => `create_user 'a b' ${secret()}`,
    () => `creat_user ann ${secret()}`,
    () => `"create_user bob ${secret()}"`,
    () => `login:ann:${secret()}`,
    () => `login=ann,${secret()}`,
    () => `login "ann ${secret()}`,
    () => `login ann ${secret()}${"x".repeat(1_100)}`,
    () => `change_password ${secret()}`,
    () => `change_password ${secret()} ${secret()}`,
  ];
  await ann.ok(`create_user ann ${first}`);
  for (const line of wrong.slice(0, 3)) await ann.refused(line());
  await ann.ok(`login ann ${first}`);
  for (const line of wrong) await ann.refused(line());
  await ann.ok(`change_password ${first} ${fresh}`);
  await ann.ok("logout");
  await ann.ok(`login ann ${fresh}`);
  tracker.write(`login ann ${secret()}\n`);
  await tracker.status();

  const machine = await Machine.make();
  const link = new RawLink(await machine.dial(world.ports[0] ?? 0));
  await link.call("hello", { version: 1, program: "test" });
  const requests = [
    { name: 5, password: secret() },
    { name: "ann", password: secret() },
    { name: "ann", password: [secret()] },
    { [secret()]: 1 },
  ];
  for (const params of requests) {
    const refused = await link.call("login", params).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Failure);
    expect(used.filter((each) => (refused as Failure).message.includes(each))).toEqual([]);
  }
  link.close();

  const files = filesBelow(world.folder);
  const said = [tracker, ann].flatMap(({ name, out, err }) => [
    [`${name} out`, Buffer.from(out.join("\n"))] as const,
    [`${name} err`, Buffer.from(err.join("\n"))] as const,
  ]);
  const places = new Map([...files, ...visibleOf(tracker.pid), ...visibleOf(ann.pid), ...said]);
  // What is written down is found: so would a password be.
  expect([...files.keys()].some((path) => path.endsWith("-wal"))).toBe(true);
  expect([...files.values()].some((bytes) => bytes.includes("$argon2id$v=19$m=19456,t=2,p=1$"))).toBe(true);
  const found = [...places].flatMap(([place, bytes]) =>
    used.filter((each) => bytes.includes(each)).map((each) => `${each} in ${place}`),
  );
  expect(found).toEqual([]);
});

const GUESSERS_OF_ONE_ADDRESS = 10;
const GUESSERS_APART = 10;
const ADDRESSES = 1 + GUESSERS_APART;
/** More than they may have in a minute. */
const TRIES_MOST = ADDRESSES * 20;
const ATTACK_MS = 2_500;
const LOGIN_MS_MAX = 5_000;
const COMMAND_MS_MAX = 3_000;
const GROWTH_KB_MAX = 120_000;

/** How many tries at one account one address has within that time. */
function triesWithin(ms: number): number {
  let tries = WRONG_LOGINS_FREE;
  for (let dueMs = 0, delayMs = LOGIN_DELAY_MS_MIN; dueMs + delayMs <= ms; delayMs *= 2) {
    dueMs += delayMs;
    tries++;
  }
  return tries;
}

interface Guesses {
  looked: number;
  slowed: number;
}

/** Asks again as soon as it is answered, until told to stop. */
async function guess(port: number, counts: Guesses, stop: AbortSignal): Promise<void> {
  const machine = await Machine.make();
  const link = new RawLink(await machine.dial(port));
  await link.call("hello", { version: 1, program: "hostile" });
  const listening = { host: LOOPBACK, port: 7_000 };
  for (let number = 0; !stop.aborted; number++) {
    const login = link.call("login", { name: "olga", password: `guess ${number}`, listening });
    const refused = await login.catch((error: unknown) => error);
    if (!(refused instanceof Failure)) throw new Error(`no refusal: ${refused}`);
    if (refused.code === "wrong-credentials") counts.looked++;
    else if (refused.code === "try-later") counts.slowed++;
    else throw refused;
  }
  link.close();
}

const procOf = (pid: number) => ({
  descriptors: readdirSync(`/proc/${pid}/fd`).length,
  residentKb: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]),
});

test.skipIf(!HAS_MANY_LOOPBACK_ADDRESSES)(
  "twenty who guess at an account all the time are slowed; its owner logs in, and others notice nothing",
  async () => {
    await using world = new World();
    const tracker = await world.startTracker();
    const [port = 0] = world.ports;
    const [olga, ben] = [world.startClient("olga"), world.startClient("ben")];
    for (const client of [olga, ben]) await enter(client);
    await olga.ok("logout");
    const before = HAS_PROC ? procOf(tracker.pid) : undefined;

    await using relays = new AsyncDisposableStack();
    const relayFrom = async (last: number) =>
      relays.use(await AddressRelay.start(`127.0.0.${last}`, port)).port;
    const shared = await relayFrom(2);
    const ports = new Array<number>(GUESSERS_OF_ONE_ADDRESS).fill(shared);
    for (let last = 0; last < GUESSERS_APART; last++) ports.push(await relayFrom(3 + last));
    const counts: Guesses = { looked: 0, slowed: 0 };
    const stop = new AbortController();
    const startMs = performance.now();
    const attack = Promise.all(ports.map((each) => guess(each, counts, stop.signal)));
    try {
      // All free tries are gone before the owner comes.
      await until(async () => counts.slowed > ports.length || counts.looked > TRIES_MOST);

      const login = await timed(() => olga.ok("login olga pw"));
      expect(login.ms).toBeLessThan(allowedMs(LOGIN_MS_MAX, login));
      const command = await timed(() => ben.ok("create_group besides"));
      expect(command.ms).toBeLessThan(allowedMs(COMMAND_MS_MAX, command));
      await until(async () => performance.now() - startMs > ATTACK_MS);
    } finally {
      stop.abort();
      await attack;
    }

    expect(counts.looked).toBeLessThanOrEqual(ADDRESSES * triesWithin(performance.now() - startMs));
    expect(counts.slowed).toBeGreaterThan(counts.looked);
    expect(await olga.ok("list_groups")).toEqual(["besides  ben  1 member  none"]);
    if (before === undefined) return;
    await until(async () => procOf(tracker.pid).descriptors <= before.descriptors + 1);
    expect(procOf(tracker.pid).residentKb - before.residentKb).toBeLessThan(GROWTH_KB_MAX);
  },
);
