/**
 * Password hashing with argon2id: in worker threads of the runtime, a bounded number at once, the rest in a bounded line.
 *
 * Each hash takes 19 MiB and a core for some 17 ms, so anybody who may ask for one could exhaust the machine; beyond
 * the line the answer is "try later". An unknown user costs exactly what a known one does: the password is verified
 * against a decoy of the same parameters. Slowing down those who guess is `login-throttle.ts`.
 */
import { Failure } from "../base/failure.ts";
import {
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

export class Passwords {
  readonly #algorithm: PasswordAlgorithm;
  /** Those who wait for their turn, in order of arrival. */
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(algorithm: PasswordAlgorithm = argon2id) {
    this.#algorithm = algorithm;
  }

  /** @throws Failure "try-later" when the line is full, "invalid-input" for an empty password */
  hash(password: string): Promise<string> {
    if (password === "") return Promise.reject(new Failure("invalid-input", "the password is empty"));
    return this.#inTurn(() => this.#algorithm.hash(password));
  }

  /**
   * @param hash of the account; undefined for an unknown user, which takes as long and is never right
   * @throws Failure "try-later" when the line is full
   */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    const right = await this.#inTurn(() => this.#algorithm.verify(password, hash ?? this.#algorithm.decoy));
    return right && hash !== undefined && password !== "";
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= PASSWORD_HASHES_AT_ONCE_MAX) await this.#turn();
    else this.#running++;
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= PASSWORD_QUEUE_MAX)
      throw new Failure("try-later", "the tracker is checking many passwords right now; try again shortly");
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A finished one hands its place to the next in line, so that nobody can slip in between. */
  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
