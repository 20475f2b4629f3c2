/**
 * What a client is told of how many trackers have its commands: the first time, and then whenever it has changed.
 *
 * Kept for each connection as long as that lives. Whether a command may be answered is not decided here.
 */
import type { Notice } from "../wire/client-tracker.ts";

type CopiesNotice = Extract<Notice, { kind: "alone" | "together" }>;

export class CopiesNotices {
  readonly #told = new WeakMap<object, CopiesNotice["kind"]>();

  /**
   * To be asked before a changing command is answered; what it gives goes out before the answer.
   * @param link the client's connection
   * @param copies trackers that have the command on their disks, this one included
   * @param of trackers listed, this one included: a single one has nothing to tell
   */
  next(link: object, copies: number, of: number): CopiesNotice | undefined {
    if (of < 2) return undefined;
    const notice: CopiesNotice = copies < 2 ? { kind: "alone", of } : { kind: "together" };
    if (this.#told.get(link) === notice.kind) return undefined;
    this.#told.set(link, notice.kind);
    return notice;
  }
}
