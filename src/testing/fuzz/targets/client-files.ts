/** What a client reads of its own data folder: rows of its library, a damaged library, known trackers, keys. */
import { Database } from "bun:sqlite";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { formatAddress } from "../../../base/address.ts";
import { Failure } from "../../../base/failure.ts";
import type { Uid } from "../../../base/ids.ts";
import { Library } from "../../../client/library.ts";
import {
  downloadBindings,
  downloadRow,
  shareBindings,
  shareRow,
  toDownload,
  toShare,
} from "../../../client/library-rows.ts";
import { formatIdentity, makeIdentity, parseIdentity } from "../../../net/certificate.ts";
import { parseSigningKey } from "../../../net/identity.ts";
import { formatKnownTrackers, parseKnownTrackers } from "../../../net/known-trackers.ts";
import { TempFolder } from "../../temp-folder.ts";
import type { Draw } from "../draw.ts";
import { type FuzzTarget, must, mustBeFailure, mustEqual, orFailure } from "../fuzz-target.ts";
import { mutateText } from "../mutation.ts";
import { jsonText, mutateJson, randomJson } from "../random-json.ts";
import { validAddress, validValue } from "../valid-value.ts";
import { damageCase, damaged } from "./file-damage.ts";
import { jsonCase, parsedJson } from "./json-of-schema.ts";

const UID = "a".repeat(32) as Uid;
const FILE_BYTES = 2 ** 22;

function rowTarget<Row>(
  name: string,
  schema: v.GenericSchema<unknown, Row>,
  bindings: (row: Row) => object,
): FuzzTarget<string> {
  return {
    name,
    generate: (draw) => jsonCase(draw, () => validValue(draw, schema)),
    check(text) {
      const json = parsedJson(text);
      const found = json && v.safeParse(schema, json.value, { abortEarly: true });
      if (!found?.success) return false;
      for (const value of Object.values(bindings(found.output)))
        must(value === null || ["string", "number"].includes(typeof value), "a database takes every value");
      return true;
    },
  };
}

const known: FuzzTarget<string> = {
  name: "known trackers",
  generate(draw) {
    const places = Array.from(
      { length: draw.below(4) },
      () => [formatAddress(validAddress(draw)), draw.hex(64)] as const,
    );
    const valid = Object.fromEntries(places);
    if (draw.once(3)) return { input: JSON.stringify(valid), isValid: true };
    return { input: jsonText(draw, draw.once(4) ? randomJson(draw) : mutateJson(draw, valid)) };
  },
  check(text) {
    const found = parseKnownTrackers(text);
    if (found instanceof Failure) return false;
    mustEqual(
      new Map([...found].sort()),
      parseKnownTrackers(formatKnownTrackers(found)),
      "known trackers are the same after writing and reading",
    );
    return true;
  },
};

const identities = await Promise.all([makeIdentity(), makeIdentity()]);

const identity: FuzzTarget<string> = {
  name: "identity file",
  fewer: { runs: 3_000, because: "a certificate and its key are read and held against each other" },
  generate(draw) {
    const [one, other] = draw.once(2) ? identities : [...identities].reverse();
    const valid = formatIdentity(one as (typeof identities)[number]);
    if (draw.once(4)) return { input: valid, isValid: true };
    if (draw.once(4)) return { input: `${one?.certPem}${other?.keyPem}` };
    return { input: draw.once(8) ? draw.text() : mutateText(draw, valid) };
  },
  check(text) {
    const found = parseIdentity(text);
    if (found instanceof Failure) {
      mustBeFailure(found, ["disk-error"]);
      return false;
    }
    mustEqual(
      parseIdentity(formatIdentity(found)),
      found,
      "an identity is the same after writing and reading",
    );
    return true;
  },
};

const pem = (kind: "ed25519" | "x25519") =>
  (kind === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("x25519")).privateKey
    .export({ format: "pem", type: "pkcs8" })
    .toString();
const SIGNING_KEY = pem("ed25519");
const OTHER_KEY = pem("x25519");

const signingKey: FuzzTarget<string> = {
  name: "signing key file",
  generate(draw) {
    if (draw.once(4)) return { input: SIGNING_KEY, isValid: true };
    if (draw.once(4)) return { input: OTHER_KEY };
    return { input: draw.once(8) ? draw.text() : mutateText(draw, SIGNING_KEY) };
  },
  check(text) {
    const found = parseSigningKey(text);
    if (!(found instanceof Failure)) return found.privateKey.asymmetricKeyType === "ed25519";
    mustBeFailure(found, ["disk-error"]);
    return false;
  },
};

/** Made once, of the same rows in every run. */
let whole: Uint8Array | undefined;

async function wholeLibrary(draw: Draw): Promise<Uint8Array> {
  await using folder = await TempFolder.inMemory(FILE_BYTES);
  const path = folder.join("client.sqlite");
  const library = Library.open(path, () => {});
  const rows = library.of(UID);
  for (let left = 30; left > 0; left--) {
    rows.putShare(toShare(validValue(draw, shareRow) as v.InferOutput<typeof shareRow>));
    rows.putDownload(toDownload(validValue(draw, downloadRow) as v.InferOutput<typeof downloadRow>));
  }
  library.close();
  const database = new Database(path);
  database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return readFileSync(path);
}

const library: FuzzTarget<Uint8Array> = {
  name: "damaged library",
  fewer: { runs: 200, because: "each input is a database on disk" },
  generate: damageCase,
  async check(input) {
    const { Draw } = await import("../draw.ts");
    whole ??= await wholeLibrary(new Draw(1));
    await using folder = await TempFolder.inMemory(FILE_BYTES);
    const path = folder.join("client.sqlite");
    writeFileSync(path, damaged(whole, input));
    return !(orFailure(() => useLibrary(path), ["disk-error", "disk-full"]) instanceof Failure);
  },
};

function useLibrary(path: string): void {
  const library = Library.open(path, () => {});
  try {
    library.digests();
    const rows = library.of(UID);
    for (const share of [...rows.shares()]) rows.putShare(share);
    for (const download of rows.downloads()) rows.removeDownload(download.gid, download.listingId);
    rows.learnCounter(rows.nextCounter());
  } finally {
    library.close();
  }
}

export const clientFileFuzzTargets: readonly FuzzTarget[] = [
  rowTarget("library share row", shareRow, (row) => shareBindings(toShare(row))),
  rowTarget("library download row", downloadRow, (row) => downloadBindings(toDownload(row))),
  known,
  identity,
  signingKey,
  library,
];
