/**
 * One connection of a client, as the tracker's rules see it: who is at the other end and who is logged in there.
 *
 * Invariant: `session` is set exactly while the presence of its device is held by this link.
 */
import type { Address } from "../base/address.ts";
import type { Failure } from "../base/failure.ts";
import type { Fingerprint, RequestId, Uid } from "../base/ids.ts";
import type { Notice } from "../wire/client-tracker.ts";
import type { Stamp } from "../wire/entry.ts";

export interface LinkSession {
  readonly uid: Uid;
  /** Of the password under which it was opened: it ends when the account has another. */
  passwordStamp: Stamp;
  /** The change of password that this very session has asked for, which does not end it. */
  changing: RequestId | undefined;
}

export interface ClientLink {
  /** Of the key at the other end: names the client's machine. */
  readonly fingerprint: Fingerprint;
  /** Where the other end is, as this machine sees it. */
  readonly remote: Address;
  readonly isOpen: boolean;
  /** Whether it has said hello. */
  greeted: boolean;
  /** Whether it takes notices of several new files. */
  takesNewFiles: boolean;
  session: LinkSession | undefined;
  /** Nothing happens once the connection has ended. */
  notify(notice: Notice): void;
  close(reason: Failure): void;
}
