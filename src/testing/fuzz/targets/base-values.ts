/** The leaf values: names, ids, addresses, text for a terminal, bitfields, piece lists and their parts, lines. */
import { isIPv4, isIPv6 } from "node:net";
import { formatAddress, isHost, parseAddress, parsePort } from "../../../base/address.ts";
import { Bitfield } from "../../../base/bitfield.ts";
import { Failure } from "../../../base/failure.ts";
import type { Digest } from "../../../base/ids.ts";
import {
  type FileName,
  nameKey,
  parseDigest,
  parseFileId,
  parseFileName,
  parseFingerprint,
  parseGid,
  parseGroupName,
  parsePassword,
  parseRequestId,
  parseSha1,
  parseUid,
  parseUserName,
  refuseNoRoom,
  refuseSuffix,
  type Sha1,
  type UserName,
} from "../../../base/ids.ts";
import {
  FILE_NAME_BYTES_MAX,
  FILE_PATH_BYTES_MAX,
  FILE_PATH_COMPONENTS_MAX,
  NAME_SUFFIX_BYTES,
  PASSWORD_BYTES_MAX,
  RATE_BYTES_PER_SECOND_MAX,
  RATE_BYTES_PER_SECOND_MIN,
  USER_NAME_BYTES_MAX,
} from "../../../base/limits.ts";
import { boundedLines } from "../../../base/lines.ts";
import { Manifest, pieceCount } from "../../../base/manifest.ts";
import { formatRate, parseRate } from "../../../base/rate-text.ts";
import { cleanPasted, forTerminal, unfitForName, utf8Length } from "../../../base/text.ts";
import { stepOfPart } from "../../../tracker/store/blob-part.ts";
import type { Draw } from "../draw.ts";
import { type FuzzCase, type FuzzTarget, must, mustBeFailure, mustEqual } from "../fuzz-target.ts";
import { mutateBytes, mutateText } from "../mutation.ts";
import { hostText, validAddress } from "../valid-value.ts";

/** Said here a second time: controls, line ends, and all that reorders text (UAX 9). */
const ACTS_ON_TERMINAL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/u;
const INVISIBLE = /[\u00ad\u200b-\u200d\u2060\ufeff]/u;

interface NameRule {
  readonly what: string;
  readonly parse: (text: string) => string | Failure;
  readonly bytesMax: number;
  readonly isOneWord: boolean;
}
const NAMES: readonly NameRule[] = [
  { what: "user name", parse: parseUserName, bytesMax: USER_NAME_BYTES_MAX, isOneWord: true },
  { what: "group name", parse: parseGroupName, bytesMax: USER_NAME_BYTES_MAX, isOneWord: true },
  { what: "file name", parse: parseFileName, bytesMax: FILE_PATH_BYTES_MAX, isOneWord: false },
];

function nameCase(draw: Draw, bytesMax: number): FuzzCase<string> {
  const plain = draw.letters(draw.between(1, 20));
  switch (draw.below(7)) {
    case 0:
      return { input: plain };
    case 6:
      return { input: pathText(draw, plain) };
    case 1:
      return {
        input: draw.pick(["x", "\u00e9", "e\u0301", "\u{1f600}", "~a"]).repeat(draw.between(1, bytesMax)),
      };
    case 2:
      return { input: `${plain}~${draw.pick(["abcde", "23456", "abcd", "ABCDE", "abcdef", "a~bcd"])}` };
    case 3:
      return { input: mutateText(draw, plain) };
    default:
      return { input: draw.text(80) };
  }
}

function pathText(draw: Draw, plain: string): string {
  const part = () => draw.pick([plain, draw.letters(3), "..", ".", "", "a ", "n".repeat(240), "C:", "x\\y"]);
  return Array.from({ length: draw.between(2, draw.once(8) ? 40 : 4) }, part).join("/");
}

function checkName(text: string, { parse, bytesMax, isOneWord }: NameRule): boolean {
  const name = parse(text);
  if (name instanceof Failure) {
    mustEqual(name.code, "invalid-name", "a name that is refused is an invalid name");
    must(!ACTS_ON_TERMINAL.test(name.message), "a refusal can be shown");
    return false;
  }
  mustEqual(parse(name), name, "a name that was accepted is a name as it is");
  mustEqual(name.normalize("NFC"), name, "names are composed (NFC)");
  must(!ACTS_ON_TERMINAL.test(name) && !INVISIBLE.test(name), "a name holds nothing that cannot be seen");
  must(!name.includes("\\") && name !== "", "a name is no path of Windows");
  must(!isOneWord || !name.includes("/"), "a name of one word is one component of a path");
  must(isOneWord || isHarmlessPath(name), "each component of a file name is one that leads down");
  must(utf8Length(name) <= bytesMax + NAME_SUFFIX_BYTES, "a name is no longer than its limit");
  must(name === name.trim() && (!isOneWord || !/\s/u.test(name)), "blanks are where the rules allow them");
  mustEqual(nameKey(nameKey(name)), nameKey(name), "the key of a key is the key");
  mustEqual(
    nameKey(name.normalize("NFD").normalize("NFC")),
    nameKey(name),
    "spellings of one name are one name",
  );
  return true;
}

