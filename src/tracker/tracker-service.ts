/**
 * A tracker without sockets: its state brought back from the store, its methods answered, its clients told.
 *
 * One run of one tracker: the log is read once, at the start; what is written from then on belongs to the run's own
 * origin. When the disk fails, nothing more is promised to anybody: every method is refused from then on and `failed`
 * is called, once.
 */
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Prng } from "../base/prng.ts";
import { count } from "../base/text.ts";
import type { SigningKey } from "../net/identity.ts";
import type { Method, Params } from "../wire/client-tracker.ts";
import type { Entry, Origin } from "../wire/entry.ts";
import { closeSession } from "./account-methods.ts";
import { AccountQuota } from "./account-quota.ts";
import { Announcer } from "./announcer.ts";
import { BlobUploads } from "./blob-uploads.ts";
import type { ClientLink } from "./client-link.ts";
import { CommandLog } from "./command-log.ts";
import { stampMs } from "./core/hybrid-time.ts";
import { TrackerCore } from "./core/machine.ts";
import type { State } from "./core/state.ts";
import type { Desk } from "./desk.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { NewsBook } from "./news.ts";
import type { Passwords } from "./passwords.ts";
import { Presence } from "./presence.ts";
import { SessionTokens } from "./session-tokens.ts";
import type { EventStore } from "./store/event-store.ts";
import { answerMethod, type MethodAnswer } from "./tracker-methods.ts";

export interface TrackerServiceDependencies {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly signing: SigningKey;
  readonly passwords: Passwords;
  /** Runs something when this turn of the event loop is over. */
  readonly afterTurn: (run: () => void) => void;
  /** Told once, when the disk has failed: the tracker must end. */
  readonly failed: (failure: Failure) => void;
}

export interface TrackerServiceOptions {
  /** The tracker's number. */
  readonly no: number;
  /** Of this run alone. */
  readonly origin: Origin;
}

const STOPPED = new Failure("try-later", "this tracker has stopped; try another tracker");

export class TrackerService {
  readonly #desk: Desk;
  readonly #failed: (failure: Failure) => void;
  #stopped = false;

  /** Reads the whole log. @throws Failure "disk-error" or "corrupt" */
  constructor(dependencies: TrackerServiceDependencies, { no, origin }: TrackerServiceOptions) {
    const { store, clock, prng, signing, passwords, afterTurn } = dependencies;
    this.#failed = dependencies.failed;
    const core = new TrackerCore(origin);
    const presence = new Presence<ClientLink>();
    core.restore(sharersSeen(store.replay(), presence), clock.nowMs());
    const { state } = core;
    const news = new NewsBook(store);
    const endSession = (link: ClientLink) => closeSession(this.#desk, link);
    const announcer = new Announcer({ state, presence, news, endSession });
    const keys = () => [signing.publicKey];
    this.#desk = {
      no,
      clock,
      prng,
      state,
      store,
      presence,
      news,
      announcer,
      commands: new CommandLog({
        core,
        store,
        clock,
        announce: (announcements) => announcer.announce(announcements),
        failed: (failure) => this.#fail(failure),
        afterTurn,
      }),
      uploads: new BlobUploads(),
      passwords,
      accountQuota: new AccountQuota(),
      throttle: new LoginThrottle(),
      tokens: new SessionTokens({ state, clock, signingKey: signing.privateKey, keys }),
      signingKey: signing.privateKey,
      keys,
    };
  }

  /** @param params checked against the method's schema. @throws Failure */
  async answer<M extends Method>(
    link: ClientLink,
    method: M,
    params: Params<M>,
    tail: Uint8Array,
  ): Promise<MethodAnswer<M>> {
    if (this.#stopped) throw STOPPED;
    try {
      return await answerMethod(this.#desk, link, method, params, tail);
    } catch (error) {
      if (error instanceof Failure && error.code === "disk-error") this.#fail(error);
      throw error;
    }
  }

  /** The connection has ended, and with it all that it held. */
  disconnected(link: ClientLink): void {
    closeSession(this.#desk, link);
    this.#desk.uploads.forget(link);
  }

  /** What this tracker knows, to be looked at. */
  get state(): State {
    return this.#desk.state;
  }

  /** For the tracker's own prompt, a line each. */
  status(): string[] {
    const { presence, store } = this.#desk;
    const entries = [...store.vector().values()].reduce((sum, last) => sum + last, 0);
    return [
      `online: ${count(presence.users, "user")} on ${count(presence.devices, "machine")}`,
      `log: ${count(entries, "entry", "entries")}`,
    ];
  }

  /** Refuses everything from now on. */
  stop(): void {
    this.#stopped = true;
    this.#desk.commands.stop(STOPPED);
  }

  #fail(failure: Failure): void {
    if (this.#stopped) return;
    this.stop();
    this.#failed(failure);
  }
}

/**
 * Passes the entries on. A machine was online when it shared or stopped sharing a file: that is all that the log, and so
 * a tracker after its start, knows of when it was there last.
 */
function* sharersSeen(entries: Iterable<Entry>, presence: Presence<ClientLink>): Generator<Entry> {
  for (const entry of entries) {
    const { body, stamp } = entry;
    if (body.kind === "share-set") presence.seen({ uid: body.uid, fingerprint: body.device }, stampMs(stamp));
    yield entry;
  }
}
