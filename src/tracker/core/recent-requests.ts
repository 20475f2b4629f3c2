/**
 * The requests whose entries came last, so that a repeated command is answered and not redone.
 *
 * A memory, not a fact: it depends on the order of arrival, is bounded, and no part of what trackers compare. What a
 * repetition could make twice derives its id from the request and is one thing all the same.
 */
import type { RequestId } from "../../base/ids.ts";
import { REQUESTS_REMEMBERED_MAX } from "../../base/limits.ts";

export class RecentRequests {
  /** Two generations: the older one goes as a whole when the younger is full, so that forgetting costs nothing. */
  #young = new Set<RequestId>();
  #old = new Set<RequestId>();
  readonly #generationMax: number;

  constructor(max = REQUESTS_REMEMBERED_MAX) {
    this.#generationMax = Math.ceil(max / 2);
  }

  has(request: RequestId): boolean {
    return this.#young.has(request) || this.#old.has(request);
  }

  add(request: RequestId): void {
    if (this.#young.has(request)) return;
    if (this.#young.size >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(request);
  }
}
