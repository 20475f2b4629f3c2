import type { Clock } from "./clock.ts";

/** Calls `run` again and again, each time so long after the last call has ended. @returns what ends it */
export function every(clock: Clock, ms: number, run: () => unknown): () => void {
  let cancel = () => {};
  let isStopped = false;
  const arm = () => {
    if (!isStopped) cancel = clock.after(ms, () => void act());
  };
  const act = async () => {
    try {
      await run();
    } finally {
      arm();
    }
  };
  arm();
  return () => {
    isStopped = true;
    cancel();
  };
}
