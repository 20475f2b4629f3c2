import { expect, test } from "bun:test";
import {
  LOGIN_DELAY_MS_MAX,
  LOGIN_DELAY_MS_MIN,
  LOGIN_DELAY_PER_USER_MS_MAX,
  LOGIN_THROTTLE_ENTRIES_MAX,
  WRONG_LOGINS_FREE,
  WRONG_LOGINS_FREE_PER_ADDRESS,
  WRONG_LOGINS_FREE_PER_USER,
  WRONG_LOGINS_KEPT_MS,
} from "../base/limits.ts";
import { LoginThrottle } from "./login-throttle.ts";

const HERE = "192.0.2.1";
const ELSEWHERE = "198.51.100.7";

/** Tries as often as it may, waiting as told. @returns the waits, in order */
function guess(throttle: LoginThrottle, user: string, host: string, tries: number, fromMs = 0) {
  let nowMs = fromMs;
  const waits: number[] = [];
  for (let begun = 0; begun < tries; ) {
    const waitMs = throttle.begin(user, host, nowMs);
    if (waitMs === 0) begun++;
    else waits.push(waitMs);
    nowMs += waitMs;
  }
  return { waits, nowMs };
}

test("the first wrong tries are free, then the delay doubles up to its ceiling", () => {
  const { waits } = guess(new LoginThrottle(), "ada", HERE, WRONG_LOGINS_FREE + 8);
  const doubling = Array.from({ length: 8 }, (_, step) =>
    Math.min(LOGIN_DELAY_MS_MIN * 2 ** step, LOGIN_DELAY_MS_MAX),
  );
  expect(waits).toEqual(doubling);
});

test("asking during a delay does not make it longer", () => {
  const throttle = new LoginThrottle();
  const { nowMs } = guess(throttle, "ada", HERE, WRONG_LOGINS_FREE);
  expect(throttle.begin("ada", HERE, nowMs + 100)).toBe(LOGIN_DELAY_MS_MIN - 100);
  expect(throttle.begin("ada", HERE, nowMs + 200)).toBe(LOGIN_DELAY_MS_MIN - 200);
  expect(throttle.begin("ada", HERE, nowMs + LOGIN_DELAY_MS_MIN)).toBe(0);
});

test("guesses from elsewhere do not delay the rightful user, nor its first mistake for long", () => {
  const throttle = new LoginThrottle();
  const { nowMs } = guess(throttle, "ada", ELSEWHERE, WRONG_LOGINS_FREE_PER_USER + 20);
  expect(throttle.begin("ada", HERE, nowMs)).toBe(0);
  expect(throttle.begin("ada", HERE, nowMs)).toBe(LOGIN_DELAY_PER_USER_MS_MAX);
  throttle.begin("ada", ELSEWHERE, nowMs + LOGIN_DELAY_PER_USER_MS_MAX - 1);
  expect(throttle.begin("ada", HERE, nowMs + LOGIN_DELAY_PER_USER_MS_MAX)).toBe(0);
});

test("a machine that tries many users is slowed as a whole", () => {
  const throttle = new LoginThrottle();
  for (let user = 0; user < WRONG_LOGINS_FREE_PER_ADDRESS; user++)
    expect(throttle.begin(`user${user}`, HERE, 0)).toBe(0);
  expect(throttle.begin("another", HERE, 0)).toBe(LOGIN_DELAY_MS_MIN);
  expect(throttle.begin("another", ELSEWHERE, 0)).toBe(0);
});

test("a success starts afresh, and a lab of many users at one address is never slowed by it", () => {
  const throttle = new LoginThrottle();
  for (let user = 0; user < 3 * WRONG_LOGINS_FREE_PER_ADDRESS; user++) {
    expect(throttle.begin(`user${user}`, HERE, 0)).toBe(0);
    throttle.succeed(`user${user}`, HERE);
  }
  guess(throttle, "ada", HERE, WRONG_LOGINS_FREE - 1);
  expect(throttle.begin("ada", HERE, 0)).toBe(0);
  throttle.succeed("ada", HERE);
  expect(guess(throttle, "ada", HERE, WRONG_LOGINS_FREE).waits).toEqual([]);
});

test("an attacker's own successful logins do not clear what it guessed at others", () => {
  const throttle = new LoginThrottle();
  for (let user = 0; user < WRONG_LOGINS_FREE_PER_ADDRESS; user++) {
    throttle.begin("mallory", HERE, 0);
    throttle.succeed("mallory", HERE);
    throttle.begin(`user${user}`, HERE, 0);
  }
  expect(throttle.begin("mallory", HERE, 0)).toBe(LOGIN_DELAY_MS_MIN);
});

test("guesses begun in parallel count before their outcome is known", () => {
  const throttle = new LoginThrottle();
  const begun = Array.from({ length: 50 }, () => throttle.begin("ada", HERE, 0)).filter((wait) => wait === 0);
  expect(begun).toHaveLength(WRONG_LOGINS_FREE);
});

test("a try that nobody looked at does not count", () => {
  const throttle = new LoginThrottle();
  for (let tries = 0; tries < 3 * WRONG_LOGINS_FREE; tries++) {
    expect(throttle.begin("ada", HERE, 0)).toBe(0);
    throttle.withdraw("ada", HERE);
  }
});

test("wrong tries are forgotten after a while", () => {
  const throttle = new LoginThrottle();
  const { nowMs } = guess(throttle, "ada", HERE, WRONG_LOGINS_FREE + 3);
  const later = nowMs + WRONG_LOGINS_KEPT_MS + 1;
  expect(guess(throttle, "ada", HERE, WRONG_LOGINS_FREE, later).waits).toEqual([]);
});

test("memory is bounded: the oldest pairs are forgotten first, the flooding address is not", () => {
  const throttle = new LoginThrottle();
  guess(throttle, "ada", ELSEWHERE, WRONG_LOGINS_FREE);
  expect(throttle.begin("ada", ELSEWHERE, 0)).toBeGreaterThan(0);
  for (let user = 0; user < LOGIN_THROTTLE_ENTRIES_MAX; user++)
    throttle.begin(`user${user}`, `10.${user >> 16}.${(user >> 8) & 255}.${user & 255}`, 0);
  expect(throttle.begin("ada", ELSEWHERE, 0)).toBe(0);
});
