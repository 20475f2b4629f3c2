/**
 * What the methods of the protocol work with, and the forms that they have.
 *
 * A method gets checked parameters and gives its result or throws a Failure. One for those who are logged in is handed
 * the user and the machine of the session as `caller`.
 */
import type { KeyObject } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Prng } from "../base/prng.ts";
import type { Method, Params, Result } from "../wire/client-tracker.ts";
import type { AccountQuota } from "./account-quota.ts";
import type { Announcer } from "./announcer.ts";
import type { BlobUploads } from "./blob-uploads.ts";
import type { ClientLink, LinkSession } from "./client-link.ts";
import type { CommandLog } from "./command-log.ts";
import type { CopiesNotices } from "./copies-notice.ts";
import type { State } from "./core/state.ts";
import type { DialBack } from "./dial-back.ts";
import type { LoginThrottle } from "./login-throttle.ts";
import type { NewsBook } from "./news.ts";
import type { Passwords } from "./passwords.ts";
import type { Device, Presence } from "./presence.ts";
import type { Cluster } from "./replication/cluster.ts";
import type { SessionTokens } from "./session-tokens.ts";
import type { EventStore } from "./store/event-store.ts";

export interface Desk {
  /** Name and version. */
  readonly program: string;
  /** The tracker's number: a label. */
  readonly no: number;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly state: State;
  readonly commands: CommandLog;
  readonly store: EventStore;
  readonly presence: Presence<ClientLink>;
  readonly announcer: Announcer;
  readonly news: NewsBook;
  /** The other trackers. */
  readonly cluster: Cluster;
  readonly uploads: BlobUploads<ClientLink>;
  readonly passwords: Passwords;
  readonly accountQuota: AccountQuota;
  readonly throttle: LoginThrottle;
  readonly tokens: SessionTokens;
  /** Signs grants. */
  readonly signingKey: KeyObject;
  /** Public keys of the trackers whose signatures count. */
  readonly keys: () => readonly string[];
  /** Resolves when clients may be served. @throws Failure "try-later" if that takes long */
  readonly ready: () => Promise<void>;
  readonly copiesNotices: CopiesNotices;
  readonly dialBack: DialBack;
}

/** A result with raw bytes behind it. */
export class WithTail<R> {
  constructor(
    readonly result: R,
    readonly tail: Uint8Array,
  ) {}
}

type Answer<M extends Method> = Result<M> | WithTail<Result<M>>;

/** A method as a connection calls it. */
export type LinkMethod<M extends Method> = (
  desk: Desk,
  link: ClientLink,
  params: Params<M>,
  tail: Uint8Array,
) => Answer<M> | Promise<Answer<M>>;

/** Somebody logged in, on this machine, over this connection. */
export interface Caller extends Device {
  readonly link: ClientLink;
  readonly session: LinkSession;
}

/** A method for those who are logged in. */
export type CallerMethod<M extends Method> = (
  desk: Desk,
  caller: Caller,
  params: Params<M>,
  tail: Uint8Array,
) => Answer<M> | Promise<Answer<M>>;

/** Lets a method be called only with a session. */
export function withSession<P, A>(method: (desk: Desk, caller: Caller, params: P, tail: Uint8Array) => A) {
  return (desk: Desk, link: ClientLink, params: P, tail: Uint8Array): A => {
    const { session, fingerprint } = link;
    if (session === undefined) throw new Failure("not-logged-in", "not logged in; login <user_id> <passwd>");
    return method(desk, { link, session, uid: session.uid, fingerprint }, params, tail);
  };
}