function isHarmlessPath(name: string): boolean {
  const parts = name.split("/");
  return parts.length <= FILE_PATH_COMPONENTS_MAX && parts.every((part) => !/^(\.\.?)?$/.test(part));
}

const nameTargets = NAMES.map(
  (rule): FuzzTarget<string> => ({
    name: rule.what,
    generate: (draw) => nameCase(draw, rule.bytesMax),
    check: (text) => checkName(text, rule),
  }),
);

const newNames: FuzzTarget<string> = {
  name: "new names",
  generate: (draw) => nameCase(draw, FILE_NAME_BYTES_MAX),
  check(text) {
    const user = refuseSuffix<UserName>(parseUserName(text));
    if (!(user instanceof Failure)) must(!user.includes("~"), "nobody chooses a suffix");
    const name = parseFileName(text);
    if (name instanceof Failure) return false;
    const refused = refuseNoRoom(name as FileName);
    const last = name.split("/").at(-1) ?? "";
    mustEqual(
      refused === undefined,
      utf8Length(last) <= FILE_NAME_BYTES_MAX && utf8Length(name) <= FILE_PATH_BYTES_MAX,
      "a new file name leaves room for a suffix",
    );
    return refused === undefined;
  },
};

const password: FuzzTarget<string> = {
  name: "password",
  generate: (draw) => ({ input: draw.once(4) ? draw.odd().repeat(draw.below(600)) : draw.text() }),
  check(text) {
    const found = parsePassword(text);
    if (found instanceof Failure) {
      mustEqual(found.code, "invalid-input", "a password that is refused is invalid input");
      must(!text || !found.message.includes(text), "a refusal does not repeat the password");
      return false;
    }
    must(
      found === text && utf8Length(found) <= PASSWORD_BYTES_MAX,
      "a password is taken as it is, and bounded",
    );
    return true;
  },
};

const IDS = {
  uid: [parseUid, 32],
  gid: [parseGid, 32],
  "request id": [parseRequestId, 32],
  "file id": [parseFileId, 64],
  digest: [parseDigest, 64],
  fingerprint: [parseFingerprint, 64],
  "SHA-1": [parseSha1, 40],
} as const;

/** The text begins with the number of the id that it is taken for. */
const ids: FuzzTarget<string> = {
  name: "ids",
  generate(draw) {
    const which = draw.below(Object.keys(IDS).length);
    const [, digits] = Object.values(IDS)[which] ?? IDS.uid;
    const valid = draw.hex(digits);
    if (draw.once(3)) return { input: `${which}${valid}`, isValid: true };
    return { input: `${which}${draw.once(3) ? draw.text(80) : mutateText(draw, valid)}` };
  },
  check(input) {
    const [parse, digits] = Object.values(IDS)[Number(input[0])] ?? IDS.uid;
    const found = parse(input.slice(1));
    if (found instanceof Failure) {
      mustEqual(found.code, "invalid-input", "an id that is refused is invalid input");
      must(!ACTS_ON_TERMINAL.test(found.message), "a refusal can be shown");
      return false;
    }
    must(found.length === digits && /^[0-9a-f]+$/.test(found), "an id is lower-case hex of its length");
    return true;
  },
};

function addressCase(draw: Draw): FuzzCase<string> {
  const valid = formatAddress(validAddress(draw));
  if (draw.once(3)) return { input: valid, isValid: true };
  return { input: draw.once(3) ? draw.text(60) : mutateText(draw, valid) };
}

function mustBeHost(host: string): void {
  must(/^[A-Za-z0-9._:%-]+$/.test(host), "a host holds nothing but letters, digits and . _ : % -");
  if (host.includes(":")) must(isIPv6(host), "what has colons is an IPv6 address");
  else if (/^[\d.]+$/.test(host)) must(isIPv4(host), "what is digits and dots is an IPv4 address");
}

const addresses: FuzzTarget<string> = {
  name: "addresses",
  generate: addressCase,
  check(text) {
    const found = parseAddress(text);
    if (found instanceof Failure) {
      mustEqual(found.code, "usage", "what is no address is a wrong use");
      must(!ACTS_ON_TERMINAL.test(found.message), "a refusal can be shown");
      must(found.message.length < 1_000, "a refusal is one line that can be read");
      return false;
    }
    mustBeHost(found.host);
    must(found.port >= 1 && found.port <= 65_535, "a port is one");
    mustEqual(
      parseAddress(formatAddress(found)),
      found,
      "an address is the same after formatting and parsing",
    );
    return true;
  },
};

