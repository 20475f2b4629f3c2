/** How long something took, and how late this machine was meanwhile: a bound on the one must not fail for the other. */

/** How often it is looked whether a timer is late. */
const TICK_MS = 20;

export interface Timed<T> {
  readonly value: T;
  readonly ms: number;
  /** The longest time that a timer of this process came late: what a busy machine may have added to each step. */
  readonly lateMs: number;
}

export async function timed<T>(act: () => Promise<T>): Promise<Timed<T>> {
  let lateMs = 0;
  let dueMs = performance.now() + TICK_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    lateMs = Math.max(lateMs, nowMs - dueMs);
    dueMs = nowMs + TICK_MS;
  }, TICK_MS);
  const startMs = performance.now();
  try {
    const value = await act();
    return { value, ms: performance.now() - startMs, lateMs };
  } finally {
    clearInterval(timer);
  }
}

/** The time of one of its own that a promise of `boundMs` leaves to a machine that was that late. */
export function allowedMs(boundMs: number, { lateMs }: Timed<unknown>): number {
  const steps = 4;
  return boundMs + steps * lateMs;
}
