/**
 * What happened to users while they were offline, kept until their next login.
 *
 * Kept in the store's small values, a list per user, so that a restart loses none of it; at most NOTICES_KEPT_MAX each,
 * the oldest going first. It is no part of the log: news are derived from entries, told once, and forgotten. Two limits
 * follow: a crash between a command's commit and this one's loses its news (the state itself says the same), and news
 * whose login answer never arrived is not told again.
 */
import * as v from "valibot";
import type { Uid } from "../base/ids.ts";
import { NOTICES_KEPT_MAX } from "../base/limits.ts";
import { type News, news } from "../wire/client-tracker.ts";

/** The part of the store that is needed here. */
export interface NewsShelf {
  getMeta(key: string): string | undefined;
  setMeta(key: string, value: string): void;
}

const kept = v.array(news);

export class NewsBook {
  readonly #shelf: NewsShelf;

  constructor(shelf: NewsShelf) {
    this.#shelf = shelf;
  }

  /** @throws Failure "disk-error" */
  keep(uid: Uid, items: readonly News[]): void {
    const all = [...this.#read(uid), ...items].slice(-NOTICES_KEPT_MAX);
    this.#shelf.setMeta(metaKey(uid), JSON.stringify(all));
  }

  /**
   * Drops what was kept: the user has logged in at another tracker, which kept the same and has handed it out.
   * @throws Failure "disk-error"
   */
  forget(uid: Uid): void {
    this.take(uid);
  }

  /** Hands out what was kept, oldest first, and forgets it. @throws Failure "disk-error" */
  take(uid: Uid): News[] {
    const all = this.#read(uid);
    if (all.length > 0) this.#shelf.setMeta(metaKey(uid), "[]");
    return all;
  }

  /** What cannot be read any more is dropped: news of an older version are not worth a refused login. */
  #read(uid: Uid): News[] {
    const result = v.safeParse(kept, parseJson(this.#shelf.getMeta(metaKey(uid)) ?? "[]"));
    return result.success ? result.output : [];
  }
}

function metaKey(uid: Uid): string {
  return `news/${uid}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
