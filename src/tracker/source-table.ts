/**
 * The sources of many files, each machine named once.
 *
 * A place is the number of a source in the table. Beyond SOURCES_MAX machines none comes in: of files that are shared by
 * more than those, some sources are left out, and a file that only such others share has none.
 */
import type { Fingerprint } from "../base/ids.ts";
import { SOURCES_MAX } from "../base/limits.ts";
import type { Source } from "../wire/client-tracker.ts";

export class SourceTable {
  readonly sources: Source[] = [];
  readonly #places = new Map<Fingerprint, number>();

  places(sources: readonly Source[]): number[] {
    return sources.flatMap((source) => this.#place(source) ?? []);
  }

  #place(source: Source): number | undefined {
    const known = this.#places.get(source.fingerprint);
    if (known !== undefined || this.sources.length === SOURCES_MAX) return known;
    this.#places.set(source.fingerprint, this.sources.length);
    return this.sources.push(source) - 1;
  }
}
