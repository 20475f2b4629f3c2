import { describe, expect, test } from "bun:test";
import type { Gid, GroupName, UserName } from "../base/ids.ts";
import {
  ACCOUNTS_AT_ONCE_PER_ADDRESS_MAX,
  DEVICES_PER_USER_MAX,
  LOGIN_DELAY_MS_MAX,
  SESSION_LIFETIME_MS,
  WRONG_LOGINS_FREE,
} from "../base/limits.ts";
import { failureOf } from "../testing/failure-of.ts";
import { cheapPasswords, ServiceWorld, testSigning } from "../testing/service-clients.ts";
import { hexId } from "../testing/test-tracker.ts";
import type { checkGrant } from "../wire/signed.ts";
import { argon2id } from "./passwords.ts";

const TIMED_ROUNDS = 15;

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;
}

const lab = "lab" as GroupName;
const name = (text: string) => text as UserName;

describe("connections and sessions", () => {
  test("hello comes first, whatever is asked", async () => {
    const world = new ServiceWorld();
    const greeted = await world.connect("m");
    expect(await greeted.attempt("ping", {})).toBe("done");
    greeted.greeted = false;
    expect(await greeted.attempt("ping", {})).toBe("protocol");
    expect(await greeted.attempt("list_groups", {})).toBe("protocol");
  });

  test("hello tells the tracker's number, its clock and the keys that sign", async () => {
    const world = new ServiceWorld();
    const client = await world.connect("m");
    expect(await client.call("hello", { version: 1, program: "p" })).toEqual({
      tracker: 1,
      clockMs: world.clock.nowMs(),
      keys: [testSigning.publicKey],
    });
  });

  test("without a session nothing but hello, ping and the ways in is answered", async () => {
    const client = await new ServiceWorld().connect("m");
    const id = hexId<ReturnType<ServiceWorld["id"]>>("r");
    const gid = hexId<Parameters<typeof checkGrant>[2]["gid"]>("g");
    expect(await client.attempt("list_groups", {})).toBe("not-logged-in");
    expect(await client.attempt("create_group", { id, group: lab })).toBe("not-logged-in");
    expect(await client.attempt("grant", { gid })).toBe("not-logged-in");
    expect(await client.attempt("own_shares", {})).toBe("not-logged-in");
    expect(await client.attempt("logout", {})).toBe("done");
  });

  test("an unknown user and a wrong password get the same answer", async () => {
    const world = new ServiceWorld();
    await world.user("ada");
    const client = await world.connect("m");
    const wrong = await failureOf(client.login("ada", "guess"));
    const unknown = await failureOf(client.login("nobody", "guess"));
    expect([wrong.code, wrong.message]).toEqual(["wrong-credentials", "wrong user id or password"]);
    expect([unknown.code, unknown.message]).toEqual([wrong.code, wrong.message]);
  });

  test("an unknown user costs one hash, as a known one does", async () => {
    const world = new ServiceWorld();
    await world.user("ada");
    const client = await world.connect("m");
    world.verified.length = 0;
    await failureOf(client.login("ada", "guess"));
    await failureOf(client.login("nobody", "guess"));
    expect(world.verified).toEqual(["hash of secret", "hash of nothing"]);
  });

  test("by the time that it takes, an unknown user cannot be told from a known one", async () => {
    const world = new ServiceWorld(1, argon2id);
    await world.user("ada");
    const client = await world.connect("m");
    const tookMs = { ada: [] as number[], nobody: [] as number[] };
    world.verified.length = 0;
    for (let round = 0; round < TIMED_ROUNDS; round++)
      for (const user of ["ada", "nobody"] as const) {
        world.clock.advance(LOGIN_DELAY_MS_MAX);
        const startNs = Bun.nanoseconds();
        expect((await failureOf(client.login(user, "guess"))).code).toBe("wrong-credentials");
        tookMs[user].push((Bun.nanoseconds() - startNs) / 1e6);
      }
    expect(world.verified).toHaveLength(2 * TIMED_ROUNDS);
    expect(median(tookMs.nobody) / median(tookMs.ada)).toBeWithin(0.5, 2);
  });

  test("guesses at a name that nobody has are slowed as those at a name that somebody has", async () => {
    const world = new ServiceWorld();
    await world.user("ada");
    const answers = async (user: string, host: string) => {
      const thief = await world.connect(`thief ${host}`, host);
      const said: string[] = [];
      for (let tries = 0; tries < 2 * WRONG_LOGINS_FREE; tries++) {
        said.push((await failureOf(thief.login(user, "guess"))).message);
        if (tries > WRONG_LOGINS_FREE) world.clock.advance(1_500);
      }
      return said;
    };
    const known = await answers("ada", "203.0.113.5");
    expect(known.filter((line) => line.includes("too many wrong"))).not.toEqual([]);
    expect(await answers("nobody", "203.0.113.6")).toEqual(known);
  });

  test("a tracker too busy to check a password counts nothing as wrong", async () => {
    const world = new ServiceWorld();
    const ada = await world.user("ada");
    await ada.call("logout", {});
    world.isBusy = true;
    for (let tries = 0; tries < 2 * WRONG_LOGINS_FREE; tries++)
      expect((await failureOf(ada.login("ada"))).message).toBe("busy");
    world.isBusy = false;
    await ada.login("ada");
  });

  test("guesses are slowed down, the rightful user elsewhere is not, and time heals", async () => {
    const world = new ServiceWorld();
    await world.user("ada");
    const thief = await world.connect("thief", "203.0.113.5");
    for (let tries = 0; tries < WRONG_LOGINS_FREE; tries++)
      expect((await failureOf(thief.login("ada", "guess"))).code).toBe("wrong-credentials");
    expect(await failureOf(thief.login("ada"))).toMatchObject({ code: "try-later" });
    await (await world.connect("laptop", "198.51.100.1")).login("ada");
    world.clock.advance(60_000);
    await thief.login("ada");
  });

  test("a second login on one connection is refused, another after logout is not", async () => {
    const world = new ServiceWorld();
    const ada = await world.user("ada");
    expect((await failureOf(ada.login("ada"))).code).toBe("already-logged-in");
    await ada.call("logout", {});
    await ada.login("ada");
  });

  test("of two logins at once on one connection one is refused", async () => {
    const world = new ServiceWorld();
    const ada = await world.user("ada");
    await world.user("bob");
    await ada.call("logout", {});
    const outcomes = await Promise.all(
      ["ada", "bob"].map((user) =>
        ada.login(user).then(
          () => "done",
          (refused) => refused.code,
        ),
      ),
    );
    expect(outcomes).toEqual(["done", "already-logged-in"]);
    expect(world.service.status()[0]).toBe("online: 2 users on 2 machines");
  });

  test("a login whose connection ended meanwhile leaves nobody online", async () => {
    const world = new ServiceWorld();
    const ada = await world.user("ada");
    await world.group("lab", ada);
    const late = await world.connect("late");
    const login = failureOf(late.login("ada"));
    late.hangUp();
    expect((await login).code).toBe("not-logged-in");
    ada.hangUp();
    expect(world.service.status()[0]).toBe("online: 0 users on 0 machines");
  });

  test("a token opens a session again, also after a restart, on this machine alone", async () => {
    const world = new ServiceWorld();
    const { token } = await world.user("ada", "laptop");
    world.restart();
    const again = await world.connect("laptop");
    expect(await again.resume(token)).toMatchObject({ name: "ada", news: [] });
    const other = await world.connect("other machine");
    expect((await failureOf(other.resume(token))).code).toBe("not-logged-in");
    expect((await failureOf(other.resume("nonsense"))).code).toBe("not-logged-in");
  });

  test("a token of another tracker is for later where its account is not known yet", async () => {
    const { token } = await new ServiceWorld(1).user("ada", "laptop");
    const laptop = await new ServiceWorld(2).connect("laptop");
    expect(await failureOf(laptop.resume(token))).toMatchObject({
      code: "try-later",
      message: "this tracker does not know the account yet; try again shortly",
    });
  });

  test("a token expires", async () => {
    const world = new ServiceWorld();
    const { token } = await world.user("ada", "laptop");
    world.clock.advance(SESSION_LIFETIME_MS);
    expect((await failureOf((await world.connect("laptop")).resume(token))).code).toBe("not-logged-in");
  });

  test("a client that comes back on another connection takes over, and its old connection is closed", async () => {
    const world = new ServiceWorld();
    const before = await world.user("ada", "laptop");
    const after = await world.connect("laptop");
    await after.resume(before.token);
    expect(before.isOpen).toBe(false);
    expect(world.service.status()[0]).toBe("online: 1 user on 1 machine");
  });

  test("a repeated create_user is answered, another one under the name is refused", async () => {
    const world = new ServiceWorld();
    const client = await world.connect("m");
    const params = { id: world.id(), name: name("ada"), password: "secret" };
    await client.call("create_user", params);
    expect(await client.attempt("create_user", params)).toBe("done");
    expect(await client.attempt("create_user", { ...params, id: world.id() })).toBe("name-taken");
  });
});

