/**
 * Who may do what at a tracker, as it is meant: a row for each method of `wire/client-tracker`, a column for each role.
 *
 * `ok` or the code of the refusal. `access.test.ts` asks a real tracker for every cell; a method that has no row fails it.
 * The roles are about one group, `lab`: `neighbour` owns another one, `requester` waits for an answer, `left` and
 * `removed` were members, `former` gave the group away and stayed. What is asked for is in `access-questions.ts`.
 */
import type { FailureCode } from "../base/failure.ts";

export type Outcome = "ok" | FailureCode;

export const ROLES = [
  "silent", // has not said hello
  "nobody", // has not logged in
  "outsider",
  "neighbour",
  "requester",
  "rejected",
  "removed",
  "left",
  "member",
  "former",
  "owner",
] as const;
export type Role = (typeof ROLES)[number];

const METHOD_TABLE = `
                silent    nobody             outsider           neighbour          requester          rejected           removed            left               member             former             owner
hello           ok        ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
ping            protocol  ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
status          protocol  ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
dial_back       protocol  ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
create_user     protocol  ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
login           protocol  wrong-credentials  already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in
resume          protocol  not-logged-in      already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in  already-logged-in
logout          protocol  ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
change_password protocol  not-logged-in      ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
create_group    protocol  not-logged-in      ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
delete_group    protocol  not-logged-in      not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          ok
join_group      protocol  not-logged-in      ok                 ok                 already-requested  ok                 ok                 ok                 already-member     already-member     already-member
leave_group     protocol  not-logged-in      not-member         not-member         ok                 not-member         not-member         not-member         ok                 ok                 owner-cannot-leave
accept_request  protocol  not-logged-in      not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          ok
reject_request  protocol  not-logged-in      not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          ok
remove_member   protocol  not-logged-in      not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          ok
transfer_owner  protocol  not-logged-in      not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          ok
list_groups     protocol  not-logged-in      ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
list_requests   protocol  not-logged-in      not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          not-owner          ok
list_members    protocol  not-logged-in      not-member         not-member         not-member         not-member         not-member         not-member         ok                 ok                 ok
list_files      protocol  not-logged-in      not-member         not-member         not-member         not-member         not-member         not-member         ok                 ok                 ok
search          protocol  not-logged-in      ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
own_shares      protocol  not-logged-in      ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
has_blob        protocol  not-logged-in      not-member         not-member         not-member         not-member         not-member         not-member         ok                 ok                 ok
put_blob        protocol  not-logged-in      not-member         not-member         not-member         not-member         not-member         not-member         ok                 ok                 ok
get_blob        protocol  not-logged-in      not-member         not-member         not-member         not-member         not-member         not-member         ok                 ok                 ok
share           protocol  not-logged-in      not-member         not-member         not-member         not-member         not-member         not-member         ok                 ok                 ok
share_many      protocol  not-logged-in      not-member         not-member         not-member         not-member         not-member         not-member         ok                 ok                 ok
stop_share      protocol  not-logged-in      not-member         not-member         not-member         not-member         not-member         not-member         ok                 not-shared         not-shared
find_file       protocol  not-logged-in      not-member         not-member         not-member         not-member         not-member         not-member         ok                 ok                 ok
follow          protocol  not-logged-in      try-later          try-later          try-later          not-member         not-member         not-member         ok                 ok                 ok
unfollow        protocol  not-logged-in      ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok                 ok
find_small      protocol  not-logged-in      try-later          try-later          try-later          not-member         not-member         not-member         ok                 ok                 ok
grant           protocol  not-logged-in      try-later          try-later          try-later          not-member         not-member         not-member         ok                 ok                 ok
`;

/** The same questions about the group once its owner has deleted it; those that are about no group are left out. */
const DELETED_TABLE = `
                nobody         outsider       requester      removed        member         owner
create_group    not-logged-in  ok             ok             ok             ok             ok
delete_group    not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
join_group      not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
leave_group     not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
accept_request  not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
reject_request  not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
remove_member   not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
transfer_owner  not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
list_requests   not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
list_members    not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
list_files      not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
has_blob        not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
put_blob        not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
get_blob        not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
share           not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
share_many      not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
stop_share      not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
find_file       not-logged-in  unknown-group  unknown-group  unknown-group  unknown-group  unknown-group
follow          not-logged-in  not-member     not-member     not-member     not-member     not-member
find_small      not-logged-in  not-member     not-member     not-member     not-member     not-member
grant           not-logged-in  not-member     not-member     not-member     not-member     not-member
`;

export type AccessRow = Readonly<Record<string, string>>;

/** @returns by the first word of each row, its cells by the words of the head */
export function readTable(text: string): ReadonlyMap<string, AccessRow> {
  const [head = "", ...rows] = text.trim().split("\n");
  const columns = head.trim().split(/ +/);
  return new Map(
    rows.map((row) => {
      const [name = "", ...cells] = row.trim().split(/ +/);
      if (cells.length !== columns.length) throw new Error(`a row with holes: ${row}`);
      return [name, Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ""]))];
    }),
  );
}

export const METHOD_ACCESS = readTable(METHOD_TABLE);
export const DELETED_GROUP_ACCESS = readTable(DELETED_TABLE);
