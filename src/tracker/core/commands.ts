/**
 * What can be asked of the tracker's core, as one closed union, and what comes of it. A command is complete: whoever makes
 * it has authenticated `by`, hashed passwords and checked that the tracker holds the piece list of a shared file.
 */

import type { Failure } from "../../base/failure.ts";
import type { FileAttributes } from "../../base/file-attributes.ts";
import type {
  FileName,
  Fingerprint,
  GroupName,
  ListingId,
  RequestId,
  Uid,
  UserName,
} from "../../base/ids.ts";
import type { FileSummary } from "../../base/manifest.ts";
import type { EntryBody } from "../../wire/entry.ts";

/** What happens if the command may be done; nothing if it was done before; why not. */
export type Decision = readonly EntryBody[] | Failure;

/** Chosen by the client; the same id again is the same command again. */
interface Requested {
  readonly request: RequestId;
}

interface InGroup extends Requested {
  /** Who asks. */
  readonly by: Uid;
  readonly group: GroupName;
}

interface AboutUser extends InGroup {
  readonly user: UserName;
}

export interface CreateUser extends Requested {
  readonly kind: "create-user";
  readonly name: UserName;
  readonly passwordHash: string;
}

export interface ChangePassword extends Requested {
  readonly kind: "change-password";
  readonly by: Uid;
  /** On which it is changed. */
  readonly device: Fingerprint;
  readonly passwordHash: string;
}

export interface CreateGroup extends InGroup {
  readonly kind: "create-group";
}
export interface DeleteGroup extends InGroup {
  readonly kind: "delete-group";
}
export interface JoinGroup extends InGroup {
  readonly kind: "join-group";
}
export interface LeaveGroup extends InGroup {
  readonly kind: "leave-group";
}
export interface AcceptRequest extends AboutUser {
  readonly kind: "accept-request";
}
export interface RejectRequest extends AboutUser {
  readonly kind: "reject-request";
}
export interface RemoveMember extends AboutUser {
  readonly kind: "remove-member";
}
export interface TransferOwner extends AboutUser {
  readonly kind: "transfer-owner";
}

export interface ShareFile extends InGroup {
  readonly kind: "share-file";
  readonly device: Fingerprint;
  readonly name: FileName;
  readonly file: FileSummary;
  readonly attributes?: FileAttributes | undefined;
  /** Above that of this device's last change of this share. */
  readonly counter: number;
}

export interface StopShare extends InGroup {
  readonly kind: "stop-share";
  readonly device: Fingerprint;
  readonly listingId: ListingId;
  readonly counter: number;
}

export type Command =
  | CreateUser
  | ChangePassword
  | CreateGroup
  | DeleteGroup
  | JoinGroup
  | LeaveGroup
  | AcceptRequest
  | RejectRequest
  | RemoveMember
  | TransferOwner
  | ShareFile
  | StopShare;
