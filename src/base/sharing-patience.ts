/**
 * Patience with other programs that have a file open for a moment, such as a search index or a virus scanner.
 *
 * Windows refuses to rename or remove such a file, with errors that it also gives for good: so there are few tries, and the
 * last one's error is the caller's. Elsewhere names and open files have nothing to do with each other, and nothing is
 * tried twice.
 */
import { SHARING_PAUSES_MS } from "./limits.ts";
import { HERE } from "./platform.ts";
import { pause } from "./system-clock.ts";

export type Patience = <T>(call: () => Promise<T>) => Promise<T>;

/** @param call that renames or removes; it may be repeated */
export const patiently: Patience = patience(HERE.sharingErrors, pause);

export function patience(sharingErrors: ReadonlySet<string>, wait: (ms: number) => Promise<void>): Patience {
  return async (call) => {
    for (const ms of SHARING_PAUSES_MS) {
      try {
        return await call();
      } catch (error) {
        if (!sharingErrors.has(String((error as { code?: unknown }).code))) throw error;
      }
      await wait(ms);
    }
    return await call();
  };
}
