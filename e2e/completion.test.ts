/** `p2p completion`: the script of each shell, read by that shell where it is installed. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanEnvironment } from "./harness/binary.ts";
import { World } from "./harness/world.ts";

/** Writes the script of that shell to a file of the world. @returns its path */
async function scriptOf(world: World, shell: string): Promise<string> {
  const program = world.start(`for-${shell}`, ["completion", shell]);
  expect(await program.exited()).toBe(0);
  expect(program.err).toEqual([]);
  const path = world.path(`p2p.${shell}`);
  writeFileSync(path, `${program.out.join("\n")}\n`);
  return path;
}

/** What a program prints, line by line. */
function linesOf(world: World, command: readonly string[]): readonly string[] {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], {
    cwd: world.folder,
    env: cleanEnvironment(world.folder),
  });
  expect([stderr.toString(), exitCode]).toEqual(["", 0]);
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

const missing = (shell: string) => Bun.which(shell) === null;

describe("in bash", () => {
  /** What bash offers for the last of these words. */
  async function offers(cases: readonly (readonly string[])[]) {
    await using world = new World();
    const script = await scriptOf(world, "bash");
    world.dir("folder");
    writeFileSync(join(world.folder, "folder", "inside.txt"), "");
    return cases.map((words) => {
      const quoted = words.map((word) => `'${word}'`).join(" ");
      const asked = `COMP_WORDS=(${quoted}) COMP_CWORD=${words.length - 1}; _p2p; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return linesOf(world, ["bash", "--norc", "-c", `. "${script}"; ${asked}`]);
    });
  }

  test.skipIf(missing("bash"))("it completes sub-commands, options, files and folders", async () => {
    const [all, some, options, json, file, address, folder, commands, second, limited, shell] = await offers([
      ["p2p", ""],
      ["p2p", "do"],
      ["p2p", "client", "-"],
      ["p2p", "client", "a", "b", "--j"],
      ["p2p", "client", "127.0.0.1:1", "tracker"],
      ["p2p", "client", ""],
      ["p2p", "client", "a", "b", "--data-dir", "fol"],
      ["p2p", "client", "-c", ""],
      ["p2p", "tracker", "--data-dir", "x", "tracker"],
      ["p2p", "client", "--limit-up", "2M", "127.0.0.1:1", "tracker"],
      ["p2p", "completion", ""],
    ]);
    expect(all).toEqual(["client", "tracker", "doctor", "completion", "--help", "--version"]);
    expect(some).toEqual(["doctor"]);
    expect(options).toEqual([
      "--data-dir",
      "--limit-up",
      "--limit-down",
      "-c",
      "--command",
      "--json",
      "--quiet",
      "--stay",
      "--help",
    ]);
    expect(json).toEqual(["--json"]);
    expect(file).toEqual(["tracker_info.txt"]);
    expect(address).toEqual([]);
    expect(folder).toEqual(["folder"]);
    expect(commands).toEqual([]);
    expect(second).toEqual(["tracker_info.txt"]);
    expect(limited).toEqual(["tracker_info.txt"]);
    expect(shell).toEqual(["bash", "zsh", "fish"]);
  });

  test.skipIf(missing("bash"))("it is the function that completes p2p", async () => {
    await using world = new World();
    const script = await scriptOf(world, "bash");
    const shown = linesOf(world, ["bash", "--norc", "-c", `. "${script}"; complete -p p2p`]);
    expect(shown).toEqual(["complete -o filenames -F _p2p p2p"]);
  });
});

for (const shell of ["bash", "zsh", "fish"])
  test.skipIf(missing(shell))(
    `${shell} reads its script without a complaint (where it is installed)`,
    async () => {
      await using world = new World();
      expect(linesOf(world, [shell, "-n", await scriptOf(world, shell)])).toEqual([]);
    },
  );

test("zsh and fish get every sub-command and option, each with what it does, and balanced quotes", async () => {
  await using world = new World();
  for (const shell of ["zsh", "fish"]) {
    const text = await Bun.file(await scriptOf(world, shell)).text();
    for (const word of ["client", "tracker", "doctor", "completion"]) expect(text).toContain(word);
    for (const word of ["data-dir", "json", "quiet", "stay", "print-fingerprint"])
      expect(text).toContain(word);
    for (const line of text.split("\n")) expect(line.replaceAll("'\\''", "").split("'").length % 2).toBe(1);
  }
});

test("a shell that is not known is wrong usage", async () => {
  await using world = new World();
  const program = world.start("for-csh", ["completion", "csh"]);
  expect(await program.exited()).toBe(2);
  expect(program.err).toEqual(["error: no script for csh; there is one for bash, zsh, fish"]);
});

test("help of the program and of each command ends with examples", async () => {
  await using world = new World();
  for (const args of [[], ["client"], ["tracker"], ["doctor"], ["completion"]]) {
    const help = world.start("help", [...args, "--help"]);
    expect(await help.exited()).toBe(0);
    const examples = help.out.slice(help.out.indexOf("EXAMPLES") + 1).filter((line) => line.startsWith(" "));
    expect(examples.length).toBeGreaterThan(0);
    for (const line of examples) expect(line).toStartWith(`  ${["p2p", ...args].join(" ")} `);
  }
});
