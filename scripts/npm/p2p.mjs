#!/usr/bin/env node
// The command `p2p` of the npm package: starts the program for this machine, and is not seen beside it.
//
// Owns: finding that program, in the package for this platform or, in a package that was made for one machine, in its own
// folder. Whoever signals this process means the program, and gets its exit code. Plain JavaScript for Node 18 and Bun; it
// knows no platforms itself: its package lists them.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const EXECUTABLE = process.platform === "win32" ? "p2p.exe" : "p2p";
const require = createRequire(import.meta.url);

/** Of this process: the program beside it is linked with the same. */
function isMusl() {
  if (process.platform !== "linux") return false;
  if (process.report) {
    process.report.excludeNetwork = true;
    const report = process.report.getReport();
    const { header } = typeof report === "string" ? JSON.parse(report) : report;
    if (header?.glibcVersionRuntime) return false;
  }
  return existsSync("/lib") && readdirSync("/lib").some((name) => name.startsWith("ld-musl-"));
}

/** The end of the name of the package for this machine. */
function platformName() {
  const system = process.platform === "win32" ? "windows" : process.platform;
  return `p2p-${system}-${process.arch}${isMusl() ? "-musl" : ""}`;
}

/** The folder that this file's package.json is in. */
function ownFolder() {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

/** @returns the program's path, or what is wrong and what to do */
function findProgram() {
  const folder = ownFolder();
  const inHere = join(folder, "dist", EXECUTABLE);
  if (existsSync(inHere)) return { path: inHere };
  const { name, optionalDependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const wanted = platformName();
  const platformPackage = Object.keys(optionalDependencies).find((each) => each.endsWith(`/${wanted}`));
  if (platformPackage === undefined)
    return { problem: `there is no p2p for ${process.platform} on ${process.arch}` };
  try {
    return { path: join(dirname(require.resolve(`${platformPackage}/package.json`)), EXECUTABLE) };
  } catch {
    return {
      problem: `the package ${platformPackage} is not installed: install ${name} again on this machine, without --omit=optional (or --no-optional)`,
    };
  }
}

function fail(problem) {
  console.error(`error: ${problem}`);
  process.exit(1);
}

/** With musl the program needs a library that a system may lack: its loader says so, in its own words, and ends with this. */
const LACKS_LIBRARY = 127;

function mayLackLibrary() {
  return isMusl() && !["/usr/lib", "/lib"].some((folder) => existsSync(join(folder, "libstdc++.so.6")));
}

function whyNotStarted(path, error) {
  // So the system also answers when the program's loader is missing.
  if (error.code === "ENOENT" && existsSync(path)) return `${path} is not for the C library of this system`;
  return `${path} does not start: ${error.message}`;
}

/**
 * A terminal signals all that runs in front of it: passed on by this process too, a signal would come twice, and the second
 * one makes the program end at once.
 */
function isFromTerminal(signal) {
  if (signal === "SIGTERM") return false;
  try {
    // Behind the name, which ends with the last bracket: state, parent, group, session, terminal, and the group in front of it.
    const status = readFileSync("/proc/self/stat", "utf8");
    const [, , group, , terminal, front] = status.slice(status.lastIndexOf(")") + 2).split(" ");
    return terminal !== "0" && group === front;
  } catch {
    return process.stdin.isTTY === true || process.stderr.isTTY === true;
  }
}

function run(path, args) {
  // Before the program runs: it may be ready, and be signalled, sooner than this goes on.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
    process.on(signal, () => isFromTerminal(signal) || child.kill(signal));
  const child = spawn(path, args, { stdio: "inherit" });
  child.on("error", (error) => fail(whyNotStarted(path, error)));
  child.on("exit", (code, signal) => {
    if (code === LACKS_LIBRARY) console.error("error: p2p lacks a library; on Alpine: apk add libstdc++");
    if (code !== null) process.exit(code);
    // Ends as the program did: whoever waits for this sees the same.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 1000);
  });
}

/** In place of this process, where Node can (from 22.15 on): same id, same signals, and nothing is kept in memory. */
function replace(path, args) {
  if (typeof process.execve !== "function" || process.platform === "win32" || process.versions.bun) return;
  // Somebody has to be left to say what to do.
  if (mayLackLibrary()) return;
  try {
    process.execve(path, [path, ...args], process.env);
  } catch {
    // As where it is not there.
  }
}

const { path, problem } = findProgram();
if (problem !== undefined) fail(problem);
const args = process.argv.slice(2);
replace(path, args);
run(path, args);
