/**
 * Who may do what at the prompt, as it is meant: a row for each command, in the order in which they are asked, a column for
 * each role. `prompt-access.test.ts` asks the program for every cell; a command without a row fails it.
 *
 * A cell is `ok`, with the reply of `REPLIES`, or one of `REFUSALS`, letter for letter. The roles are about the group
 * `lab`, as in `src/testing/access-table.ts`, where the tracker's own methods are held against the same rules.
 */
import { readTable } from "../src/testing/access-table.ts";

export const PROMPT_ACCESS = readTable(`
                 nobody       outsider     requester    rejected     removed      left         member       former       owner
help             ok           ok           ok           ok           ok           ok           ok           ok           ok
whoami           ok           ok           ok           ok           ok           ok           ok           ok           ok
wait             ok           ok           ok           ok           ok           ok           ok           ok           ok
create_user      ok           ok           ok           ok           ok           ok           ok           ok           ok
login            credentials  logged-in    logged-in    logged-in    logged-in    logged-in    logged-in    logged-in    logged-in
change_password  log-in       ok           ok           ok           ok           ok           ok           ok           ok
list_groups      log-in       ok           ok           ok           ok           ok           ok           ok           ok
list_requests    log-in       not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    ok
list_members     log-in       join         waits        join         join         join         ok           ok           ok
list_files       log-in       join         waits        join         join         join         ok           ok           ok
search           log-in       nothing      nothing      nothing      nothing      nothing      ok           ok           ok
show_downloads   log-in       ok           ok           ok           ok           ok           ok           ok           ok
follow           log-in       join         waits        join         join         join         ok           ok           ok
list_follows     log-in       ok           ok           ok           ok           ok           ok           ok           ok
unfollow         log-in       not-followed not-followed not-followed not-followed not-followed ok           ok           ok
set_limit        ok           ok           ok           ok           ok           ok           ok           ok           ok
pause_download   log-in       no-download  no-download  no-download  no-download  no-download  ok           ok           ok
resume_download  log-in       no-download  no-download  no-download  no-download  no-download  ok           ok           ok
cancel_download  log-in       no-download  no-download  no-download  no-download  no-download  ok           ok           ok
download_file    log-in       join         waits        join         join         join         ok           ok           ok
upload_file      log-in       join         waits        join         join         join         ok           ok           ok
stop_share       log-in       not-shared   not-shared   not-shared   not-shared   not-shared   ok           ok           ok
create_group     log-in       ok           ok           ok           ok           ok           ok           ok           ok
join_group       log-in       ok           requested    ok           ok           ok           is-member    is-member    is-member
leave_group      log-in       not-member   ok           not-member   not-member   not-member   ok           ok           stay
reject_request   log-in       not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    ok
accept_request   log-in       not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    ok
remove_member    log-in       not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    ok
transfer_owner   log-in       not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    ok
delete_group     log-in       not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    not-owner    ok
logout           log-in       ok           ok           ok           ok           ok           ok           ok           ok
exit             ok           ok           ok           ok           ok           ok           ok           ok           ok
quit             ok           ok           ok           ok           ok           ok           ok           ok           ok
`);

/** The error lines. `$1` is the user who asks. */
export const REFUSALS: Readonly<Record<string, string>> = {
  credentials: "wrong user id or password",
  "log-in": "log in first: login <user_id> <passwd>; without an account yet: create_user <user_id> <passwd>",
  "logged-in": "already logged in as $1: logout first",
  join: "not a member of lab; join_group lab asks its owner",
  waits: "not a member of lab yet: the request waits for its owner",
  "not-member": "not a member of lab",
  "not-owner": "only the owner of lab may do that, who is olga",
  "is-member": "already a member of lab",
  requested: "a request to join lab waits for its owner already",
  stay: "the owner cannot leave lab; transfer_owner lab <user_id> or delete_group lab first",
  "no-download": "no download of waits.txt in lab; show_downloads shows all there are",
  "not-followed": "lab is not followed here; list_follows shows what is",
  "not-shared": "this machine shares no file named own.txt in lab; list_files lab shows what others share",
  "no-group": "no group named lab; list_groups shows all",
};

/** The first line of a reply. */
export const REPLIES: Readonly<Record<string, RegExp>> = {
  help: /^Account$/,
  create_user: /^User created successfully$/,
  change_password: /^Password changed$/,
  list_groups: /^lab {2}olga {2}4 members {2}(none|requested|member|owner)$/,
  list_requests: /^rita$/,
  list_members: /^fred {2}member {2}online$/,
  list_files: /^cut\.txt {4}5 B {2}1 source {3}[0-9a-f]{40}$/,
  search: /^lab {2}cut\.txt {4}5 B {2}1 source {3}[0-9a-f]{40}$/,
  show_downloads: /^(No downloads|\[D\] \[lab\] waits\.txt)$/,
  follow: /^Following lab into \/.+\/files$/,
  list_follows: /^(No group is followed|lab {2}\/.+\/files)$/,
  unfollow: /^No longer following lab$/,
  set_limit: /^Upload limit set to /,
  pause_download: /^Download paused$/,
  resume_download: /^Download resumed$/,
  cancel_download: /^Download cancelled$/,
  download_file: /^Download started$/,
  upload_file: /^File uploaded successfully$/,
  stop_share: /^File sharing stopped$/,
  create_group: /^Group created successfully$/,
  join_group: /^Join request sent$/,
  leave_group: /^Left group successfully$/,
  reject_request: /^Join request rejected$/,
  accept_request: /^User accepted to group$/,
  remove_member: /^Member removed$/,
  transfer_owner: /^Ownership transferred$/,
  delete_group: /^Group deleted$/,
  logout: /^Logged out successfully$/,
};

/** Commands on a group; after its owner has deleted it they find none, whoever was in it. */
export const DELETED_GROUP_COMMANDS: readonly string[] = [
  ...["join_group", "leave_group", "list_requests", "list_members", "list_files", "upload_file"],
  ...["download_file", "reject_request", "accept_request", "remove_member", "transfer_owner", "delete_group"],
];