test("of two accounts under one name each is reached by its own password, the later with its suffix", async () => {
  const [here, there] = [new ServiceWorld(1), new ServiceWorld(2)];
  await here.user("ada");
  there.clock.advance(1_000);
  await there.user("ada", "other machine", "another");
  here.store.append([...there.store.replay()]);
  here.restart();

  const first = await here.connect("m");
  expect((await first.login("ada", "secret")).name).toBe(name("ada"));
  const second = await here.connect("n");
  const { name: suffixed } = await second.login("ada", "another");
  expect(suffixed).toMatch(/^ada~[a-z2-7]{5}$/);
  await second.call("logout", {});
  expect((await failureOf(second.login(suffixed, "secret"))).code).toBe("wrong-credentials");
  await second.login(suffixed, "another");
  expect((await failureOf((await here.connect("o")).login("ada", "neither"))).code).toBe("wrong-credentials");
});

describe("changing the password", () => {
  test("ends the other sessions and their tokens; this one goes on with its new token", async () => {
    const world = new ServiceWorld();
    const desktop = await world.user("ada", "desktop");
    const laptop = await world.connect("laptop");
    await laptop.login("ada");
    const params = { id: world.id(), old: "secret", new: "fresh" };
    const { token } = await desktop.call("change_password", params);

    expect(await laptop.heard()).toEqual([
      { kind: "session-ended", message: "the password was changed: log in again" },
    ]);
    expect(await laptop.attempt("list_groups", {})).toBe("not-logged-in");
    expect((await failureOf(laptop.resume(laptop.token))).message).toBe(
      "the password was changed: log in again",
    );
    expect((await failureOf(laptop.login("ada", "secret"))).code).toBe("wrong-credentials");
    await laptop.login("ada", "fresh");

    expect(await desktop.heard()).toEqual([]);
    expect(await desktop.attempt("list_groups", {})).toBe("done");
    desktop.hangUp();
    await (await world.connect("desktop")).resume(token);
  });

  test("seeders in all the user's groups are told to cut its other machines, and nobody else is told", async () => {
    const world = new ServiceWorld();
    const [bob, eve, outsider] = [await world.user("bob"), await world.user("eve"), await world.user("out")];
    const desktop = await world.user("ada", "desktop");
    const laptop = await world.connect("laptop");
    await laptop.login("ada");
    await world.group("lab", desktop, bob);
    await world.group("art", eve, desktop);
    await world.group("elsewhere", outsider);
    const all = [bob, eve, outsider, desktop, laptop];
    for (const client of all) await client.heard();
    await desktop.call("change_password", { id: world.id(), old: "secret", new: "fresh" });

    const cut = async (client: typeof bob) =>
      (await client.heard()).map((notice) => (notice.kind === "revoked" ? notice.except : notice.kind));
    expect(await Promise.all(all.map(cut))).toEqual([
      [desktop.fingerprint],
      [desktop.fingerprint],
      [],
      [desktop.fingerprint, desktop.fingerprint],
      ["session-ended"],
    ]);
    const gid = world.service.state.groups.find(lab)[0] as Gid;
    expect(await laptop.attempt("grant", { gid })).toBe("not-logged-in");
    expect(await desktop.attempt("grant", { gid })).toBe("done");
  });

  test("is done once at a time", async () => {
    const world = new ServiceWorld();
    const ada = await world.user("ada");
    const [first, second] = ["fresh", "other"].map((fresh) =>
      ada.call("change_password", { id: world.id(), old: "secret", new: fresh }),
    );
    expect(await failureOf(second as Promise<unknown>)).toMatchObject({
      code: "try-later",
      message: "the password is being changed; try again shortly",
    });
    await first;
    await (await world.connect("m")).login("ada", "fresh");
  });

  test("leaves out who logs in with the old one in the same moment", async () => {
    let gate = Promise.resolve();
    const world = new ServiceWorld(1, {
      ...cheapPasswords,
      verify: async (password, hash) => {
        await gate;
        return cheapPasswords.verify(password, hash);
      },
    });
    const desktop = await world.user("ada", "desktop");
    const laptop = await world.connect("laptop");
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    const late = failureOf(laptop.login("ada", "secret"));
    gate = Promise.resolve();
    await desktop.call("change_password", { id: world.id(), old: "secret", new: "fresh" });
    opened.resolve();
    expect(await late).toMatchObject({
      code: "try-later",
      message: "the password was changed just now; log in again",
    });
    expect(laptop.session).toBeUndefined();
  });

  test("needs the old password", async () => {
    const world = new ServiceWorld();
    const ada = await world.user("ada");
    const params = { id: world.id(), old: "guess", new: "fresh" };
    expect(await ada.attempt("change_password", params)).toBe("wrong-credentials");
    ada.hangUp();
    await (await world.connect("m")).login("ada", "secret");
  });

  test("a repetition is answered, with a token that counts", async () => {
    const world = new ServiceWorld();
    const ada = await world.user("ada", "desktop");
    const params = { id: world.id(), old: "secret", new: "fresh" };
    await ada.call("change_password", params);
    const { token } = await ada.call("change_password", params);
    ada.hangUp();
    await (await world.connect("desktop")).resume(token);
  });

  test("a repetition whose old password counts no more is answered, also after a restart, and is no guess", async () => {
    const world = new ServiceWorld();
    const before = await world.user("ada", "desktop");
    const params = { id: world.id(), old: "secret", new: "fresh" };
    await before.call("change_password", params);
    world.restart();
    const ada = await world.connect("desktop");
    await ada.login("ada", "fresh");
    for (let repetitions = 0; repetitions < 2 * WRONG_LOGINS_FREE; repetitions++)
      expect(await ada.attempt("change_password", params)).toBe("done");
    expect(await ada.attempt("change_password", { ...params, id: world.id() })).toBe("wrong-credentials");
    expect(await ada.attempt("change_password", { ...params, new: "guess" })).toBe("wrong-credentials");
    ada.hangUp();
    await (await world.connect("desktop")).login("ada", "fresh");
  });
});

