/**
 * Accounts and sessions: who somebody is, on which connection.
 *
 * Passwords are checked off the event loop, so that the world may have moved on when the answer is there: whatever was
 * looked at before is looked at again. Unknown users and wrong passwords get one and the same answer, at the same cost.
 */
import type { Address } from "../base/address.ts";
import { defined } from "../base/assert.ts";
import { Failure, orThrow } from "../base/failure.ts";
import { nameKey, type Uid, type UserName } from "../base/ids.ts";
import { DEVICES_PER_USER_MAX, NAMESAKES_TRIED_MAX } from "../base/limits.ts";
import { formatDuration } from "../base/text.ts";
import type { Params, Result } from "../wire/client-tracker.ts";
import { carryOut } from "./carry-out.ts";
import type { ClientLink } from "./client-link.ts";
import { type AccountRow, accountOf, accountsNamed } from "./core/queries.ts";
import type { CallerMethod, Desk, LinkMethod } from "./desk.ts";
import { type Device, reachableAddress } from "./presence.ts";

export const hello: LinkMethod<"hello"> = async (desk, link, { newFiles = false }) => {
  await desk.ready();
  link.greeted = true;
  link.takesNewFiles = newFiles;
  return { tracker: desk.no, clockMs: desk.clock.nowMs(), keys: [...desk.keys()] };
};

export const ping: LinkMethod<"ping"> = () => ({});

export const status: LinkMethod<"status"> = ({ program, cluster }) => ({
  program,
  others: cluster.standings(),
});

export const dialBack: LinkMethod<"dial_back"> = async (desk, link, { port }) => ({
  reached: await desk.dialBack.reaches(link, port),
});

export const createUser: LinkMethod<"create_user"> = async (desk, link, { id, name, password }) => {
  const hash = () => desk.passwords.hash(password, "account");
  const passwordHash = await desk.accountQuota.within(link.remote.host, desk.clock.monotonicMs(), hash);
  return carryOut(desk, link, { kind: "create-user", request: id, name, passwordHash }, () => ({}));
};

export const login: LinkMethod<"login"> = async (desk, link, { name, password, listening }) => {
  refuseSecondSession(link);
  const accounts = accountsNamed(desk.state, name).slice(0, NAMESAKES_TRIED_MAX);
  const account = await guarded(desk, link, name, () => firstWith(desk, accounts, password));
  if (account === undefined) throw new Failure("wrong-credentials", "wrong user id or password");
  return openSession(desk, link, account, listening);
};

export const resume: LinkMethod<"resume"> = (desk, link, { token, listening }) => {
  refuseSecondSession(link);
  const account = orThrow(desk.tokens.check(token, link.fingerprint));
  return openSession(desk, link, account, listening);
};

/** Harmless without a session: a client may repeat it on another connection. */
export const logout: LinkMethod<"logout"> = (desk, link) => {
  closeSession(desk, link);
  return {};
};

export const changePassword: CallerMethod<"change_password"> = async (desk, caller, params) => {
  const { uid, session, link, fingerprint: device } = caller;
  if (session.changing !== undefined)
    throw new Failure("try-later", "the password is being changed; try again shortly");
  session.changing = params.id;
  try {
    if (!(await knowsOld(desk, link, uid, params)))
      throw new Failure("wrong-credentials", "the old password is wrong");
    const passwordHash = await desk.passwords.hash(params.new, "session");
    const command = { kind: "change-password", request: params.id, by: uid, device, passwordHash } as const;
    // Issued right after the command: another change of the password may follow before the answer.
    const issue = () => ({ token: desk.tokens.issue(accountHere(desk, uid), link.fingerprint) });
    return await carryOut(desk, link, command, issue);
  } finally {
    session.changing = undefined;
  }
};

/** Ends the link's session, if it has one: its device is offline from now on. */
export function closeSession(desk: Desk, link: ClientLink): void {
  const { session, fingerprint } = link;
  if (session === undefined) return;
  link.session = undefined;
  desk.presence.leave({ uid: session.uid, fingerprint }, link, desk.clock.nowMs());
}

/** @returns the first account whose password it is; of none, after the same work as for one */
async function firstWith(
  { passwords }: Desk,
  accounts: readonly AccountRow[],
  password: string,
): Promise<AccountRow | undefined> {
  if (accounts.length === 0) await passwords.verify(password, undefined);
  for (const account of accounts) if (await passwords.verify(password, account.passwordHash)) return account;
  return undefined;
}

/** Whether the old password is right; when the command is a repetition the new one is the account's already. */
async function knowsOld(
  desk: Desk,
  link: ClientLink,
  uid: Uid,
  params: Params<"change_password">,
): Promise<boolean> {
  const account = accountHere(desk, uid);
  const known = desk.state.recent.has(params.id) ? params.new : params.old;
  return (await guarded(desk, link, account.name, () => firstWith(desk, [account], known))) !== undefined;
}

/** One try of a password, slowed down for those who guess. */
async function guarded(
  { throttle, clock }: Desk,
  link: ClientLink,
  name: UserName,
  attempt: () => Promise<AccountRow | undefined>,
): Promise<AccountRow | undefined> {
  const user = nameKey(name);
  const { host } = link.remote;
  const waitMs = throttle.begin(user, host, clock.monotonicMs());
  if (waitMs > 0) {
    const wait = formatDuration(Math.ceil(waitMs / 1000));
    throw new Failure("try-later", `too many wrong passwords; try again in ${wait}`);
  }
  try {
    const account = await attempt();
    if (account !== undefined) throttle.succeed(user, host);
    return account;
  } catch (error) {
    throttle.withdraw(user, host);
    throw error;
  }
}

function refuseSecondSession({ session }: ClientLink): void {
  if (session !== undefined) throw new Failure("already-logged-in", "already logged in; logout first");
}

function openSession(desk: Desk, link: ClientLink, checked: AccountRow, listening: Address): Result<"login"> {
  refuseSecondSession(link);
  if (!link.isOpen) throw new Failure("not-logged-in", "the connection has ended");
  const account = accountHere(desk, checked.uid);
  if (account.passwordStamp !== checked.passwordStamp)
    throw new Failure("try-later", "the password was changed just now; log in again");
  const { uid, name, passwordStamp } = account;
  const { fingerprint } = link;
  const device = { uid, fingerprint };
  refuseAnotherDevice(desk, device, name);
  const before = desk.presence.arrive(device, reachableAddress(listening, link.remote), link);
  link.session = { uid, passwordStamp, changing: undefined };
  if (before !== undefined) {
    before.session = undefined;
    before.close(new Failure("protocol", "the same client has come back on another connection"));
  }
  desk.announcer.sharesAppeared(device);
  desk.announcer.tellRemovals(device, link);
  return { uid, name, token: desk.tokens.issue(account, fingerprint), news: desk.news.take(uid) };
}

/** Keys are free: whoever has one password could be any number of machines. */
function refuseAnotherDevice({ presence }: Desk, device: Device, name: UserName): void {
  if (presence.find(device) !== undefined || presence.deviceCount(device.uid) < DEVICES_PER_USER_MAX) return;
  throw new Failure(
    "too-many",
    `${name} is logged in on ${DEVICES_PER_USER_MAX} machines, the most there may be; log out on one of them`,
  );
}

/** As it is now. Of a session: an account that was known once stays. */
function accountHere({ state }: Desk, uid: Uid): AccountRow {
  return defined(accountOf(state, uid), "the account of a session is known");
}
