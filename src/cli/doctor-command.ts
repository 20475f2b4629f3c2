/**
 * `p2p doctor <tracker_info> [<ip:port>]`: looks at all that a client needs, and says what is wrong and what to do. With
 * `--tracker` it asks one tracker of the list alone, as whoever watches over that one wants to know.
 *
 * It changes nothing, needs no account, and may run beside the client that it is asked about.
 */
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { CommandDef } from "citty";
import { parseAddress } from "../base/address.ts";
import { orThrow } from "../base/failure.ts";
import { HERE } from "../base/platform.ts";
import { jsonLine } from "../base/text.ts";
import { screenColumns } from "../base/wrapped.ts";
import { probe } from "../client/probe.ts";
import { type CommandForm, readCommandLine } from "./command-line.ts";
import { defaultDataFolder } from "./data-folder.ts";
import { findingsOf, renderFinding, saidFinding } from "./doctor-findings.ts";
import { lookAtFolder } from "./folder-facts.ts";
import { MAY_BE_LEFT_OUT } from "./run-program.ts";
import { ownEntry } from "./tracker-console.ts";
import { readTrackers } from "./tracker-info.ts";

const FORM = {
  name: "p2p doctor",
  words: ["tracker_info"],
  mayFollow: ["ip:port"],
  folders: ["data-dir"],
  numbers: ["tracker"],
  switches: ["json"],
} as const satisfies CommandForm;

/** @param version of the program, for the trackers' logs and to be compared with theirs */
export function doctorCommand(version: string): CommandDef {
  return {
    meta: { name: "doctor", description: "Find out what keeps clients and trackers from each other" },
    args: {
      tracker_info: {
        type: "positional",
        required: false,
        description: "file with the trackers, one ip:port per line",
      },
      "ip:port": {
        type: "positional",
        required: false,
        valueHint: MAY_BE_LEFT_OUT,
        description: "where the client listens: is it reached, and is its folder in order?",
      },
      "data-dir": { type: "string", valueHint: "folder", description: "where that client keeps its key" },
      tracker: {
        type: "string",
        valueHint: "number",
        description: "ask this tracker of the file alone; another one that is down fails nothing",
      },
      json: { type: "boolean", description: "say each finding as a line of JSON: docs/SCRIPTING.md" },
    },
    async run({ args }) {
      const { words, folders, numbers, switches } = readCommandLine(FORM, args);
      const [fileName = "", address] = words;
      const listen = address === undefined ? undefined : orThrow(parseAddress(address, 0));
      const file = await readTrackers(fileName);
      const trackers = file.map(({ entry }) => entry);
      const number = numbers.get("tracker");
      const only = number === undefined ? undefined : orThrow(ownEntry(trackers, number, fileName));
      const given = folders.get("data-dir");
      const around = { platform: HERE, env: process.env, home: homedir() };
      const byAddress = listen && defaultDataFolder(around, "client", listen);
      const dataFolder = given === undefined ? byAddress : resolve(given);
      const folder = dataFolder === undefined ? undefined : await lookAtFolder(dataFolder);
      const program = `p2p ${version}`;
      const network = await probe({
        trackers: only === undefined ? trackers : [only],
        dataFolder: folder?.exists ? dataFolder : undefined,
        listen: listen?.port === 0 ? undefined : listen,
        isClientRunning: folder?.isLocked ?? false,
        program,
      });
      const findings = findingsOf({ program, fileName, file, only: only?.no, network, listen, folder });
      const lines = findings.flatMap((each) =>
        switches.has("json")
          ? [jsonLine(saidFinding(each))]
          : renderFinding(each, screenColumns(process.stdout)),
      );
      process.stdout.write(`${lines.join("\n")}\n`);
      process.exitCode = findings.some(({ level }) => level === "fail") ? 1 : 0;
    },
  };
}
