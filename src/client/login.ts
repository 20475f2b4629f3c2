/** What lives from login to logout: who it is, its shares, its downloads, and what concerns both. */
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Uid, UserName } from "../base/ids.ts";
import { RESTORE_WAIT_MS } from "../base/limits.ts";
import type { TransferEngine } from "../transfer/contract.ts";
import type { ClientParts } from "./client-parts.ts";
import { type Departure, DownloadKeeper } from "./download-keeper.ts";
import { FollowKeeper } from "./follow-keeper.ts";
import type { GroupTest } from "./group-test.ts";
import type { ShareRecord } from "./library-rows.ts";
import { ManifestShelf } from "./manifest-shelf.ts";
import { ShareCalls } from "./share-calls.ts";
import { type Renaming, ShareKeeper } from "./share-keeper.ts";
import { ShareWatch } from "./share-watch.ts";
import type { TrackerCalls } from "./tracker-link.ts";
import type { TrackerSession } from "./tracker-session.ts";
import { Uploader } from "./uploader.ts";
import type { ClientEvent } from "./views.ts";

export interface LoginDependencies {
  readonly parts: ClientParts;
  readonly engine: TransferEngine;
  readonly session: TrackerSession;
  readonly emit: (event: ClientEvent) => void;
}

export class Login {
  readonly uid: Uid;
  readonly shares: ShareKeeper;
  readonly uploads: Uploader;
  readonly downloads: DownloadKeeper;
  readonly follows: FollowKeeper;
  readonly #clock: Clock;
  readonly #watch: ShareWatch<ShareRecord>;
  readonly #wishes = new Set<{ readonly isThat: GroupTest; readonly how: Departure }>();
  #user: UserName;
  #closed = false;

  constructor(
    { parts, engine, session, emit }: LoginDependencies,
    { uid, name }: { readonly uid: Uid; readonly name: UserName },
  ) {
    const { clock, files, fingerprint, hashJournals, newRequestId, workers, journalPath } = parts;
    const library = parts.library.of(uid);
    const calls = this.#calls(session);
    const manifests = new ManifestShelf(parts.lists, calls);
    const common = { calls, engine, files, manifests, library, emit };
    const tracker = new ShareCalls({ calls, manifests, newRequestId });
    const shares = new ShareKeeper({ ...common, tracker });
    this.uid = uid;
    this.#user = name;
    this.#clock = clock;
    this.shares = shares;
    this.uploads = new Uploader({ tracker, shares, workers, hashJournals, files, manifests, library });
    this.#watch = new ShareWatch({
      clock,
      shares: () => shares.offered(),
      look: (share) => shares.lookAt(share),
    });
    const isTrackerUp = () => session.tracker !== undefined;
    this.downloads = new DownloadKeeper({
      ...common,
      clock,
      fingerprint,
      isTrackerUp,
      addShare: (downloaded) => shares.addDownloaded(downloaded),
      journalPath: (gid, listingId) => journalPath(uid, gid, listingId),
      moved: () => this.follows.moved(),
    });
    this.follows = new FollowKeeper({ ...common, clock, isTrackerUp, shares, downloads: this.downloads });
  }

  /**
   * Brings shares and downloads back; what takes long goes on behind the login.
   * @param failed told why shares could not be brought back
   */
  async restore(failed: (error: unknown) => void): Promise<void> {
    this.downloads.restore();
    const restored = this.shares.restore().catch(failed);
    const { promise: longEnough, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(RESTORE_WAIT_MS, resolve);
    await Promise.race([restored, longEnough]);
    cancel();
    this.follows.lookAgain();
  }

  /** Resolves when no download runs and nothing followed is to be fetched. */
  async whenIdle(): Promise<void> {
    do {
      await this.follows.whenWalked();
      await this.downloads.whenIdle();
    } while (this.follows.isBusy);
  }

  /** What the account is called now. */
  get user(): UserName {
    return this.#user;
  }

  userRenamed(name: UserName): void {
    this.#user = name;
  }

  /** @throws Failure of the library */
  renamed(renaming: Renaming): void {
    this.shares.renamed(renaming);
    this.downloads.renamed(renaming);
    this.follows.renamed(renaming);
  }

  /** Another tracker answers, or the same one again. @throws Failure */
  async trackerUp(): Promise<void> {
    this.downloads.trackerUp();
    await this.shares.trackerUp();
    this.follows.lookAgain();
  }

  /** This user's own wish: word of its outcome may come before the answer, and is to be told as what was wished. */
  async depart(isThat: GroupTest, how: Departure, asked: Promise<void>): Promise<void> {
    const wish = { isThat, how };
    this.#wishes.add(wish);
    try {
      await asked;
      await this.#endGroup(isThat, how);
    } finally {
      this.#wishes.delete(wish);
    }
  }

  /** Nothing is shared or downloaded in that group any more. */
  async leftGroup(isThat: GroupTest, how: Departure): Promise<void> {
    for (const wish of this.#wishes) {
      const isWished: GroupTest = (one) => isThat(one) && wish.isThat(one);
      await this.#endGroup(isWished, wish.how);
    }
    await this.#endGroup(isThat, how);
  }

  async #endGroup(isThat: GroupTest, how: Departure): Promise<void> {
    this.follows.leaveGroup(isThat, how);
    await this.downloads.leaveGroup(isThat, how);
    await this.shares.leaveGroup(isThat);
  }

  /** The session as long as it is this user's: what still runs after the log-out must not act for the next one. */
  #calls(session: TrackerSession): TrackerCalls {
    return {
      call: (method, params, tail) => {
        if (!this.#closed) return session.call(method, params, tail);
        return Promise.reject(new Failure("not-logged-in", `${this.#user} has logged out`));
      },
    };
  }

  /** Begins nothing more; what is offered and what runs is the transfer's to end. */
  close(): void {
    this.#closed = true;
    this.#watch.close();
    this.follows.close();
    this.uploads.close();
    this.shares.close();
    this.downloads.close();
  }
}
