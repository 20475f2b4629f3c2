import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import { ACCOUNT_QUEUE_MAX, PASSWORD_HASHES_AT_ONCE_MAX, PASSWORD_QUEUE_MAX } from "../base/limits.ts";
import { argon2id, type PasswordAlgorithm, Passwords } from "./passwords.ts";

/** Hashes that end when the test says so. */
function gated() {
  const open: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const verified: string[] = [];
  const gate = async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => open.push(resolve));
    running--;
  };
  const algorithm: PasswordAlgorithm = {
    decoy: "decoy",
    async hash(password) {
      await gate();
      return `hash of ${password}`;
    },
    async verify(password, hash) {
      verified.push(hash);
      await gate();
      return hash === `hash of ${password}`;
    },
  };
  const releaseAll = async () => {
    while (open.length > 0) {
      open.shift()?.();
      await Bun.sleep(0);
    }
  };
  return { algorithm, verified, releaseAll, most: () => most };
}

const outcome = (work: Promise<unknown>) =>
  work.then(
    (value) => value,
    (error) => (error instanceof Failure ? error.code : error),
  );

test("argon2id accepts the right password, refuses another, and does not block the event loop", async () => {
  const passwords = new Passwords();
  let turns = 0;
  let counting = true;
  const count = () => {
    turns++;
    if (counting) setImmediate(count);
  };
  count();
  const hash = await passwords.hash("correct horse", "session");
  counting = false;
  expect(turns).toBeGreaterThan(20);
  expect(hash).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  expect(await passwords.verify("correct horse", hash)).toBe(true);
  expect(await passwords.verify("correct horsf", hash)).toBe(false);
});

test("the decoy has the parameters and the length of a real hash, and a verifier takes it", async () => {
  const real = await argon2id.hash("anything");
  expect(argon2id.decoy).toHaveLength(real.length);
  expect(argon2id.decoy.split("$").slice(0, 4)).toEqual(real.split("$").slice(0, 4));
  expect(await new Passwords().verify("anything", undefined)).toBe(false);
});

test("an unknown user is held against the decoy, and even its password is not right", async () => {
  const { algorithm, verified, releaseAll } = gated();
  const passwords = new Passwords({ ...algorithm, decoy: "hash of known" });
  const right = passwords.verify("known", undefined);
  await releaseAll();
  expect(await right).toBe(false);
  expect(verified).toEqual(["hash of known"]);
});

test("an empty password is never hashed and never right", async () => {
  const passwords = new Passwords();
  expect(await outcome(passwords.hash("", "account"))).toBe("invalid-input");
  expect(await passwords.verify("", undefined)).toBe(false);
});

test("only so many hashes run at once, all of them get their turn, and later ones go on", async () => {
  const { algorithm, releaseAll, most } = gated();
  const passwords = new Passwords(algorithm);
  const all = Array.from({ length: 9 }, (_, number) => passwords.hash(`${number}`, "session"));
  await releaseAll();
  expect(await Promise.all(all)).toEqual(all.map((_, number) => `hash of ${number}`));
  expect(most()).toBe(PASSWORD_HASHES_AT_ONCE_MAX);
  const later = passwords.hash("later", "session");
  await releaseAll();
  expect(await later).toBe("hash of later");
});

test("beyond the line the answer is try-later, and those in line are still served", async () => {
  const { algorithm, releaseAll } = gated();
  const passwords = new Passwords(algorithm);
  const room = PASSWORD_HASHES_AT_ONCE_MAX + PASSWORD_QUEUE_MAX;
  const served = Array.from({ length: room }, () => outcome(passwords.verify("a", "hash of a")));
  expect(await outcome(passwords.verify("a", "hash of a"))).toBe("try-later");
  await releaseAll();
  expect(await Promise.all(served)).toEqual(served.map(() => true));
});

test("whoever logs in goes before accounts that are being made, and has a line of their own", async () => {
  const { algorithm, releaseAll } = gated();
  const passwords = new Passwords(algorithm);
  const order: string[] = [];
  const note = (what: string) => () => void order.push(what);
  const accounts = Array.from({ length: PASSWORD_HASHES_AT_ONCE_MAX + ACCOUNT_QUEUE_MAX }, (_, number) =>
    passwords.hash(`${number}`, "account").then(note("account")),
  );
  expect(await outcome(passwords.hash("one more", "account"))).toBe("try-later");
  const logins = Array.from({ length: PASSWORD_QUEUE_MAX }, () =>
    passwords.verify("a", "hash of a").then(note("login")),
  );
  await releaseAll();
  await Promise.all([...accounts, ...logins]);
  const logInsEnd = PASSWORD_HASHES_AT_ONCE_MAX + PASSWORD_QUEUE_MAX;
  expect(order.slice(PASSWORD_HASHES_AT_ONCE_MAX, logInsEnd)).toEqual(logins.map(() => "login"));
  expect(order.slice(logInsEnd)).toEqual(Array.from({ length: ACCOUNT_QUEUE_MAX }, () => "account"));
});

test("a hash that fails gives its place back", async () => {
  const { algorithm } = gated();
  const broken = new Passwords({ ...algorithm, hash: () => Promise.reject(new Error("broken")) });
  for (let tries = 0; tries < PASSWORD_HASHES_AT_ONCE_MAX + 1; tries++)
    await expect(broken.hash("a", "account")).rejects.toThrow("broken");
});
