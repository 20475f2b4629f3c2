import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { TempFolder } from "../../src/testing/temp-folder.ts";
import { commitName, sourceFacts } from "./source-commit.ts";

const HEAD = "0123456789abcdef0123456789abcdef01234567";

test("a commit is named by twelve digits, and by whether anything differs from it", () => {
  expect(commitName({ given: undefined, head: HEAD, changed: false })).toBe("0123456789ab");
  expect(commitName({ given: undefined, head: HEAD, changed: true })).toBe("0123456789ab-dirty");
});

test("without a history it is unknown, or what the builder says", () => {
  expect(commitName({ given: undefined, head: undefined, changed: false })).toBe("unknown");
  expect(commitName({ given: HEAD, head: undefined, changed: false })).toBe("0123456789ab");
  expect(commitName({ given: `${HEAD}-dirty`, head: undefined, changed: false })).toBe("0123456789ab-dirty");
  expect(commitName({ given: "", head: HEAD, changed: false })).toBe("0123456789ab");
});

test("what is no commit is refused, not put into the binary", () => {
  expect(() => commitName({ given: "v1.0 (mine)", head: HEAD, changed: false })).toThrow(
    "P2P_COMMIT is not a commit: v1.0 (mine)",
  );
});

test("a clone says its commit and whether it was changed; a folder inside somebody's clone says nothing", async () => {
  await using folder = await TempFolder.make();
  const git = (...args: readonly string[]) => {
    const identity = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"];
    const { exitCode, stdout } = Bun.spawnSync(["git", ...identity, ...args], { cwd: folder.path });
    expect(exitCode).toBe(0);
    return stdout.toString().trim();
  };
  expect(sourceFacts(folder.path, {})).toEqual({ given: undefined, head: undefined, changed: false });
  git("init", "--quiet");
  git("commit", "--quiet", "--allow-empty", "--message", "nothing yet");
  const head = git("rev-parse", "HEAD");
  expect(sourceFacts(folder.path, {})).toEqual({ given: undefined, head, changed: false });
  writeFileSync(folder.join("new.ts"), "");
  expect(sourceFacts(folder.path, { P2P_COMMIT: "abcdef0" })).toEqual({
    given: "abcdef0",
    head,
    changed: true,
  });
  mkdirSync(folder.join("unpacked"));
  expect(sourceFacts(folder.join("unpacked"), {}).head).toBeUndefined();
});
