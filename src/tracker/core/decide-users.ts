/** Rules of accounts: one name for one account, as far as this tracker has seen. */
import { Failure } from "../../base/failure.ts";
import { refuseSuffix } from "../../base/ids.ts";
import type { Stamp } from "../../wire/entry.ts";
import type { ChangePassword, CreateUser, Decision } from "./commands.ts";
import { deriveUid } from "./derived-ids.ts";
import { laterStamp, stampAfter } from "./hybrid-time.ts";
import type { State } from "./state.ts";

export function decideCreateUser({ users }: State, { request, name, passwordHash }: CreateUser): Decision {
  const uid = deriveUid(request);
  if (users.has(uid)) return [];
  const fresh = refuseSuffix(name);
  if (fresh instanceof Failure) return fresh;
  const [holder] = users.find(name);
  if (holder !== undefined)
    return new Failure("name-taken", `there is a user ${users.name(holder)} already; choose another name`);
  return [{ kind: "account-created", uid, name, passwordHash }];
}

export function decideChangePassword({ users }: State, command: ChangePassword, now: Stamp): Decision {
  const { by, device, passwordHash } = command;
  const replaced = users.passwordStamp(by);
  if (replaced === undefined || !users.has(by))
    return new Failure("unknown-user", `this tracker does not know the account ${by} yet; try again shortly`);
  const stamp = laterStamp(now, stampAfter(replaced));
  return [{ kind: "password-changed", uid: by, passwordHash, stamp, replaces: replaced, device }];
}
