/**
 * The table of methods: which code answers what, and the two rules that hold for all of them.
 *
 * Hello comes first on every connection. All but a few methods need a session, and get it handed in.
 */
import { Failure } from "../base/failure.ts";
import type { Method, Params, Result } from "../wire/client-tracker.ts";
import * as account from "./account-methods.ts";
import type { ClientLink } from "./client-link.ts";
import { type Desk, type LinkMethod, WithTail, withSession } from "./desk.ts";
import * as file from "./file-methods.ts";
import * as group from "./group-methods.ts";

const TABLE: { readonly [M in Method]: LinkMethod<M> } = {
  hello: account.hello,
  ping: account.ping,
  status: account.status,
  dial_back: account.dialBack,
  create_user: account.createUser,
  login: account.login,
  resume: account.resume,
  logout: account.logout,
  change_password: withSession(account.changePassword),

  create_group: withSession(group.createGroup),
  delete_group: withSession(group.deleteGroup),
  join_group: withSession(group.joinGroup),
  leave_group: withSession(group.leaveGroup),
  accept_request: withSession(group.acceptRequest),
  reject_request: withSession(group.rejectRequest),
  remove_member: withSession(group.removeMember),
  transfer_owner: withSession(group.transferOwner),
  list_groups: withSession(group.listGroups),
  list_requests: withSession(group.listRequests),
  list_members: withSession(group.listMembers),

  list_files: withSession(file.listFiles),
  search: withSession(file.search),
  find_file: withSession(file.findFile),
  own_shares: withSession(file.ownShares),
  has_blob: withSession(file.hasBlob),
  put_blob: withSession(file.putBlob),
  get_blob: withSession(file.getBlob),
  share: withSession(file.share),
  share_many: withSession(file.shareMany),
  stop_share: withSession(file.stopShare),
  follow: withSession(file.follow),
  unfollow: withSession(file.unfollow),
  find_small: withSession(file.findSmall),
  grant: withSession(file.grant),
};

export interface MethodAnswer<M extends Method> {
  readonly result: Result<M>;
  /** Raw bytes behind the result. */
  readonly tail?: Uint8Array;
}

/** @param params checked against the method's schema. @throws Failure */
export async function answerMethod<M extends Method>(
  desk: Desk,
  link: ClientLink,
  method: M,
  params: Params<M>,
  tail: Uint8Array,
): Promise<MethodAnswer<M>> {
  if (!link.greeted && method !== "hello") throw new Failure("protocol", "hello comes first");
  const answer = await TABLE[method](desk, link, params, tail);
  return answer instanceof WithTail ? { result: answer.result, tail: answer.tail } : { result: answer };
}
