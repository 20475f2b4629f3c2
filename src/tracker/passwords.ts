/**
 * Password hashing with argon2id: in worker threads of the runtime, a bounded number at once, the rest in bounded lines.
 *
 * Each hash takes 19 MiB and a core for some 17 ms, so anybody who may ask for one could exhaust the machine; beyond
 * its line the answer is "try later". Those who make accounts wait in a line of their own, behind all who log in. An
 * unknown user costs exactly what a known one does: the password is verified against a decoy of the same parameters.
 * Slowing down those who guess is `login-throttle.ts`.
 */
import { Failure } from "../base/failure.ts";
import {
  ACCOUNT_QUEUE_MAX,
  ARGON2_MEMORY_KIB,
  ARGON2_PASSES,
  PASSWORD_HASHES_AT_ONCE_MAX,
  PASSWORD_QUEUE_MAX,
} from "../base/limits.ts";

/** The slow function itself. Both must run off the event loop. */
export interface PasswordAlgorithm {
  hash(password: string): Promise<string>;
  verify(password: string, hash: string): Promise<boolean>;
  /** Formed as every real hash is, of no password. */
  readonly decoy: string;
}

const base64 = (length: number) => "A".repeat(Math.ceil((length * 4) / 3));

/** The runtime's argon2id. Its parameters are those of `limits.ts`; a hash carries its own, so they can be raised later. */
export const argon2id: PasswordAlgorithm = {
  hash: (password) =>
    Bun.password.hash(password, {
      algorithm: "argon2id",
      memoryCost: ARGON2_MEMORY_KIB,
      timeCost: ARGON2_PASSES,
    }),
  verify: (password, hash) => Bun.password.verify(password, hash),
  decoy: `$argon2id$v=19$m=${ARGON2_MEMORY_KIB},t=${ARGON2_PASSES},p=1$${base64(32)}$${base64(32)}`,
};

/** For whom: somebody who logs in or is logged in, or an account in the making. */
export type PasswordLine = "session" | "account";

const LINE_MAX: Readonly<Record<PasswordLine, number>> = {
  session: PASSWORD_QUEUE_MAX,
  account: ACCOUNT_QUEUE_MAX,
};

export class Passwords {
  readonly #algorithm: PasswordAlgorithm;
  /** Those who wait for their turn, in order of arrival. */
  readonly #waiting: Readonly<Record<PasswordLine, (() => void)[]>> = { session: [], account: [] };
  #running = 0;

  constructor(algorithm: PasswordAlgorithm = argon2id) {
    this.#algorithm = algorithm;
  }

  /** @throws Failure "try-later" when the line is full, "invalid-input" for an empty password */
  hash(password: string, line: PasswordLine): Promise<string> {
    if (password === "") return Promise.reject(new Failure("invalid-input", "the password is empty"));
    return this.#inTurn(line, () => this.#algorithm.hash(password));
  }

  /**
   * @param hash of the account; undefined for an unknown user, which takes as long and is never right
   * @throws Failure "try-later" when the line is full
   */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    const known = hash ?? this.#algorithm.decoy;
    const right = await this.#inTurn("session", () => this.#algorithm.verify(password, known));
    return right && hash !== undefined && password !== "";
  }

  async #inTurn<T>(line: PasswordLine, work: () => Promise<T>): Promise<T> {
    if (this.#running >= PASSWORD_HASHES_AT_ONCE_MAX) await this.#turn(line);
    else this.#running++;
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #turn(line: PasswordLine): Promise<void> {
    const waiting = this.#waiting[line];
    if (waiting.length >= LINE_MAX[line])
      throw new Failure("try-later", "the tracker is checking many passwords right now; try again shortly");
    return new Promise((resolve) => waiting.push(resolve));
  }

  /** A finished one hands its place to the next in line, so that nobody can slip in between. */
  #passOn(): void {
    const next = this.#waiting.session.shift() ?? this.#waiting.account.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
