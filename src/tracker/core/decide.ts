/**
 * What a command does, if it may: entries to append, or a Failure that says why not. Pure; changes nothing.
 *
 * A decision rests on what this tracker has seen. That it stays safe to merge with what others decided meanwhile is a
 * matter of the bodies alone: they carry what was seen. A repeated command decides nothing: no entries, no failure.
 */
import { unreachable } from "../../base/assert.ts";
import type { Stamp } from "../../wire/entry.ts";
import type { Command, Decision } from "./commands.ts";
import { decideCreateGroup, decideDeleteGroup, decideTransferOwner } from "./decide-groups.ts";
import {
  decideAcceptRequest,
  decideJoinGroup,
  decideLeaveGroup,
  decideRejectRequest,
  decideRemoveMember,
} from "./decide-requests.ts";
import { decideShareFile, decideStopShare } from "./decide-shares.ts";
import { decideChangePassword, decideCreateUser } from "./decide-users.ts";
import type { State } from "./state.ts";

/** @param now the stamp that the entries will carry, or a later one if what is shared in a group has to be read first */
export function decide(state: State, command: Command, now: Stamp): Decision {
  if (state.recent.has(command.request)) return [];
  switch (command.kind) {
    case "create-user":
      return decideCreateUser(state, command);
    case "change-password":
      return decideChangePassword(state, command, now);
    case "create-group":
      return decideCreateGroup(state, command);
    case "delete-group":
      return decideDeleteGroup(state, command);
    case "transfer-owner":
      return decideTransferOwner(state, command);
    case "join-group":
      return decideJoinGroup(state, command);
    case "leave-group":
      return decideLeaveGroup(state, command);
    case "accept-request":
      return decideAcceptRequest(state, command);
    case "reject-request":
      return decideRejectRequest(state, command);
    case "remove-member":
      return decideRemoveMember(state, command);
    case "share-file":
      return decideShareFile(state, command);
    case "stop-share":
      return decideStopShare(state, command);
    default:
      return unreachable(command);
  }
}
