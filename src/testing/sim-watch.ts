/**
 * Connections with somebody who looks at what is sent in the moment in which it leaves. At a tracker's end of a client's
 * connection: a grant goes to a member only, a session is of the present password. At that of another tracker's: rows of
 * the state are being given.
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

abstract class WatchedConnection implements Connection {
  readonly #inner: Connection;

  constructor(inner: Connection) {
    this.#inner = inner;
  }

  /** At what is about to be sent. */
  protected abstract look(bytes: Uint8Array): void;

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
    if (this.isOpen) this.look(bytes);
    this.#inner.send(bytes);
  }

  readonly messageBytesWanted = undefined;

  sendAhead(bytes: Uint8Array): void {
    this.send(bytes);
  }

  sendThen(bytes: Uint8Array, done: () => void, head?: Uint8Array): void {
    if (head !== undefined) this.send(head);
    this.#inner.sendThen(bytes, done);
  }

  vouch(isVouched: boolean): void {
    this.#inner.vouch(isVouched);
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
}

export class WatchedAnswers extends WatchedConnection {
  readonly #state: () => State | undefined;
  readonly #broken: (error: SimViolation) => void;
  /** Of the session that was opened here last. */
  #session: Statement | undefined;

  constructor(inner: Connection, state: () => State | undefined, broken: (error: SimViolation) => void) {
    super(inner);
    this.#state = state;
    this.#broken = broken;
  }

  protected override look(bytes: Uint8Array): void {
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

/** On which one tracker gives another what it has. */
export class WatchedGifts extends WatchedConnection {
  readonly #rows: () => void;

  /** @param rows told when rows of the state go out */
  constructor(inner: Connection, rows: () => void) {
    super(inner);
    this.#rows = rows;
  }

  protected override look(bytes: Uint8Array): void {
    if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('"method":"rows"')) this.#rows();
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
