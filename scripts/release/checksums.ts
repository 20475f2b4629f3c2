/** The file `SHA256SUMS`: what `sha256sum --check` reads, one line a file, sorted by name. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileDigest } from "../file-digest.ts";

export const CHECKSUM_FILE = "SHA256SUMS";
const LINE = /^([0-9a-f]{64}) [ *](.+)$/;

/** By name. Nothing but files is in a release. */
async function sumsOf(folder: string): Promise<Map<string, string>> {
  const names = readdirSync(folder)
    .filter((name) => name !== CHECKSUM_FILE)
    .sort();
  const sums = new Map<string, string>();
  for (const name of names) sums.set(name, await fileDigest("sha256", join(folder, name)));
  return sums;
}

/** Of all that is in the folder; done last. */
export async function writeChecksums(folder: string): Promise<void> {
  const lines = [...(await sumsOf(folder))].map(([name, sum]) => `${sum}  ${name}\n`);
  writeFileSync(join(folder, CHECKSUM_FILE), lines.join(""));
}

export function readChecksums(folder: string): ReadonlyMap<string, string> {
  const lines = readFileSync(join(folder, CHECKSUM_FILE), "utf8").split("\n").slice(0, -1);
  return new Map(
    lines.map((line) => {
      const [, sum, name] = LINE.exec(line) ?? [];
      if (sum === undefined || name === undefined) throw new Error(`not a line of checksums: ${line}`);
      return [name, sum];
    }),
  );
}

/** @returns what is wrong: a file that differs, is missing, or is not in the list */
export async function wrongChecksums(folder: string): Promise<readonly string[]> {
  const [listed, found] = [readChecksums(folder), await sumsOf(folder)];
  return [...new Set([...listed.keys(), ...found.keys()])].sort().flatMap((name) => {
    if (!found.has(name)) return [`${name} is missing`];
    if (!listed.has(name)) return [`${name} is not in ${CHECKSUM_FILE}`];
    return listed.get(name) === found.get(name) ? [] : [`${name} is not what ${CHECKSUM_FILE} says`];
  });
}
