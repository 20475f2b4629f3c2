/** How this process is asked to end, and how long it may take to do so in order. */
import { CLOSE_MS_MAX } from "../base/limits.ts";
import { HERE } from "../base/platform.ts";
import { systemClock } from "../base/system-clock.ts";

/** @returns a signal that aborts at the first signal of the system; a second one ends the process at once */
export function onEndSignal(): AbortSignal {
  const ended = new AbortController();
  const end = () => {
    for (const name of HERE.endSignals) process.off(name, end);
    ended.abort();
  };
  for (const name of HERE.endSignals) process.on(name, end);
  return ended.signal;
}

/** Waits for the end of `closing`, but not for ever: after a kill nothing is lost either. */
export async function withinCloseTime(closing: Promise<void>): Promise<void> {
  let cancel = () => {};
  const late = new Promise<void>((resolve) => {
    cancel = systemClock.after(CLOSE_MS_MAX, resolve);
  });
  try {
    await Promise.race([closing, late]);
  } finally {
    cancel();
  }
}
