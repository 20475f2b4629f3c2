/** How it is started and how it ends: options, addresses, folders, tracker files, exit codes. */
import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageFile from "../package.json";
import { BINARY } from "./harness/binary.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { freePorts } from "./harness/free-ports.ts";
import type { Program } from "./harness/program.ts";
import { World } from "./harness/world.ts";

/** @returns the one line of an end with this code */
async function onlyError(program: Program, exitCode: number): Promise<string> {
  expect(await program.exited()).toBe(exitCode);
  expect(program.out).toEqual([]);
  const errors = program.err.filter((line) => line.startsWith("error: "));
  expect(errors).toHaveLength(1);
  return errors[0] ?? "";
}

test("--version and --help say what it is and succeed", async () => {
  await using world = new World();
  for (const asked of ["--version", "-v"]) {
    const version = world.start("version", [asked]);
    expect(await version.exited()).toBe(0);
    expect(version.out).toEqual([expect.stringMatching(/^\S+ \(([0-9a-f]{7,12}(-dirty)?|unknown)\)$/)]);
    expect(version.out[0]?.split(" ")[0]).toBe(packageFile.version);
    expect(version.err).toEqual([]);
  }
  for (const args of [["--help"], ["tracker", "--help"], ["client", "--help"]]) {
    const help = world.start("help", args);
    expect(await help.exited()).toBe(0);
    expect(help.out.join("\n")).toContain(args[0] === "--help" ? "client" : "--data-dir");
  }
});

test("wrong usage is one line and exit code 2", async () => {
  await using world = new World();
  const info = world.trackerInfo;
  const wrong: readonly (readonly string[])[] = [
    [],
    ["serve"],
    ["toString"],
    ["client"],
    ["client", "127.0.0.1:0"],
    ["client", "127.0.0.1", info],
    ["client", "127.0.0.1:70000", info],
    ["client", "127.0.0.1:0", info, "surplus"],
    ["client", "127.0.0.1:0", info, "--no-such-option"],
    ["client", "127.0.0.1:0", info, "--limit-up"],
    ["client", "127.0.0.1:0", info, "--limit-up", "fast"],
    ["client", "127.0.0.1:0", info, "--limit-down=1"],
    ["client", "127.0.0.1:0", world.path("no-such-file")],
    ["tracker", info],
    ["tracker", info, "0"],
    ["tracker", info, "2"],
    ["tracker", info, "one"],
  ];
  for (const args of wrong) {
    const program = world.start(`p2p ${args.join(" ")}`.replaceAll("/", "_"), args);
    expect(await onlyError(program, 2)).toMatch(/^error: ./);
  }
});

test("a broken tracker file is refused with its name, the line and the text", async () => {
  await using world = new World();
  const info = world.path("broken.txt");
  writeFileSync(info, "127.0.0.1:5000\n\n127.0.0.1:99999\n");
  const error = await onlyError(world.start("client", ["client", "127.0.0.1:0", info]), 2);
  expect(error).toContain(`${info} line 3: not a port from 1 to 65535: 99999 in "127.0.0.1:99999"`);
});

test("every shape of tracker file leads to the tracker", async () => {
  await using world = new World();
  await world.startTracker();
  const [port] = world.ports;
  const shapes = [
    `127.0.0.1:${port}`,
    `127.0.0.1 ${port}`,
    `127.0.0.1\n${port}\n`,
    `1 127.0.0.1 ${port}`,
    `1 127.0.0.1:${port}`,
    `127.0.0.1:${port} 1`,
    `127.0.0.1;${port}`,
    `{"trackers":[{"id":1,"ip":"127.0.0.1","port":${port}}]}`,
    `127.0.0.1 ${port} 9001`,
    `\ufeff# trackers\r\n\r\nlocalhost:${port}  \r\n`,
  ];
  const info = world.path("shape.txt");
  for (const [index, shape] of shapes.entries()) {
    writeFileSync(info, shape);
    const client = world.start(`shape-${index}`, ["client", "127.0.0.1:0", info]);
    client.write(`create_user user${index} pw\n`);
    client.endInput();
    expect(await client.exited()).toBe(0);
    expect(client.out).toEqual(["User created successfully"]);
  }
});

test("a second process on the same data folder is refused", async () => {
  await using world = new World();
  await world.startTracker();
  const first = world.startClient("ann");
  await first.ok("help");
  const error = await onlyError(world.startClient("ann"), 1);
  expect(error).toContain(`the data folder ${world.path("ann", "data")} is in use`);
  const tracker = world.start("tracker-1", [
    "tracker",
    world.trackerInfo,
    "1",
    "--data-dir",
    world.path("tracker-1", "data"),
  ]);
  expect(await onlyError(tracker, 1)).toContain("is in use");
});

