/**
 * Tokens that open a session without the password: signed by a tracker, bound to the client's key and to the password
 * under which they were issued. Nothing is remembered: any tracker that trusts the signature accepts them, also after a
 * restart, until they expire or the password changes.
 */
import type { KeyObject } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { SESSION_LIFETIME_MS } from "../base/limits.ts";
import { sign, verify } from "../wire/signed.ts";
import { type AccountRow, accountOf } from "./core/queries.ts";
import type { State } from "./core/state.ts";

export interface SessionTokenDependencies {
  readonly state: State;
  readonly clock: Clock;
  readonly signingKey: KeyObject;
  /** Public keys of the trackers whose sessions count here. */
  readonly keys: () => readonly string[];
}

export class SessionTokens {
  readonly #dependencies: SessionTokenDependencies;

  constructor(dependencies: SessionTokenDependencies) {
    this.#dependencies = dependencies;
  }

  /** @param fingerprint of the connection on which the user has proven who it is */
  issue({ uid, passwordStamp }: AccountRow, fingerprint: Fingerprint): string {
    const { clock, signingKey } = this.#dependencies;
    const issuedMs = clock.nowMs();
    const expiresMs = issuedMs + SESSION_LIFETIME_MS;
    return sign({ purpose: "session", uid, fingerprint, issuedMs, expiresMs, passwordStamp }, signingKey);
  }

  /**
   * @param fingerprint of the very connection over which the token was shown
   * @returns the account; "try-later" if this tracker has not heard of it yet, else "not-logged-in"
   */
  check(token: string, fingerprint: Fingerprint): AccountRow | Failure {
    const { state, clock, keys } = this.#dependencies;
    const refuse = (why: string) => new Failure("not-logged-in", `${why}: log in again`);
    const session = verify(token, "session", keys());
    if (session instanceof Failure) return refuse("the session is not known here");
    if (session.fingerprint !== fingerprint) return refuse("the session is of another machine");
    if (session.expiresMs <= clock.nowMs()) return refuse("the session has expired");
    const account = accountOf(state, session.uid);
    if (account === undefined)
      return new Failure("try-later", "this tracker does not know the account yet; try again shortly");
    if (account.passwordStamp !== session.passwordStamp) return refuse("the password was changed");
    return account;
  }
}
