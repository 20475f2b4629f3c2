/**
 * Shares of many small files on their way to the tracker: those that come together go in one call.
 *
 * Two calls at most are under way for one group; what is asked meanwhile waits for the next. Each share is answered by
 * itself. A tracker of before knows no such call: it is told one by one.
 */
import { defined } from "../base/assert.ts";
import { Failure, isFailure, toFailure } from "../base/failure.ts";
import { SHARE_CALLS_AT_ONCE_MAX, SHARES_PER_CALL_MAX } from "../base/limits.ts";
import type { OneShare, Result } from "../wire/client-tracker.ts";
import type { GroupRef } from "./blob-transfer.ts";
import type { TrackerCalls } from "./tracker-link.ts";

interface Waiting extends PromiseWithResolvers<Result<"share">> {
  readonly share: OneShare;
  /** undefined: the tracker has it. */
  readonly pieceList: Uint8Array | undefined;
}

/** Of one group, all with their piece lists or all without. */
interface Line {
  readonly group: GroupRef;
  readonly waiting: Waiting[];
  calls: number;
}

export class ShareBatches {
  readonly #calls: TrackerCalls;
  readonly #lines = new Map<string, Line>();

  constructor(calls: TrackerCalls) {
    this.#calls = calls;
  }

  /** @throws Failure */
  share(group: GroupRef, share: OneShare, pieceList?: Uint8Array): Promise<Result<"share">> {
    const key = `${group.gid ?? ""} ${group.group} ${pieceList === undefined}`;
    const line = this.#lines.get(key) ?? { group, waiting: [], calls: 0 };
    this.#lines.set(key, line);
    const waiting = { share, pieceList, ...Promise.withResolvers<Result<"share">>() };
    line.waiting.push(waiting);
    if (line.waiting.length === 1) setImmediate(() => this.#moveOn(key, line));
    return waiting.promise;
  }

  #moveOn(key: string, line: Line): void {
    while (line.calls < SHARE_CALLS_AT_ONCE_MAX && line.waiting.length > 0) {
      line.calls++;
      const some = line.waiting.splice(0, SHARES_PER_CALL_MAX);
      void this.#tell(line.group, some).finally(() => {
        line.calls--;
        this.#moveOn(key, line);
      });
    }
    if (line.calls === 0 && this.#lines.get(key) === line) this.#lines.delete(key);
  }

  async #tell(group: GroupRef, some: readonly Waiting[]): Promise<void> {
    try {
      const shares = some.map(({ share }) => share);
      const tail = Buffer.concat(some.map(({ pieceList }) => pieceList ?? new Uint8Array()));
      const { result } = await this.#calls.call("share_many", { ...group, shares }, tail);
      for (const [at, { resolve, reject }] of some.entries()) {
        const { listingId, name, failure } = result.outcomes[at] ?? {};
        if (failure !== undefined) reject(new Failure(failure.code, failure.message));
        else
          resolve({
            gid: result.gid,
            listingId: defined(listingId, "a share without a failure is listed"),
            name: defined(name, "a share without a failure has a name"),
          });
      }
    } catch (error) {
      if (isFailure(error) && error.code === "protocol") await this.#tellOneByOne(group, some);
      else for (const { reject } of some) reject(toFailure(error));
    }
  }

  async #tellOneByOne(group: GroupRef, some: readonly Waiting[]): Promise<void> {
    const told = some.map(async ({ share, pieceList, resolve, reject }) => {
      const call = this.#calls.call("share", { ...group, ...share }, pieceList);
      await call.then(({ result }) => resolve(result), reject);
    });
    await Promise.all(told);
  }
}
