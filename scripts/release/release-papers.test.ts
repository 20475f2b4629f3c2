/** The papers of a release, held against what the bundler takes in and against the lock file. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import packageFile from "../../package.json";
import { COMPILE_OPTIONS, ENTRY_POINTS } from "../compile-options.ts";
import { RELEASE_TARGETS } from "../release-targets.ts";
import { BILL_FILE } from "./bill-of-materials.ts";
import type { Bundle } from "./bundled-packages.ts";
import { readPackageLock, releasePapers } from "./release-papers.ts";
import { LICENSES_FILE } from "./third-party-licenses.ts";

const ROOT = join(import.meta.dir, "../..");

interface Bill {
  readonly serialNumber: string;
  readonly components: readonly {
    readonly type: string;
    readonly group?: string;
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly hashes: readonly { readonly alg: string; readonly content: string }[];
    readonly licenses: readonly { readonly license: { readonly id: string } }[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

async function bundle(): Promise<Bundle> {
  const entrypoints = ENTRY_POINTS.map((path) => join(ROOT, path));
  const options = { ...COMPILE_OPTIONS, bytecode: false, define: { P2P_COMMIT: '"test"' } };
  const { metafile } = await Bun.build({ ...options, entrypoints, metafile: true });
  return metafile as Bundle;
}

const bundled = await bundle();
const papersOf = (commit: string) => {
  const { name, version, description, license } = packageFile;
  return releasePapers(ROOT, bundled, { name, version, description, license, commit });
};
const papers = papersOf("0123456789ab");
const bill = JSON.parse(papers[BILL_FILE] ?? "") as Bill;
const nameOf = ({ group, name }: Bill["components"][number]) => (group ? `${group}/${name}` : name);

test("the bill has exactly the packages whose code is in the program, and a runtime for each platform", () => {
  const inputs = Object.values(bundled.outputs).flatMap((output) => Object.entries(output.inputs));
  const used = inputs.flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput > 0 && path.includes("node_modules/")
      ? (/^(?:@[^/]+\/)?[^/]+/.exec(path.slice(path.lastIndexOf("node_modules/") + 13))?.[0] ?? [])
      : [],
  );
  const libraries = bill.components.filter(({ type }) => type === "library");
  expect([...new Set(libraries.map(nameOf))].sort()).toEqual([...new Set(used)].sort());
  expect(libraries.length).toBeGreaterThan(10);
  const runtimes = bill.components.filter(({ type }) => type === "platform");
  expect(runtimes).toHaveLength(RELEASE_TARGETS.length);
  for (const { version } of runtimes) expect(version).toBe(Bun.version);
});

test("version, licence and hash of everything in it are those of the lock file", () => {
  const lock = Object.entries(readPackageLock(ROOT));
  for (const component of bill.components) {
    const name = nameOf(component);
    const [, locked] =
      lock.find(
        ([path, { version }]) => path.endsWith(`node_modules/${name}`) && version === component.version,
      ) ?? [];
    const [hash] = component.hashes;
    expect(`sha512-${Buffer.from(hash?.content ?? "", "hex").toString("base64")}`).toBe(
      locked?.integrity ?? "not locked",
    );
    expect(component.licenses[0]?.license.id).toBe(locked?.license ?? "MIT");
    expect(component.purl).toBe(`pkg:npm/${name.replace("@", "%40")}@${component.version}`);
  }
});

test("who needs whom refers to what is in the bill", () => {
  const refs = new Set(bill.components.map(({ purl }) => purl));
  const [own, ...others] = bill.dependencies;
  expect(new Set(own?.dependsOn)).toEqual(refs);
  for (const { ref, dependsOn } of others)
    for (const each of [ref, ...dependsOn]) expect(refs).toContain(each);
  expect(others.find(({ ref }) => ref.includes("tsyringe"))?.dependsOn).toEqual(["pkg:npm/tslib@1.14.1"]);
});

test("the same sources give the same papers, and other sources another serial number", () => {
  expect(papersOf("0123456789ab")).toEqual(papers);
  expect(bill.serialNumber).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const other = JSON.parse(papersOf("ba9876543210")[BILL_FILE] ?? "") as Bill;
  expect(other.serialNumber).not.toBe(bill.serialNumber);
});

test("every package in it has its licence in the file of licences, and so has the runtime", () => {
  const text = papers[LICENSES_FILE] ?? "";
  for (const component of bill.components.filter(({ type }) => type === "library"))
    expect(text).toContain(`\n${nameOf(component)} ${component.version} (`);
  expect(text).toContain(`\nBun ${Bun.version}, the runtime`);
  expect(text).toContain("Permission is hereby granted");
  expect(text).toContain("JavaScriptCore");
});

test("a package that is bundled but not locked stops the release", () => {
  const outputs = { "main.js": { inputs: { "node_modules/no-such/index.js": { bytesInOutput: 1 } } } };
  const product = { name: "p2p", version: "1.0.0", description: "", license: "MIT", commit: "unknown" };
  expect(() => releasePapers(ROOT, { outputs }, product)).toThrow("node_modules/no-such is bundled");
});
