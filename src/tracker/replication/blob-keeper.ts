/**
 * Piece lists that this tracker lacks, fetched from the others by their digest.
 *
 * A digest is fetched once at a time, from one tracker after the other until one has it whole; the store holds every list
 * against its digest. What nobody in reach has is asked for again when somebody needs it, or another comes into reach.
 */
import type { Digest } from "../../base/ids.ts";
import { BLOB_FETCHES_AT_ONCE_MAX, BLOB_PART_BYTES, BLOB_SCAN_FILES } from "../../base/limits.ts";
import type { EventStore } from "../store/event-store.ts";

/** Another tracker. */
export interface BlobSource {
  readonly isInReach: boolean;
  /** @throws Failure if it has not got it */
  getBlob(digest: Digest, offset: number): Promise<{ bytes: Uint8Array; total: number }>;
}

export interface BlobKeeperDependencies {
  readonly store: Pick<EventStore, "hasBlob" | "putBlob">;
  readonly sources: readonly BlobSource[];
  /** The digests of all files. */
  readonly digests: () => Iterable<Digest>;
  readonly afterTurn: (run: () => void) => void;
  /** Told of a disk that fails. */
  readonly failed: (error: unknown) => void;
}

export class BlobKeeper {
  readonly #dependencies: BlobKeeperDependencies;
  /** Under way or in line, by digest. */
  readonly #fetches = new Map<Digest, Promise<boolean>>();
  readonly #line: (() => void)[] = [];
  #running = 0;
  #isScanning = false;

  constructor(dependencies: BlobKeeperDependencies) {
    this.#dependencies = dependencies;
  }

  /** @returns whether the piece list is here, now or after it has been fetched. @throws Failure "disk-error" */
  async ensure(digest: Digest): Promise<boolean> {
    if (this.#dependencies.store.hasBlob(digest)) return true;
    let fetch = this.#fetches.get(digest);
    if (fetch === undefined) {
      fetch = this.#inLine(() => this.#fetch(digest)).finally(() => this.#fetches.delete(digest));
      this.#fetches.set(digest, fetch);
    }
    return fetch;
  }

  /** As `ensure`, for what nobody waits for. */
  want(digest: Digest): void {
    this.ensure(digest).catch(this.#dependencies.failed);
  }

  /** Looks through all files for lists that are missing, a few at a time. */
  scan(): void {
    if (this.#isScanning) return;
    this.#isScanning = true;
    const digests = this.#dependencies.digests()[Symbol.iterator]();
    const look = () => {
      for (let looked = 0; looked < BLOB_SCAN_FILES; looked++) {
        const { done, value } = digests.next();
        if (done === true) {
          this.#isScanning = false;
          return;
        }
        if (!this.#dependencies.store.hasBlob(value)) this.want(value);
      }
      this.#dependencies.afterTurn(look);
    };
    look();
  }

  async #inLine<T>(run: () => Promise<T>): Promise<T> {
    while (this.#running >= BLOB_FETCHES_AT_ONCE_MAX)
      await new Promise<void>((resolve) => this.#line.push(resolve));
    this.#running++;
    try {
      return await run();
    } finally {
      this.#running--;
      this.#line.shift()?.();
    }
  }

  async #fetch(digest: Digest): Promise<boolean> {
    for (const source of this.#dependencies.sources) {
      if (source.isInReach && (await this.#fetchFrom(source, digest))) return true;
    }
    return this.#dependencies.store.hasBlob(digest);
  }

  async #fetchFrom(source: BlobSource, digest: Digest): Promise<boolean> {
    for (let offset = 0; ; offset += BLOB_PART_BYTES) {
      const part = await source.getBlob(digest, offset).catch(() => undefined);
      if (part === undefined) return false;
      if (this.#dependencies.store.putBlob(digest, offset, part.bytes, part.total) === "whole") return true;
    }
  }
}
