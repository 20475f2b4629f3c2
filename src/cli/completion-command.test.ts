import { expect, test } from "bun:test";
import { runCommand } from "citty";
import { failureOf } from "../testing/failure-of.ts";
import { completionCommand } from "./completion-command.ts";

test.each([
  ["cmd", "cmd"],
  ["toString", "toString"],
  ["\u001b[2J", "\\u{1b}[2J"],
])("for the shell %j there is no script, and it is said for which", async (shell, shown) => {
  const refused = await failureOf(runCommand(completionCommand(new Map()), { rawArgs: [shell] }));
  expect(refused.code).toBe("usage");
  expect(refused.message).toBe(`no script for ${shown}; there is one for bash, zsh, fish`);
});
