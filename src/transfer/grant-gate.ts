/**
 * Who may be served: grants held against the trackers' keys, removals that outrun them, and how often which was refused.
 * Pure: the time is handed in, and is the trackers', by whose clocks grants end. This machine's own may be wrong.
 *
 * A removed member may hold a grant that runs for minutes more, and may have asked for it in the very moment of the
 * removal, at a tracker whose clock is ahead. A revocation therefore voids every grant of that user for that group which
 * could have been signed before it, with room for clocks that are apart; `readmit` takes it back at once.
 */
import type { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid, Uid } from "../base/ids.ts";
import { CLOCK_APART_WARN_MS, GRANT_LIFETIME_MS } from "../base/limits.ts";
import { checkGrant, type GrantRefusal, grantRefused } from "../wire/signed.ts";

/** An accepted grant: whose, and until when by the trackers' clocks. */
export interface Admission {
  readonly uid: Uid;
  readonly expiresMs: number;
}

export interface GrantGateDependencies {
  /** Wall clock of the trackers. */
  readonly nowMs: () => number;
  readonly keys: () => readonly string[];
}

export class GrantGate {
  readonly #nowMs: () => number;
  readonly #keys: () => readonly string[];
  /** By group and user: grants that end no later than this are void. */
  readonly #revoked = new Map<string, number>();
  readonly #refusals = new Map<GrantRefusal, number>();

  constructor({ nowMs, keys }: GrantGateDependencies) {
    this.#nowMs = nowMs;
    this.#keys = keys;
  }

  /** How often a grant was refused for each reason. */
  get refusals(): ReadonlyMap<GrantRefusal, number> {
    return this.#refusals;
  }

  /** @param fingerprint of the very connection over which the grant was shown */
  admit(text: string, gid: Gid, fingerprint: Fingerprint): Admission | Failure {
    const grant = checkGrant(text, this.#keys(), { gid, fingerprint, nowMs: this.#nowMs() });
    if (typeof grant === "string") return this.refuse(grant);
    const { uid, expiresMs } = grant;
    const voidUntilMs = this.#revoked.get(keyOf(gid, uid));
    if (voidUntilMs !== undefined && expiresMs <= voidUntilMs) return this.refuse("revoked");
    return { uid, expiresMs };
  }

  /** How long an admission still counts; nothing or less once it does no more. */
  leftMs({ expiresMs }: Admission): number {
    return expiresMs - this.#nowMs();
  }

  /** Counts a refusal. */
  refuse(why: GrantRefusal): Failure {
    this.#refusals.set(why, (this.#refusals.get(why) ?? 0) + 1);
    return grantRefused(why);
  }

  revoke(gid: Gid, uid: Uid): void {
    const nowMs = this.#nowMs();
    for (const [key, voidUntilMs] of this.#revoked) if (voidUntilMs < nowMs) this.#revoked.delete(key);
    this.#revoked.set(keyOf(gid, uid), nowMs + GRANT_LIFETIME_MS + CLOCK_APART_WARN_MS);
  }

  /** The user is a member again: all its grants count. */
  readmit(gid: Gid, uid: Uid): void {
    this.#revoked.delete(keyOf(gid, uid));
  }
}

function keyOf(gid: Gid, uid: Uid): string {
  return `${gid} ${uid}`;
}
