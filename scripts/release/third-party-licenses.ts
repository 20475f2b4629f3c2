/**
 * The file with the licences of what is in the binaries: of each bundled package the text that came with it, of the runtime
 * the page that its maker ships with the same version.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BundledPackage } from "./bundled-packages.ts";

export const LICENSES_FILE = "THIRD-PARTY-LICENSES.txt";

const LICENCE_FILE = /^(licen[cs]e|copying|notice|copyrightnotice)([.-].*)?$/i;
const RUNTIME_PAGE = "node_modules/bun-types/docs/project/license.mdx";
const RULE = "=".repeat(78);

/** @returns what the package's folder has of licences and notices @throws if it has none: it may not be given away then */
function licenceTexts(root: string, { name, version, folder, license }: BundledPackage): string {
  const files = readdirSync(join(root, folder))
    .filter((file) => LICENCE_FILE.test(file))
    .sort();
  if (files.length === 0) throw new Error(`${name} ${version} (${license}) has no licence text in ${folder}`);
  return files.map((file) => readFileSync(join(root, folder, file), "utf8").trim()).join("\n\n");
}

/** @returns the text of the file */
export function thirdPartyLicenses(
  root: string,
  bundled: readonly BundledPackage[],
  runtimeVersion: string,
): string {
  const section = (title: string, text: string) => [RULE, title, RULE, "", text.replaceAll("\r\n", "\n"), ""];
  const page = readFileSync(join(root, RUNTIME_PAGE), "utf8");
  return [
    "The binaries of p2p contain the following, each under its own licence.",
    "",
    ...bundled.flatMap((each) =>
      section(`${each.name} ${each.version} (${each.license})`, licenceTexts(root, each)),
    ),
    ...section(
      `Bun ${runtimeVersion}, the runtime, and what is linked into it`,
      page.replace(/^---[\s\S]*?---\s*/, "").trim(),
    ),
  ].join("\n");
}
