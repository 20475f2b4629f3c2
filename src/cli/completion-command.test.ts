import { expect, test } from "bun:test";
import { runCommand } from "citty";
import { failureOf } from "../testing/failure-of.ts";
import { completionCommand } from "./completion-command.ts";

test.each(["cmd", "toString", "\u001b[2J"])(
  "for the shell %j there is no script, and it is said for which",
  async (shell) => {
    const refused = await failureOf(runCommand(completionCommand(new Map()), { rawArgs: [shell] }));
    expect(refused.code).toBe("usage");
    expect(refused.message).toMatch(
      /^no script for (cmd|toString|\\u\{1b\}\[2J); there is one for bash, zsh, fish/,
    );
  },
);
