/** Groups and who is in them: each method is a command of the core, or one of its lists. */
import { orThrow } from "../base/failure.ts";
import type { Params } from "../wire/client-tracker.ts";
import { carryOut } from "./carry-out.ts";
import type { Command } from "./core/commands.ts";
import {
  listGroups as groupsPage,
  listMembers as membersPage,
  type Page,
  listRequests as requestsPage,
} from "./core/queries.ts";
import type { Caller, CallerMethod, Desk } from "./desk.ts";

type GroupCommand = Extract<Command["kind"], "create-group" | "delete-group" | "join-group" | "leave-group">;
type MemberCommand = Extract<
  Command["kind"],
  "accept-request" | "reject-request" | "remove-member" | "transfer-owner"
>;

function onGroup(kind: GroupCommand) {
  return (desk: Desk, { uid: by, link }: Caller, { id: request, group }: Params<"create_group">) =>
    carryOut(desk, link, { kind, request, by, group }, () => ({}));
}

function onMember(kind: MemberCommand) {
  return (desk: Desk, { uid: by, link }: Caller, { id: request, group, user }: Params<"accept_request">) =>
    carryOut(desk, link, { kind, request, by, group, user }, () => ({}));
}

export const createGroup = onGroup("create-group");
export const deleteGroup = onGroup("delete-group");
export const joinGroup = onGroup("join-group");
export const leaveGroup = onGroup("leave-group");
export const acceptRequest = onMember("accept-request");
export const rejectRequest = onMember("reject-request");
export const removeMember = onMember("remove-member");
export const transferOwner = onMember("transfer-owner");

export const listGroups: CallerMethod<"list_groups"> = ({ state }, { uid }, { after }) =>
  groupsPage(state, uid, after);

export const listRequests: CallerMethod<"list_requests"> = ({ state }, { uid }, { group, after }) =>
  mapRows(orThrow(requestsPage(state, uid, group, after)), ({ name }) => name);

export const listMembers: CallerMethod<"list_members"> = ({ state, presence }, { uid }, { group, after }) =>
  mapRows(orThrow(membersPage(state, uid, group, after)), (row) => ({
    name: row.name,
    owner: row.owner,
    online: presence.isOnline(row.uid),
  }));

export function mapRows<Row, View>(page: Page<Row>, toView: (row: Row) => View): Page<View> {
  return { ...page, rows: page.rows.map(toView) };
}
