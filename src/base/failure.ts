/**
 * What users, peers and other machines do wrong, as values with a stable code.
 *
 * A `Failure` is expected and travels: it is returned by pure rules, thrown across async calls, sent over the wire as
 * `{code, message}` and shown as one line. A broken assumption of this program is not a Failure: see `assert.ts`.
 */

/** Stable codes: scripts and the wire depend on them; add, never rename. */
export const FAILURE_CODES = [
  "usage", // the command line or prompt line is not of its command's form
  "invalid-name", // a user, group or file name that the rules refuse
  "invalid-input", // any other value out of its bounds
  "not-logged-in",
  "already-logged-in",
  "wrong-credentials", // unknown user and wrong password alike
  "name-taken", // of a user, group or file
  "ambiguous-name", // a name once contested: the suffix is needed
  "unknown-user",
  "unknown-group",
  "unknown-file",
  "not-owner",
  "not-member",
  "already-member",
  "already-requested",
  "no-request", // nothing to accept or reject
  "owner-cannot-leave",
  "no-piece-list", // the tracker lacks the piece list of a file to be shared: put it, then share
  "not-shared", // stop_share of what this machine does not share
  "not-followed", // unfollow of what is not followed here
  "no-download", // pause, resume or cancel of what is not there
  "download-exists",
  "file-exists", // the destination is taken
  "file-missing", // a local path does not exist or is no regular file
  "file-changed", // a shared file is no longer what it was
  "file-refused", // a local path that cannot be opened, or is too large
  "disk-full",
  "disk-error",
  "corrupt", // bytes whose hash is not what was promised
  "too-many", // a limit on counts or rates
  "try-later", // busy: the same command may succeed soon
  "try-another", // this tracker ends or begins: the same command succeeds at another one
  "tracker-unreachable",
  "tracker-refused", // key changed, protocol not spoken
  "peer-unreachable",
  "peer-refused", // grant missing, expired or foreign
  "timeout",
  "protocol", // malformed or unexpected bytes
  "data-folder-in-use",
  "address-in-use", // a listening address that another program has
  "internal",
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

export class Failure extends Error {
  override readonly name = "Failure";

  /**
   * @param code stable, for programs
   * @param message one line for people: what was wrong, what was given, what to do; no trailing full stop needed
   */
  constructor(
    readonly code: FailureCode,
    message: string,
  ) {
    super(message);
  }
}

export function isFailure(value: unknown): value is Failure {
  return value instanceof Failure;
}

/** Throws a returned failure; passes every other value on. For shells around pure rules. */
export function orThrow<T>(value: T | Failure): T {
  if (value instanceof Failure) throw value;
  return value;
}

/** Any thrown thing as a Failure: itself if it is one, else `code` with its message. */
export function toFailure(error: unknown, code: FailureCode = "internal"): Failure {
  if (error instanceof Failure) return error;
  return new Failure(code, error instanceof Error ? error.message : String(error));
}
