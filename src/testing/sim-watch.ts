/**
 * A client's connection at its tracker, with somebody who looks at each answer in the moment in which it leaves: a grant
 * goes to a member only, a session is of the present password.
 *
 * The frames are JSON at their core, so that what is looked for is found in the bytes as they are.
 */
import type { Address } from "../base/address.ts";
import type { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid, Uid } from "../base/ids.ts";
import type { Connection, ConnectionHandler } from "../net/connection.ts";
import { isMember } from "../tracker/core/queries.ts";
import type { State } from "../tracker/core/state.ts";
import { SimViolation } from "./sim-history.ts";

interface Statement {
  readonly purpose: "grant" | "session";
  readonly uid: Uid;
  readonly gid: Gid;
  readonly fingerprint: Fingerprint;
  readonly passwordStamp: string;
}

export class WatchedAnswers implements Connection {
  readonly #inner: Connection;
  readonly #state: () => State | undefined;
  readonly #broken: (error: SimViolation) => void;
  /** Of the session that was opened here last. */
  #session: Statement | undefined;

  constructor(inner: Connection, state: () => State | undefined, broken: (error: SimViolation) => void) {
    this.#inner = inner;
    this.#state = state;
    this.#broken = broken;
  }

  get peer(): Fingerprint {
    return this.#inner.peer;
  }

  get remote(): Address {
    return this.#inner.remote;
  }

  get queuedBytes(): number {
    return this.#inner.queuedBytes;
  }

  get isOpen(): boolean {
    return this.#inner.isOpen;
  }

  attach(handler: ConnectionHandler): void {
    this.#inner.attach(handler);
  }

  send(bytes: Uint8Array): void {
    if (this.isOpen) this.#look(bytes);
    this.#inner.send(bytes);
  }

  sendThen(bytes: Uint8Array, done: () => void): void {
    this.#inner.sendThen(bytes, done);
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  close(reason?: Failure): void {
    this.#inner.close(reason);
  }

  finish(): void {
    this.#inner.finish();
  }

  #look(bytes: Uint8Array): void {
    const state = this.#state();
    const statement = statementIn(bytes);
    if (statement === undefined || state === undefined) return;
    if (statement.fingerprint !== this.peer) this.#tell(`a ${statement.purpose} for another machine`);
    if (statement.purpose === "session") this.#session = statement;
    else if (!isMember(state, statement.gid, statement.uid))
      this.#tell(`a grant for ${statement.uid}, who is no member of ${statement.gid}`);
    const { uid, passwordStamp } = this.#session ?? statement;
    if (state.users.passwordStamp(uid) !== passwordStamp)
      this.#tell(`${uid} is served in a session from before a change of the password that is known here`);
  }

  #tell(what: string): void {
    this.#broken(new SimViolation(what));
  }
}

const SIGNED = /"(?:grant|token)":"([A-Za-z0-9_-]+)\./;

/** The statement in an answer, if it holds one. */
function statementIn(bytes: Uint8Array): Statement | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!text.includes('"grant":"') && !text.includes('"token":"')) return undefined;
  const found = SIGNED.exec(text.toString("latin1"));
  return found === null ? undefined : JSON.parse(Buffer.from(found[1] ?? "", "base64url").toString("utf8"));
}