const hosts: FuzzTarget<string> = {
  name: "hosts",
  generate(draw) {
    const valid = hostText(draw);
    if (draw.once(3)) return { input: valid, isValid: true };
    return { input: draw.once(4) ? draw.text(60) : mutateText(draw, mutateText(draw, valid)) };
  },
  check(text) {
    if (!isHost(text)) return false;
    mustBeHost(text);
    return true;
  },
};

const ports: FuzzTarget<string> = {
  name: "ports",
  generate: (draw) => ({
    input: draw.once(2) ? String(draw.number()) : mutateText(draw, String(draw.below(70_000))),
  }),
  check(text) {
    const port = parsePort(text);
    if (port === undefined) return false;
    must(Number.isInteger(port) && port >= 1 && port <= 65_535 && Number(text) === port, "a port is one");
    return true;
  },
};

const terminalText: FuzzTarget<string> = {
  name: "text for a terminal",
  generate: (draw) => ({ input: draw.text(200) }),
  check(text) {
    const shown = forTerminal(text);
    must(!ACTS_ON_TERMINAL.test(shown), "nothing that a terminal acts on passes");
    mustEqual(forTerminal(shown), shown, "what was made safe stays as it is");
    if (!ACTS_ON_TERMINAL.test(text) && shown === text) return true;
    must(shown !== text, "what a terminal acts on is spelled out");
    return false;
  },
};

const pasted: FuzzTarget<string> = {
  name: "pasted text",
  generate: (draw) => ({ input: draw.text(200) }),
  check(text) {
    const clean = cleanPasted(text);
    mustEqual(cleanPasted(clean), clean, "what was cleaned stays as it is");
    must(!INVISIBLE.test(clean), "nothing invisible is left");
    return unfitForName(clean) === undefined;
  },
};

/** Two bytes for the length, then the bits. */
const bitfields: FuzzTarget<Uint8Array> = {
  name: "bitfields",
  generate(draw) {
    const length = draw.below(300);
    const head = Uint8Array.of(length >> 8, length);
    const bytes = draw.bytes(Bitfield.byteLength(length));
    const spare = bytes.length * 8 - length;
    if (bytes.length > 0) bytes[bytes.length - 1] = ((bytes.at(-1) ?? 0) >> spare) << spare;
    const valid = Buffer.concat([head, bytes]);
    return draw.once(2) ? { input: valid, isValid: true } : { input: mutateBytes(draw, valid) };
  },
  check(input) {
    const length = ((input[0] ?? 0) << 8) | (input[1] ?? 0);
    const bytes = input.subarray(2);
    const field = Bitfield.fromBytes(length, bytes);
    if (field === undefined) return false;
    must(Buffer.compare(field.toBytes(), bytes) === 0, "what decodes is encoded to the same bytes");
    mustEqual(field.count, [...field.indices()].length, "the count is that of the bits");
    return true;
  },
};

/** Four bytes for the size, then the piece list; the summary is of the list whose first byte is one bit away, or not. */
const manifests: FuzzTarget<Uint8Array> = {
  name: "piece lists",
  generate(draw) {
    const size = draw.below(4 * 512 * 1_024);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(size);
    const rows = draw.bytes(pieceCount(size) * 52);
    if (draw.once(2)) return { input: Buffer.concat([head, rows]), isValid: true };
    head[4] = draw.below(4);
    return { input: mutateBytes(draw, Buffer.concat([head, rows])) };
  },
  check(input) {
    if (input.length < 5) return false;
    const view = new DataView(input.buffer, input.byteOffset);
    const [size, change, rows] = [view.getUint32(0), input[4] ?? 0, input.subarray(5)];
    if (rows.length !== pieceCount(size) * 52) return mustRefuse(size, rows);
    const { summary } = Manifest.make(size, "0".repeat(40) as Sha1, rows);
    if (change !== 0 && rows.length > 0) return mustRefuse(size, flip(rows, change), summary);
    const found = Manifest.check(summary, rows);
    must(!(found instanceof Failure), "the list that was announced is taken");
    must(found.pieceIndex(found.pieces) === undefined, "there is no piece beyond the last");
    return true;
  },
};

function flip(rows: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(rows);
  copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ 1;
  return copy;
}

function mustRefuse(size: number, rows: Uint8Array, summary = emptySummary(size)): false {
  const found = Manifest.check(summary, rows);
  must(found instanceof Failure, "a piece list that is not the one announced is refused");
  mustBeFailure(found, ["corrupt"]);
  return false;
}

