/**
 * A folder that somebody else filled: the runtime inside the program would by itself run a `preload` that a bunfig.toml
 * names, and take settings from .env, tsconfig.json and package.json. The program does neither, wherever it is started.
 */
import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { World } from "./harness/world.ts";

/** Fills the folder with everything that could take over. @returns the file that whatever ran would leave */
function plantTraps(folder: string): string {
  const trace = join(folder, "it-ran");
  const payload = `require("node:fs").writeFileSync(${JSON.stringify(trace)}, "");\n`;
  const files: Readonly<Record<string, string>> = {
    "evil.js": payload,
    "evil.ts": payload,
    "bunfig.toml": `preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n[test]\npreload = ["./evil.js"]\n`,
    ".env": `BUN_OPTIONS=--preload=./evil.js\nNODE_OPTIONS=--require=./evil.js\nNODE_TLS_REJECT_UNAUTHORIZED=0\nXDG_DATA_HOME=${join(folder, "from-env")}\nHOME=${join(folder, "from-env")}\n`,
    ".env.production": "BUN_OPTIONS=--preload=./evil.js\n",
    "tsconfig.json": `{"compilerOptions": {"paths": {"*": ["./evil.ts"]}, "baseUrl": "."}}\n`,
    "package.json": `{"imports": {"#*": "./evil.js"}, "main": "./evil.js", "type": "commonjs"}\n`,
    "hash-worker.ts": payload,
    "hash-worker.js": payload,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return trace;
}

test("nothing in the folder it is started in is run or believed", async () => {
  await using world = new World();
  const folder = world.dir("traps");
  const trace = plantTraps(folder);
  // The worker's path from the sources, as it is looked for if it is not inside the program.
  const nested = join(world.dir("traps", "transfer", "disk"), "hash-worker.ts");
  writeFileSync(nested, `require("node:fs").writeFileSync(${JSON.stringify(trace)}, "");\n`);

  await world.startTracker(1, { cwd: folder });
  const ann = world.startClient("ann", { cwd: folder });
  await ann.ok("create_user ann pw");
  await ann.ok("login ann pw");
  await ann.ok("create_group lab");
  const file = join(folder, "evil.js");
  await ann.ok(`upload_file ${file} lab`);
  expect(await ann.ok("list_files lab")).toHaveLength(1);

  for (const args of [["--version"], ["--help"], ["client", "--help"]])
    expect(await world.start("plain", args, { cwd: folder }).exited()).toBe(0);
  expect(existsSync(trace)).toBe(false);
  expect(existsSync(join(folder, "from-env"))).toBe(false);
});

test("the default data folder does not come from a .env", async () => {
  await using world = new World();
  await world.startTracker();
  const folder = world.dir("traps");
  plantTraps(folder);
  const bob = world.start("bob", ["client", "127.0.0.1:0", world.trackerInfo], { cwd: folder });
  bob.write("whoami\nexit\n");
  expect(await bob.exited()).toBe(0);
  const data = bob.out.find((line) => line.startsWith("data "));
  expect(data).toContain(world.path("bob"));
});
