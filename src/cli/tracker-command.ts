/** `p2p tracker <tracker_info> <tracker_no>`: runs one tracker of the file until it is told to end. */
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { CommandDef } from "citty";
import { Failure } from "../base/failure.ts";
import { COMMAND_LINE_BYTES_MAX } from "../base/limits.ts";
import { boundedLines } from "../base/lines.ts";
import { HERE } from "../base/platform.ts";
import { systemClock } from "../base/system-clock.ts";
import { forTerminal } from "../base/text.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import {
  findTrackerKey,
  makeTrackerKey,
  startTracker,
  type TrackerServer,
} from "../tracker/tracker-server.ts";
import { type CommandForm, readCommandLine } from "./command-line.ts";
import { defaultDataFolder } from "./data-folder.ts";
import { lockFolder } from "./folder-lock.ts";
import { createLogger } from "./logger.ts";
import { onEndSignal, withinCloseTime } from "./process-end.ts";
import { attendTracker, introduce, ownEntry, pinLine } from "./tracker-console.ts";
import { readTrackerInfo } from "./tracker-info.ts";

const FORM = {
  name: "p2p tracker",
  words: ["tracker_info", "tracker_no"],
  folders: ["data-dir"],
  switches: ["print-fingerprint"],
} as const satisfies CommandForm;

/** @param version of the program, for whoever asks the tracker */
export function trackerCommand(version: string): CommandDef {
  return {
    meta: { name: "tracker", description: "Keep accounts, groups and who shares what" },
    args: {
      tracker_info: {
        type: "positional",
        required: false,
        description: "file with the trackers, one ip:port per line",
      },
      tracker_no: { type: "positional", required: false, description: "which of them this one is, from 1" },
      "data-dir": {
        type: "string",
        valueHint: "folder",
        description: "where this tracker keeps its key and its records",
      },
      "print-fingerprint": {
        type: "boolean",
        description: "print the line for tracker_info.txt that pins this tracker's key, and end",
      },
    },
    async run({ args }) {
      const { words, folders, switches } = readCommandLine(FORM, args);
      const [trackerInfo = "", no = ""] = words;
      const trackers = await readTrackerInfo(trackerInfo);
      const own = ownEntry(trackers, no, trackerInfo);
      if (own instanceof Failure) throw own;
      const given = folders.get("data-dir");
      const around = { platform: HERE, env: process.env, home: homedir() };
      const folder = given === undefined ? defaultDataFolder(around, "tracker", own.address) : resolve(given);
      if (switches.has("print-fingerprint")) {
        const fingerprint = (await findTrackerKey(folder)) ?? (await locked(folder, makeTrackerKey));
        printer(process.stdout)(pinLine(own, trackers, fingerprint));
      } else
        await locked(folder, () =>
          runTracker({ own, trackers, dataFolder: folder, program: `p2p ${version}` }),
        );
    },
  };
}

/** Runs something while no other process uses the folder. */
async function locked<T>(folder: string, run: (folder: string) => Promise<T>): Promise<T> {
  const lock = lockFolder(folder);
  try {
    return await run(folder);
  } finally {
    lock.release();
  }
}

interface TrackerRun {
  readonly own: TrackerEntry;
  readonly trackers: readonly TrackerEntry[];
  readonly dataFolder: string;
  /** Name and version. */
  readonly program: string;
}

async function runTracker(run: TrackerRun): Promise<void> {
  const { own, trackers, dataFolder } = run;
  const stop = onEndSignal();
  const server = await openTracker(run);
  try {
    const io = { reply: printer(process.stdout), error: printer(process.stderr) };
    for (const line of introduce(own, trackers, server, dataFolder)) io.reply(line);
    await attendTracker(server, boundedLines(process.stdin, COMMAND_LINE_BYTES_MAX), io, stop);
  } finally {
    await withinCloseTime(server.close());
  }
}

/** Composes the tracker. */
function openTracker({ own, trackers, dataFolder, program }: TrackerRun): Promise<TrackerServer> {
  const log = createLogger("info", printer(process.stderr));
  const { no, address } = own;
  return startTracker({ no, address, trackers, dataFolder, log, clock: systemClock, program });
}

function printer(stream: NodeJS.WritableStream): (line: string) => void {
  return (line) => {
    stream.write(`${forTerminal(line)}\n`);
  };
}
