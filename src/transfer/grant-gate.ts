/**
 * Who may be served: grants held against the trackers' keys, and removals that outrun them. Pure but for the clock.
 *
 * A removed member may hold a grant that runs for minutes more. A revocation therefore refuses every grant of that user
 * for that group which could have been signed before it; a grant of a member accepted anew ends later and passes. One for
 * a changed password spares the machine on which it was changed, but nothing that an earlier revocation took from it.
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

/** Grants that end no later than that (wall clock) are void; those of the machine that was spared only up to its own time. */
interface Revocation {
  readonly voidUntilMs: number;
  readonly spared: Fingerprint | undefined;
  readonly sparedVoidUntilMs: number;
}

export class GrantGate {
  readonly #clock: Clock;
  readonly #keys: () => readonly string[];
  /** By group and user. */
  readonly #revoked = new Map<string, Revocation>();

  constructor({ clock, keys }: { clock: Clock; keys: () => readonly string[] }) {
    this.#clock = clock;
    this.#keys = keys;
  }

  /** @param fingerprint of the very connection over which the grant was shown */
  admit(text: string, gid: Gid, fingerprint: Fingerprint): Admission | Failure {
    const nowMs = this.#clock.nowMs();
    const grant = checkGrant(text, this.#keys(), { gid, fingerprint, nowMs });
    if (grant instanceof Failure) return grant;
    if (grant.expiresMs <= this.#voidUntilMs(gid, grant.uid, fingerprint))
      return new Failure(
        "peer-refused",
        "the grant was revoked: its user left the group, or has another password",
      );
    return { uid: grant.uid, expiresMs: grant.expiresMs };
  }

  /** @returns why an admission counts no more; undefined while it does */
  expired(admission: Admission): Failure | undefined {
    if (this.#clock.nowMs() < admission.expiresMs) return undefined;
    return new Failure("peer-refused", "the grant has ended and was not renewed");
  }

  /** @param spared the one machine of that user whose grants count on */
  revoke(gid: Gid, uid: Uid, spared?: Fingerprint): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, { voidUntilMs }] of this.#revoked) if (voidUntilMs < nowMs) this.#revoked.delete(key);
    const sparedVoidUntilMs = spared === undefined ? 0 : this.#voidUntilMs(gid, uid, spared);
    this.#revoked.set(`${gid} ${uid}`, { voidUntilMs: nowMs + GRANT_LIFETIME_MS, spared, sparedVoidUntilMs });
  }

  /** Up to when that machine's grants for that group are void. */
  #voidUntilMs(gid: Gid, uid: Uid, machine: Fingerprint): number {
    const revocation = this.#revoked.get(`${gid} ${uid}`);
    if (revocation === undefined) return 0;
    return machine === revocation.spared ? revocation.sparedVoidUntilMs : revocation.voidUntilMs;
  }
}
