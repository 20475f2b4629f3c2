import { expect, test } from "bun:test";
import { SHARING_PAUSES_MS } from "./limits.ts";
import { LINUX, MACOS, WINDOWS } from "./platform.ts";
import { patience } from "./sharing-patience.ts";

/** Fails so often with that error, then works. */
function failing(code: string, times: number) {
  const call = async () => {
    if (++call.tries <= times) throw Object.assign(new Error(code), { code });
    return "done";
  };
  call.tries = 0;
  return call;
}

function patient({ sharingErrors }: Pick<typeof WINDOWS, "sharingErrors">) {
  const waits: number[] = [];
  const run = patience(sharingErrors, async (ms) => void waits.push(ms));
  return { run, waits };
}

test("what another program has open on Windows is tried again until it lets go", async () => {
  for (const code of ["EBUSY", "EPERM", "EACCES"]) {
    const { run, waits } = patient(WINDOWS);
    expect(await run(failing(code, 2))).toBe("done");
    expect(waits).toEqual(SHARING_PAUSES_MS.slice(0, 2));
  }
});

test("it is tried for about a second, then its own error is told", async () => {
  const { run, waits } = patient(WINDOWS);
  const call = failing("EBUSY", 1_000);
  await expect(run(call)).rejects.toThrow("EBUSY");
  expect(call.tries).toBe(SHARING_PAUSES_MS.length + 1);
  const allMs = waits.reduce((sum, ms) => sum + ms, 0);
  expect(allMs).toBeWithin(500, 2_000);
});

test("other errors are told at once, and elsewhere all are", async () => {
  for (const [platform, code] of [
    [WINDOWS, "ENOSPC"],
    [LINUX, "EACCES"],
    [MACOS, "EBUSY"],
  ] as const) {
    const { run, waits } = patient(platform);
    const call = failing(code, 1);
    await expect(run(call)).rejects.toThrow(code);
    expect([call.tries, waits]).toEqual([1, []]);
  }
});
