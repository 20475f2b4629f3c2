/**
 * `p2p client <ip:port> <tracker_info>`: puts a client and a prompt together, and takes them apart again.
 *
 * The address names the data folder, so that a client started again with it is the same client.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { CommandDef } from "citty";
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { isFailure, orThrow, toFailure } from "../base/failure.ts";
import { HERE } from "../base/platform.ts";
import { systemClock } from "../base/system-clock.ts";
import { jsonLine } from "../base/text.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import { type ClientApp, openClientApp } from "../client/client-app.ts";
import { tellDownloadProgress } from "../repl/download-progress.ts";
import { Repl } from "../repl/repl.ts";
import { saidError } from "../repl/said.ts";
import { openScriptTerminal } from "../repl/script-terminal.ts";
import { openTerminal } from "../repl/terminal.ts";
import { type CommandForm, type CommandLine, readCommandLine } from "./command-line.ts";
import { defaultDataFolder } from "./data-folder.ts";
import { type FolderLock, lockFirstFree } from "./folder-lock.ts";
import { LineHistoryFile } from "./line-history.ts";
import { listFolder } from "./list-folder.ts";
import { type ListenPlan, planListening } from "./listen-plan.ts";
import { createLogger } from "./logger.ts";
import { kindOf } from "./path-kind.ts";
import { onEndSignal, withinCloseTime } from "./process-end.ts";
import { readTrackerInfo } from "./tracker-info.ts";

const FORM = {
  name: "p2p client",
  words: ["ip:port", "tracker_info"],
  folders: ["data-dir"],
  rates: ["limit-up", "limit-down"],
  switches: ["json", "quiet", "stay"],
  texts: [{ name: "command", letter: "c" }],
} as const satisfies CommandForm;

/** @param version of the program, for the greeting and the trackers' logs */
export function clientCommand(version: string): CommandDef {
  return {
    meta: { name: "client", description: "Share and download files in groups" },
    args: {
      "ip:port": {
        type: "positional",
        required: false,
        description: "where this client listens for others, for example 127.0.0.1:6000",
      },
      tracker_info: {
        type: "positional",
        required: false,
        description: "file with the trackers, one ip:port per line",
      },
      "data-dir": {
        type: "string",
        valueHint: "folder",
        description: "where this client keeps its key and what it shares",
      },
      "limit-up": {
        type: "string",
        valueHint: "rate",
        description: "hold all uploads together to a rate: 500K, 2.5M, 20mbit; as set_limit up",
      },
      "limit-down": {
        type: "string",
        valueHint: "rate",
        description: "hold all downloads together to a rate; as set_limit down",
      },
      command: {
        type: "string",
        alias: "c",
        valueHint: "commands",
        description: "run these commands, a ; after each, and end; may be repeated",
      },
      json: { type: "boolean", description: "say everything as lines of JSON: docs/SCRIPTING.md" },
      quiet: { type: "boolean", description: "say only errors, and what a command was asked to list" },
      stay: {
        type: "boolean",
        description: "go on sharing after the end of the commands, until a signal",
      },
    },
    async run({ args, rawArgs }) {
      const line = readCommandLine(FORM, args, rawArgs);
      const json = line.switches.has("json");
      const run = () => openAndRun(line, `p2p ${version}`);
      process.exitCode = await (json ? tellingInJson(run) : run());
    },
  };
}

/** Who reads JSON reads it of what kept the client from starting too. */
async function tellingInJson(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    const failure = toFailure(error);
    process.stdout.write(`${jsonLine(saidError(undefined, failure).record)}\n`);
    return failure.code === "usage" ? 2 : 1;
  }
}

/** @param program name and version. @returns the exit code */
async function openAndRun({ words, folders, rates, switches, texts }: CommandLine, program: string) {
  const [address = "", trackerInfo = ""] = words;
  const wanted = orThrow(parseAddress(address, 0));
  const trackers = await readTrackerInfo(trackerInfo);
  const plan = planListening(wanted, trackers, trackerInfo);
  const lock = lockDataFolder(folders.get("data-dir"), wanted, plan);
  try {
    return await runClient({
      trackers,
      plan,
      dataFolder: lock.folder,
      limits: { up: rates.get("limit-up"), down: rates.get("limit-down") },
      stay: switches.has("stay"),
      json: switches.has("json"),
      quiet: switches.has("quiet"),
      texts: texts.get("command"),
      program,
    });
  } finally {
    lock.release();
  }
}

function lockDataFolder(given: string | undefined, wanted: Address, plan: ListenPlan): FolderLock {
  if (given !== undefined) return lockFirstFree([resolve(given)]);
  const around = { platform: HERE, env: process.env, home: homedir() };
  const copies = Array.from({ length: plan.folders }, (_, index) => index + 1);
  return lockFirstFree(copies.map((copy) => defaultDataFolder(around, "client", wanted, copy)));
}

interface ClientRun {
  readonly trackers: readonly TrackerEntry[];
  readonly plan: ListenPlan;
  readonly dataFolder: string;
  /** Bytes a second. */
  readonly limits: { readonly up: number | undefined; readonly down: number | undefined };
  readonly stay: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Of commands; undefined: they are typed or come from a pipe. */
  readonly texts: readonly string[] | undefined;
  /** Name and version. */
  readonly program: string;
}

/** For who has never typed a command here. */
const FIRST_STEPS = [
  "New here? create_user <user_id> <passwd>, then login <user_id> <passwd>,",
  "then join_group <group_id>, or create_group <group_id> to begin one.",
] as const;

/** @returns the exit code */
async function runClient(run: ClientRun): Promise<number> {
  const { json, quiet, texts } = run;
  const windows = HERE.backslashSeparates;
  const isScript = json || quiet || texts !== undefined;
  let opened: LineHistoryFile | undefined;
  const history = () => {
    opened ??= new LineHistoryFile(join(run.dataFolder, "history"));
    return opened;
  };
  const terminal = isScript
    ? openScriptTerminal(process, { texts, json, quiet, windows })
    : openTerminal(process, { history, env: process.env });
  const say = (line: string) => terminal.notice(line);
  const stop = onEndSignal();
  try {
    if (run.plan.note !== undefined) say(run.plan.note);
    const client = await openClient(run, say);
    client.setLimit("up", run.limits.up);
    client.setLimit("down", run.limits.down);
    if (terminal.interactive) {
      say(`${run.program}, listening on ${formatAddress(client.listening)}; help lists all commands`);
      if (history().lines.length === 0) for (const line of FIRST_STEPS) say(line);
    }
    const stopTelling = json ? tellDownloadProgress({ client, terminal, clock: systemClock }) : () => {};
    try {
      const repl = new Repl(
        { client, terminal, clock: systemClock, kindOf, listFolder },
        { home: homedir(), windows, stay: run.stay, stop },
      );
      return await repl.run();
    } finally {
      stopTelling();
      await withinCloseTime(client.close());
    }
  } finally {
    await terminal.close();
  }
}

/** Composes the client, on the first address of the plan that this machine can have. */
async function openClient(run: ClientRun, say: (line: string) => void): Promise<ClientApp> {
  const { trackers, dataFolder, program } = run;
  const log = createLogger("warn", say);
  const openOn = async ([listen, ...others]: ListenPlan["addresses"]): Promise<ClientApp> => {
    try {
      return await openClientApp({ trackers, listen, dataFolder, log, program });
    } catch (error) {
      const [next, ...rest] = others;
      if (next === undefined || !isFailure(error) || error.code !== "address-in-use") throw error;
      return openOn([next, ...rest]);
    }
  };
  return openOn(run.plan.addresses);
}