function emptySummary(size: number) {
  return { ...Manifest.make(0, "0".repeat(40) as Sha1, new Uint8Array()).summary, size };
}

/** Numbers as a text, so that any can be written: offset, bytes, total, received. */
const blobParts: FuzzTarget<string> = {
  name: "parts of piece lists",
  generate(draw) {
    const part = 512 * 1_024;
    const offset = draw.pick([0, part, 2 * part, 1, -1, draw.number()]);
    const length = draw.pick([0, 1, 52, part, part + 1]);
    const total = draw.pick([offset + length, length, 2 * part, draw.number()]);
    return { input: [offset, length, total, draw.pick([0, offset, part])].join(" ") };
  },
  check(text) {
    const [offset = 0, length = 0, total = 0, receivedBytes = 0] = text.split(" ").map(Number);
    if (!(length >= 0 && length <= 600_000)) return false;
    const part = { digest: "0".repeat(64) as Digest, offset, bytes: new Uint8Array(length), total };
    const step = stepOfPart(part, { total, receivedBytes }, () => undefined);
    if (step instanceof Failure) {
      mustEqual(step.code, "invalid-input", "a part that does not fit is invalid input");
      return false;
    }
    must(offset >= 0 && offset + length <= total && Number.isInteger(total), "a part lies within its list");
    return true;
  },
};

const LINE_BYTES_MAX = 64;

const RATE_UNITS = ["", "k", "M", "GiB", " kbit", "mbit/s", "b/s", "bps", " MiB/s", "T"];

const rates: FuzzTarget<string> = {
  name: "rates",
  generate(draw) {
    if (draw.once(20)) return { input: draw.pick(["off", "None", "unlimited", " no "]) };
    const fraction = draw.once(2) ? `${draw.pick([".", ","])}${draw.below(1_000)}` : "";
    const rate = `${draw.below(100_000)}${fraction}${draw.pick(RATE_UNITS)}`;
    return { input: draw.once(2) ? mutateText(draw, rate) : rate };
  },
  check(text) {
    const found = parseRate(text);
    if (found instanceof Failure) {
      mustEqual(found.code, "usage", "what is no rate is a wrong use");
      must(!ACTS_ON_TERMINAL.test(found.message), "a refusal can be shown");
      must(found.message.length < 1_000, "a refusal is one line that can be read");
      return false;
    }
    if (found === undefined) return true;
    must(Number.isSafeInteger(found), "a rate is a whole number of bytes");
    must(found >= RATE_BYTES_PER_SECOND_MIN && found <= RATE_BYTES_PER_SECOND_MAX, "a rate is in its bounds");
    const again = parseRate(formatRate(found));
    must(
      typeof again === "number" && Math.abs(again / found - 1) < 0.05,
      "a rate as it is shown is that rate",
    );
    return true;
  },
};

const lines: FuzzTarget<Uint8Array> = {
  name: "bounded lines",
  generate: (draw) => ({
    input: draw.once(2) ? draw.bytes(draw.size(400)) : Buffer.from(`${draw.text(100)}\n${draw.text(100)}`),
  }),
  async check(input) {
    const found: (string | Failure)[] = [];
    for await (const line of boundedLines(inChunks(input), LINE_BYTES_MAX)) found.push(line);
    const wanted = Buffer.from(input).toString("latin1").split("\n");
    if (wanted.at(-1) === "") wanted.pop();
    mustEqual(found.length, wanted.length, "there is one line for each end of line");
    for (const [at, line] of found.entries()) {
      const bytes = wanted[at] ?? "";
      if (!(line instanceof Failure))
        mustEqual(
          line,
          Buffer.from(bytes, "latin1").toString("utf8").replace(/\r$/, ""),
          "a line is what came",
        );
      mustEqual(
        line instanceof Failure,
        bytes.length > LINE_BYTES_MAX,
        "lines that are too long are refused",
      );
    }
    return found.length > 0 && !found.some((line) => line instanceof Failure);
  },
};

/** As a stream of the runtime gives them: a chunk's memory is used again when the next one is asked for. */
async function* inChunks(input: Uint8Array): AsyncGenerator<Uint8Array> {
  const size = 1 + (input[0] ?? 0);
  for (let at = 0; at < input.length; at += size) {
    const chunk = Buffer.from(input.subarray(at, at + size));
    yield chunk;
    chunk.fill(0xee);
  }
}

export const baseFuzzTargets: readonly FuzzTarget[] = [
  ...nameTargets,
  newNames,
  password,
  ids,
  addresses,
  hosts,
  ports,
  terminalText,
  pasted,
  bitfields,
  manifests,
  blobParts,
  rates,
  lines,
];
