/**
 * One connection to one tracker, as the session needs it. `dial-tracker.ts` makes real ones.
 *
 * Nothing is repeated or reconnected here: a link that has ended stays ended, and its unanswered calls are rejected.
 */
import type { Failure } from "../base/failure.ts";
import type { Method, Notice, Params, Result } from "../wire/client-tracker.ts";

export interface Answer<M extends Method> {
  readonly result: Result<M>;
  /** Raw bytes behind the result; empty for most methods. */
  readonly tail: Uint8Array;
}

/** Asking, whoever answers. */
export interface TrackerCalls {
  /** @throws Failure what the tracker answered, or why there was no answer */
  call<M extends Method>(method: M, params: Params<M>, tail?: Uint8Array): Promise<Answer<M>>;
}

export interface TrackerLink extends TrackerCalls {
  readonly isOpen: boolean;
  close(reason?: Failure): void;
}

export interface TrackerLinkHandler {
  notice(notice: Notice): void;
  /** The end, once, whoever caused it. */
  closed(reason: Failure | undefined): void;
}

/** @param index into the list of trackers. @throws Failure */
export type DialTracker = (index: number, handler: TrackerLinkHandler) => Promise<TrackerLink>;