test("a user is online on so many machines and no more; one of them may always come back, and one that leaves makes room", async () => {
  const world = new ServiceWorld();
  (await world.user("ada")).hangUp();
  const machines = [];
  for (let at = 0; at < DEVICES_PER_USER_MAX; at++) machines.push(await world.connect(`m${at}`));
  for (const machine of machines) await machine.login("ada");
  const more = await world.connect("more");
  const refused = await failureOf(more.login("ada"));
  expect(refused.code).toBe("too-many");
  expect(refused.message).toBe(
    `ada is logged in on ${DEVICES_PER_USER_MAX} machines, the most there may be; log out on one of them`,
  );
  await (await world.connect("m0")).login("ada");
  machines[1]?.hangUp();
  await more.login("ada");
});

describe("making accounts", () => {
  test("one address makes only so many at once; others and those who log in are not held up", async () => {
    const world = new ServiceWorld();
    await world.user("ada");
    const flood = await world.connect("flood", "203.0.113.5");
    const make = (number: number) =>
      flood.attempt("create_user", { id: world.id(), name: name(`u${number}`), password: "x" });
    const all = Array.from({ length: ACCOUNTS_AT_ONCE_PER_ADDRESS_MAX + 5 }, (_, number) => make(number));
    const other = await world.connect("other", "203.0.113.6");
    const others = [
      other.attempt("create_user", { id: world.id(), name: name("eve"), password: "x" }),
      other.login("ada").then(() => "done"),
    ];
    const outcomes = await Promise.all(all);
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(ACCOUNTS_AT_ONCE_PER_ADDRESS_MAX);
    expect(outcomes.filter((outcome) => outcome === "try-later")).toHaveLength(5);
    expect(await Promise.all(others)).toEqual(["done", "done"]);
    expect(await make(1_000)).toBe("done");
  });

  test("one that is refused gives its place back", async () => {
    const world = new ServiceWorld();
    await world.user("ada");
    const client = await world.connect("m");
    for (let tries = 0; tries <= ACCOUNTS_AT_ONCE_PER_ADDRESS_MAX; tries++)
      expect(await client.attempt("create_user", { id: world.id(), name: name("Ada"), password: "x" })).toBe(
        "name-taken",
      );
  });
});
