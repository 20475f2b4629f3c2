/** Commands on the user's account and session. */
import { Failure, orThrow } from "../base/failure.ts";
import { parsePassword } from "../base/ids.ts";
import {
  type CommandContext,
  command,
  done,
  newUserId,
  optional,
  passwd,
  shown,
  userId,
  wrongCount,
} from "./command.ts";
import { renderWhoAmI } from "./render.ts";
import { whoAmIFields } from "./said.ts";

const topic = "Account";

/** The password that was typed, or the one that the terminal is asked for. */
async function passwordOr(typed: string | undefined, { askHidden }: CommandContext): Promise<string> {
  if (typed !== undefined) return typed;
  if (askHidden === undefined) throw wrongCount("login", [userId, passwd], 1);
  const asked = await askHidden("Password: ");
  if (asked === undefined) throw new Failure("usage", "no password was given; login again");
  return orThrow(parsePassword(asked));
}

export const accountCommands = [
  command({
    name: "create_user",
    topic,
    args: [newUserId, passwd],
    summary: "Make an account.",
    example: "create_user alice secret",
    async run({ client }, user, password) {
      await client.createUser(user, password);
      return done("User created successfully", { user });
    },
  }),
  command({
    name: "login",
    topic,
    args: [userId, optional(passwd)],
    summary:
      "Log in; on a terminal without <passwd> it is asked for. Shares and unfinished downloads come back.",
    example: "login alice secret",
    holdsEvents: true,
    async run(context, user, typed) {
      await context.client.login(user, await passwordOr(typed, context));
      return done("Login successful", { user: context.client.whoAmI().user ?? user });
    },
  }),
  command({
    name: "logout",
    topic,
    args: [],
    summary: "Stop sharing, pause downloads and log out.",
    example: "logout",
    async run({ client, lastCopies, signal }) {
      await lastCopies();
      // Who does not wait for that goes on working: nothing has been done yet.
      if (signal.aborted) return shown([], {});
      await client.logout();
      return done("Logged out successfully", {});
    },
  }),
  command({
    name: "change_password",
    topic,
    args: [
      { ...passwd, label: "<old>" },
      { ...passwd, label: "<new>" },
    ],
    summary: "Set another password; your other sessions end.",
    example: "change_password secret 'a longer secret'",
    async run({ client }, old, fresh) {
      await client.changePassword(old, fresh);
      return done("Password changed", {});
    },
  }),
  command({
    name: "whoami",
    topic,
    args: [],
    summary: "Show who you are, where you listen, the tracker, the data folder and this machine's key.",
    example: "whoami",
    async run({ client }) {
      const who = client.whoAmI();
      return shown(renderWhoAmI(who), whoAmIFields(who));
    },
  }),
];
