/**
 * Who may be served: grants held against the trackers' keys, and removals that outrun them. Pure but for the clock.
 *
 * A removed member may hold a grant that runs for minutes more. A revocation therefore refuses every grant of that user
 * for that group which could have been signed before it; a grant of a member accepted anew ends later and passes.
 */
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid, Uid } from "../base/ids.ts";
import { GRANT_LIFETIME_MS } from "../base/limits.ts";
import { checkGrant } from "../wire/signed.ts";

/** An accepted grant: whose, and until when (wall clock). */
export interface Admission {
  readonly uid: Uid;
  readonly expiresMs: number;
}

export class GrantGate {
  readonly #clock: Clock;
  readonly #keys: () => readonly string[];
  /** By group and user: grants that end no later than this (wall clock) are void. */
  readonly #revoked = new Map<string, number>();

  constructor({ clock, keys }: { clock: Clock; keys: () => readonly string[] }) {
    this.#clock = clock;
    this.#keys = keys;
  }

  /** @param fingerprint of the very connection over which the grant was shown */
  admit(text: string, gid: Gid, fingerprint: Fingerprint): Admission | Failure {
    const nowMs = this.#clock.nowMs();
    const grant = checkGrant(text, this.#keys(), { gid, fingerprint, nowMs });
    if (grant instanceof Failure) return grant;
    const voidUntilMs = this.#revoked.get(`${gid} ${grant.uid}`);
    if (voidUntilMs !== undefined && grant.expiresMs <= voidUntilMs)
      return new Failure(
        "peer-refused",
        "the grant was revoked: its user is no longer a member of the group",
      );
    return { uid: grant.uid, expiresMs: grant.expiresMs };
  }

  /** @returns why an admission counts no more; undefined while it does */
  expired(admission: Admission): Failure | undefined {
    if (this.#clock.nowMs() < admission.expiresMs) return undefined;
    return new Failure("peer-refused", "the grant has ended and was not renewed");
  }

  revoke(gid: Gid, uid: Uid): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, voidUntilMs] of this.#revoked) if (voidUntilMs < nowMs) this.#revoked.delete(key);
    this.#revoked.set(`${gid} ${uid}`, nowMs + GRANT_LIFETIME_MS);
  }
}
