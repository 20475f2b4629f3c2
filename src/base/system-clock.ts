import type { Clock } from "./clock.ts";

/** The machine's clocks. Its timers do not keep the process alive: sockets and the prompt do. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Unlike those of the clock it keeps the process alive: for waits in the middle of something. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