test("a client address that is a tracker's, or taken, gives one line and a free port", async () => {
  await using world = new World();
  await world.startTracker();
  const [trackerPort] = world.ports;
  using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, exclusive: true, socket: { data() {} } });
  for (const port of [trackerPort, taken.port]) {
    const client = world.start(`on-${port}`, ["client", `127.0.0.1:${port}`, world.trackerInfo]);
    client.write("whoami\n");
    const listening = await client.line(/^listening +127\.0\.0\.1:\d+$/);
    expect(listening).not.toEndWith(`:${port}`);
    expect(client.err.filter((line) => line.includes(`127.0.0.1:${port}`))).toHaveLength(1);
    client.write("exit\n");
    expect(await client.exited()).toBe(0);
  }
});

test("the address that is asked for is the one it listens on", async () => {
  await using world = new World();
  await world.startTracker();
  const [port] = freePorts(1);
  const client = world.start("fixed", ["client", `127.0.0.1:${port}`, world.trackerInfo]);
  client.write("whoami\nexit\n");
  expect(await client.exited()).toBe(0);
  expect(client.out.some((line) => line.endsWith(` 127.0.0.1:${port}`))).toBe(true);
});

test("a script with a failed command goes on and ends with 1, one without ends with 0", async () => {
  await using world = new World();
  await world.startTracker();
  const good = world.startClient("good");
  good.write("# a comment\n\ncreate_user ann pw\nlogin ann pw\nlist_groups\n");
  good.endInput();
  expect(await good.exited()).toBe(0);
  expect(good.out).toEqual(["User created successfully", "Login successful", "No groups"]);

  const bad = world.startClient("bad");
  bad.write("login ann wrong\nlogin ann pw\nlist_groups");
  bad.endInput();
  expect(await bad.exited()).toBe(1);
  expect(bad.out).toEqual(["Login successful", "No groups"]);
  expect(bad.err).toContain("error: wrong user id or password");
});

test("at the end of input running downloads finish first; with --stay it goes on sharing until a signal", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann", { args: ["--stay"] });
  const file = join(world.dir("ann", "files"), "film.bin");
  writeRandomFile(file, 32 * MiB, 4);
  ann.write(`create_user ann pw\nlogin ann pw\ncreate_group lab\nupload_file ${file} lab\n`);
  ann.endInput();
  await ann.line(/^File uploaded successfully$/);

  const copy = join(world.dir("bob", "files"), "film.bin");
  const owner = world.startClient("owner");
  await owner.ok("login ann pw");
  const bob = world.startClient("bob");
  await bob.ok("create_user bob pw");
  await bob.ok("login bob pw");
  await bob.ok("join_group lab");
  await owner.ok("accept_request lab bob");
  bob.write(`download_file lab film.bin ${copy}\n`);
  bob.endInput();
  expect(await bob.exited()).toBe(0);
  expect(bob.out.slice(-2)).toEqual(["Download started", `Download complete: ${copy}`]);
  expect(await sha1Of(copy)).toBe(await sha1Of(file));

  expect(ann.exitCode).toBeUndefined();
  await ann.stop();
});

test("quit ends a tracker, and so does a signal", async () => {
  await using world = new World(2);
  const first = await world.startTracker(1);
  first.write("quit\n");
  expect(await first.exited()).toBe(0);
  const second = await world.startTracker(2);
  await second.stop();
});

test("--print-fingerprint gives the line that pins a tracker, before its first start, while it runs and to a script", async () => {
  await using world = new World();
  const { trackerInfo } = world;
  const args = ["tracker", trackerInfo, "1", "--data-dir", world.path("tracker-1", "data")];
  const printed = async () => {
    const program = world.start("printer", [...args, "--print-fingerprint"]);
    expect(await program.exited()).toBe(0);
    expect(program.err).toEqual([]);
    return program.out;
  };
  const before = await printed();
  expect(before).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+ sha256:[0-9a-f]{64}$/)]);
  writeFileSync(trackerInfo, `${before[0]}\n`);
  await world.startTracker();
  expect(await printed()).toEqual(before);
  const client = world.startClient("ann");
  await client.ok("create_user ann pw");
});

test("by default everything is kept in the home folder, apart for each address", async () => {
  await using world = new World();
  const [port] = freePorts(1);
  const client = world.start("ann", ["client", `127.0.0.1:${port}`, world.trackerInfo]);
  client.write("exit\n");
  expect(await client.exited()).toBe(0);
  expect(existsSync(BINARY)).toBe(true);
  if (process.platform === "linux")
    expect(existsSync(world.path("ann", ".local", "share", "p2p", `client-127.0.0.1-${port}`))).toBe(true);
});
