/** `tracker_info.txt`: every shape of it that is accepted, what is nearly one, and any bytes in the file. */
import { writeFile } from "node:fs/promises";
import { type Address, formatAddress } from "../../../base/address.ts";
import { Failure } from "../../../base/failure.ts";
import type { Fingerprint } from "../../../base/ids.ts";
import { TRACKERS_MAX } from "../../../base/limits.ts";
import type { TrackerEntry } from "../../../base/tracker-entry.ts";
import { parseTrackerInfo, parseTrackers, readTrackers } from "../../../cli/tracker-info.ts";
import { readTrackersJson } from "../../../cli/tracker-info-json.ts";
import { TempFolder } from "../../temp-folder.ts";
import type { Draw } from "../draw.ts";
import { type FuzzCase, type FuzzTarget, must, mustBeFailure, mustEqual } from "../fuzz-target.ts";
import { mutateBytes, mutateText } from "../mutation.ts";
import { jsonText, mutateJson, randomJson } from "../random-json.ts";
import { validAddress } from "../valid-value.ts";

const FILE_NAME = "tracker_info.txt";
const FILE_BYTES = 2 ** 20;
const LONG_CHARS = 60_000;

/** Each with an address and a number of its own. */
function someEntries(draw: Draw): TrackerEntry[] {
  return Array.from({ length: draw.between(1, 4) }, (_, index) => {
    const { host, port } = validAddress(draw);
    const pin = draw.once(3) ? (draw.hex(64) as Fingerprint) : undefined;
    return { no: index + 1, address: { host, port: ((port + index) % 65_535) + 1 }, pin };
  });
}

/** As the program would write it, and every reader must take it. */
function plainText(entries: readonly TrackerEntry[]): string {
  return entries
    .map(
      ({ no, address, pin }) => `${no} ${hostAndPort(address)}${pin === undefined ? "" : ` sha256:${pin}`}`,
    )
    .join("\n");
}

/** Apart, since `sha256` is a host too, but `sha256:8001` a pin that is none. */
function hostAndPort(address: Address): string {
  return address.host.includes(":") ? formatAddress(address) : `${address.host} ${address.port}`;
}

function shaped(draw: Draw, entries: readonly TrackerEntry[]): string {
  const end = draw.pick(["\n", "\r\n", "\n\n", "  \n", " # a comment\n"]);
  const pinned = ({ pin }: TrackerEntry) => (pin === undefined ? "" : ` sha256:${pin}`);
  switch (draw.below(5)) {
    case 0:
      return entries.map((entry) => `${formatAddress(entry.address)}${pinned(entry)}`).join(end);
    case 1:
      return entries
        .map((entry) => `${entry.no} ${entry.address.host} ${entry.address.port}${pinned(entry)}`)
        .join(end);
    case 2:
      return entries
        .map((entry) => `${entry.address.host}${end}${entry.address.port}${pinned(entry)}`)
        .join(end);
    case 3:
      return jsonShape(entries);
    default:
      return plainText(entries).replaceAll("\n", end);
  }
}

function jsonShape(entries: readonly TrackerEntry[]): string {
  return JSON.stringify({
    trackers: entries.map(({ no, address, pin }) => ({
      id: no,
      ip: address.host,
      port: address.port,
      sha256: pin,
    })),
  });
}

function infoCase(draw: Draw): FuzzCase<string> {
  const entries = someEntries(draw);
  const isValid =
    new Set(entries.map(({ address }) => formatAddress(address).toLowerCase())).size === entries.length;
  const text = shaped(draw, entries);
  switch (draw.below(8)) {
    case 0:
    case 1:
      return { input: text, isValid };
    case 2:
    case 3:
      return { input: mutateText(draw, text) };
    case 4:
      return { input: jsonText(draw, mutateJson(draw, JSON.parse(jsonShape(entries)))) };
    case 5:
      return { input: jsonText(draw, { trackers: [randomJson(draw)] }) };
    case 6:
      return { input: draw.once(60) ? longText(draw) : draw.text(200) };
    default:
      return {
        input: Array.from({ length: draw.below(8) }, () => draw.odd()).join(draw.pick([" ", "\n", ":", ","])),
      };
  }
}

/** What costs a reader that looks at everything twice. */
function longText(draw: Draw): string {
  const unit = draw.pick([
    "[",
    '{"a":',
    '"\\a',
    '"a',
    "1 ",
    "a:",
    "[::",
    "#\n",
    "a\n",
    "1.",
    "\\",
    "{}",
    '{"trackers":[',
    ",",
    " ",
  ]);
  const text = unit.repeat(LONG_CHARS / unit.length);
  return draw.pick([text, `{"trackers":[${text}`, `{"trackers":["${text}"]}`, `${text}"`]);
}

function checkInfo(text: string): boolean {
  const read = parseTrackers(text, FILE_NAME);
  if (read instanceof Failure) {
    mustBeFailure(read, ["usage"]);
    must(read.message.includes(FILE_NAME), "an error names the file");
    must(!/[\p{Cc}\p{Bidi_Control}]/u.test(read.message), "an error can be shown");
    return false;
  }
  must(
    read.every(({ line, shape }, index) => shape !== "" && line >= (read[index - 1]?.line ?? 1)),
    "each was read from somewhere, in order",
  );
  const entries = read.map(({ entry }) => entry);
  must(entries.length > 0 && entries.length <= TRACKERS_MAX, "there are as many trackers as are allowed");
  must(new Set(entries.map(({ no }) => no)).size === entries.length, "each tracker has a number of its own");
  mustEqual(
    parseTrackerInfo(plainText(entries), FILE_NAME),
    entries,
    "trackers are the same after writing and reading",
  );
  return true;
}

const jsonReader: FuzzTarget<string> = {
  name: "tracker_info as JSON",
  generate: (draw) => {
    const entries = someEntries(draw);
    const text = jsonShape(entries);
    if (draw.once(3)) return { input: text, isValid: true };
    if (draw.once(80)) return { input: longText(draw) };
    return {
      input: draw.once(2) ? mutateText(draw, text) : jsonText(draw, mutateJson(draw, JSON.parse(text))),
    };
  },
  check(text) {
    const found = readTrackersJson(text);
    if ("why" in found) {
      must(found.line >= 1 && found.line <= text.split("\n").length, "a fault is in a line of the file");
      return false;
    }
    return found.length > 0;
  },
};

const file: FuzzTarget<Uint8Array> = {
  name: "tracker_info file",
  fewer: { runs: 1_000, because: "each input is written to a file and read from there" },
  generate(draw) {
    const text = shaped(draw, someEntries(draw));
    const bytes = draw.pick([
      () => Buffer.from(text),
      () => Buffer.from(`\ufeff${text}`),
      () => Buffer.from(`\ufeff${text}`, "utf16le"),
      () => Buffer.from(`\ufeff${text}`, "utf16le").swap16(),
    ])();
    return { input: draw.once(2) ? bytes : mutateBytes(draw, bytes) };
  },
  async check(bytes) {
    await using folder = await TempFolder.inMemory(FILE_BYTES);
    const path = folder.join(FILE_NAME);
    await writeFile(path, bytes);
    try {
      return (await readTrackers(path)).length > 0;
    } catch (error) {
      mustBeFailure(error, ["usage"]);
      must(error.message.includes(FILE_NAME), "an error names the file");
      return false;
    }
  },
};

export const trackerInfoFuzzTargets: readonly FuzzTarget[] = [
  { name: "tracker_info", generate: infoCase, check: checkInfo } satisfies FuzzTarget<string>,
  jsonReader,
  file,
];
