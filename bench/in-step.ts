/** Waiting for real trackers to have met, and to hold the same: asked at their own prompt. */
import type { Program } from "../e2e/harness/program.ts";

const LOOK_PAUSE_MS = 20;

/** Resolves when `tracker` says that it and the other one hold the same. */
export async function inStep(tracker: Program, other: number, pauseMs = LOOK_PAUSE_MS): Promise<void> {
  for (;;) {
    const from = tracker.out.length;
    tracker.write("status\n");
    const line = await tracker.until(
      "its status",
      () => tracker.out.slice(from).find((text) => text.startsWith(`tracker ${other} at `)),
      600_000,
    );
    if (/: in step,/.test(line)) return;
    await Bun.sleep(pauseMs);
  }
}

/** Resolves when `tracker` has reached the other one, `times` times in its life. */
export async function hasReached(tracker: Program, other: number, times = 1): Promise<void> {
  const reached = new RegExp(`tracker ${other} at \\S+ reached`);
  await tracker.until(`tracker ${other} reached`, () =>
    [...tracker.out, ...tracker.err].filter((line) => reached.test(line)).length >= times ? true : undefined,
  );
}
