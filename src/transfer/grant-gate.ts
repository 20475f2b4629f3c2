/**
 * Who may be served: grants held against the trackers' keys, what outruns them, and how often which was refused.
 * Pure: the time is handed in, and is the trackers', by whose clocks grants end. This machine's own may be wrong.
 *
 * 1. A removed member may hold a grant that runs for minutes more, and may have asked for it in the very moment of the
 *    removal, at a tracker whose clock is ahead. A revocation therefore voids every grant of that user for that group which
 *    could have been signed before it, with room for clocks that are apart; `readmit` takes it back at once.
 * 2. A changed password voids what the user's other machines hold in the same way, without that room: nobody is told of
 *    their next login. It spares the machine on which it was changed, but gives it nothing back that an earlier one took.
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

/** Grants that end no later than that are void; those of the machine that was spared only up to its own time. */
interface PasswordChange {
  readonly voidUntilMs: number;
  readonly spared: Fingerprint;
  readonly sparedVoidUntilMs: number;
}

export class GrantGate {
  readonly #nowMs: () => number;
  readonly #keys: () => readonly string[];
  /** By group and user: grants that end no later than this are void. */
  readonly #removed = new Map<string, number>();
  /** By group and user. */
  readonly #changed = new Map<string, PasswordChange>();
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
    const key = keyOf(gid, uid);
    if (expiresMs <= (this.#removed.get(key) ?? 0)) return this.refuse("revoked");
    if (expiresMs <= this.#outdatedUntilMs(key, fingerprint)) return this.refuse("outdated");
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

  /**
   * The user was removed from the group; or, with `spared`, has changed its password on that machine, whose grants alone
   * count on.
   */
  revoke(gid: Gid, uid: Uid, spared?: Fingerprint): void {
    const nowMs = this.#nowMs();
    this.#forgetBefore(nowMs);
    const key = keyOf(gid, uid);
    const voidUntilMs = nowMs + GRANT_LIFETIME_MS;
    if (spared === undefined) this.#removed.set(key, voidUntilMs + CLOCK_APART_WARN_MS);
    else {
      const sparedVoidUntilMs = this.#outdatedUntilMs(key, spared);
      this.#changed.set(key, { voidUntilMs, spared, sparedVoidUntilMs });
    }
  }

  /** The user is a member again: what was voided by its removal counts. */
  readmit(gid: Gid, uid: Uid): void {
    this.#removed.delete(keyOf(gid, uid));
  }

  /** Up to when that machine's grants are void for a change of the password. */
  #outdatedUntilMs(key: string, machine: Fingerprint): number {
    const change = this.#changed.get(key);
    if (change === undefined) return 0;
    return machine === change.spared ? change.sparedVoidUntilMs : change.voidUntilMs;
  }

  /** No grant from before these can stand. */
  #forgetBefore(nowMs: number): void {
    for (const [key, voidUntilMs] of this.#removed) if (voidUntilMs < nowMs) this.#removed.delete(key);
    for (const [key, { voidUntilMs }] of this.#changed) if (voidUntilMs < nowMs) this.#changed.delete(key);
  }
}

function keyOf(gid: Gid, uid: Uid): string {
  return `${gid} ${uid}`;
}
