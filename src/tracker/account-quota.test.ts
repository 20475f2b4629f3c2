import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import { ACCOUNTS_PER_ADDRESS_AT_ONCE_MAX, ACCOUNTS_PER_ADDRESS_PER_SECOND_MAX } from "../base/limits.ts";
import { AccountQuota } from "./account-quota.ts";

const made = () => Promise.resolve("made");

/** @returns how many accounts were made from there, one after the other, until one was refused */
async function makeAll(quota: AccountQuota, host: string, nowMs: number): Promise<number> {
  for (let accounts = 0; accounts < 2 * ACCOUNTS_PER_ADDRESS_AT_ONCE_MAX; accounts++) {
    const outcome = await quota.within(host, nowMs, made).catch((error: unknown) => error);
    if (outcome instanceof Failure) {
      expect(outcome.code).toBe("try-later");
      return accounts;
    }
  }
  return Number.POSITIVE_INFINITY;
}

test("an address makes many accounts at once, then few, and takes nothing from another", async () => {
  const quota = new AccountQuota();
  expect(await makeAll(quota, "192.0.2.1", 0)).toBe(ACCOUNTS_PER_ADDRESS_AT_ONCE_MAX);
  expect(await makeAll(quota, "192.0.2.1", 10_000)).toBe(10 * ACCOUNTS_PER_ADDRESS_PER_SECOND_MAX);
  expect(await makeAll(quota, "192.0.2.2", 10_000)).toBe(ACCOUNTS_PER_ADDRESS_AT_ONCE_MAX);
});
