/**
 * The bill of materials of a release, in the JSON of CycloneDX 1.6: what is in the binaries, from where, with which hash.
 * Pure.
 *
 * Invariant: the same sources give the same bytes. There is no time in it, and its serial number is made from the rest.
 */
import { createHash } from "node:crypto";
import type { BundledPackage, LockedPackage } from "./bundled-packages.ts";

export const BILL_FILE = "p2p.cdx.json";

export interface Product {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  /** As `--version` says it. */
  readonly commit: string;
}

export interface Runtime {
  readonly name: string;
  readonly locked: LockedPackage;
}

export interface Materials {
  readonly product: Product;
  readonly bundled: readonly BundledPackage[];
  /** One for each target. */
  readonly runtimes: readonly Runtime[];
}

const packageUrl = (name: string, version: string) => `pkg:npm/${name.replace("@", "%40")}@${version}`;

/** As a lock file has it, base64 of the archive that was fetched; as here, hexadecimal. */
function hashes(integrity: string | undefined) {
  const found = /^sha512-(.+)$/.exec(integrity ?? "")?.[1];
  return found === undefined
    ? []
    : [{ alg: "SHA-512", content: Buffer.from(found, "base64").toString("hex") }];
}

function component(name: string, { version, integrity, license }: LockedPackage, type: string) {
  const scope = /^(@[^/]+)\/(.+)$/.exec(name);
  const purl = packageUrl(name, version);
  return {
    type,
    "bom-ref": purl,
    ...(scope === null ? { name } : { group: scope[1], name: scope[2] }),
    version,
    hashes: hashes(integrity),
    licenses: licences(license),
    purl,
  };
}

/** A plain id, or an expression of them. */
function licences(license: string | undefined) {
  if (license === undefined) return [];
  return /[ (]/.test(license) ? [{ expression: license }] : [{ license: { id: license } }];
}

/** Node's rule: the package in the nearest folder, from that of who asks upwards. */
function resolve(from: string, name: string, bundled: ReadonlyMap<string, BundledPackage>) {
  for (let folder = from; ; ) {
    const found = bundled.get(`${folder === "" ? "" : `${folder}/`}node_modules/${name}`);
    if (found !== undefined || folder === "") return found;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")));
  }
}

function dependencyGraph({ product, bundled, runtimes }: Materials) {
  const byFolder = new Map(bundled.map((each) => [each.folder, each]));
  const refOf = ({ name, version }: BundledPackage) => packageUrl(name, version);
  const edges = new Map<string, Set<string>>();
  for (const each of bundled) {
    const to = Object.keys(each.dependencies ?? {}).flatMap(
      (name) => resolve(each.folder, name, byFolder) ?? [],
    );
    edges.set(refOf(each), new Set([...(edges.get(refOf(each)) ?? []), ...to.map(refOf)]));
  }
  const all = [...edges.keys(), ...runtimes.map(({ name, locked }) => packageUrl(name, locked.version))];
  return [
    { ref: product.name, dependsOn: all.sort() },
    ...[...edges].map(([ref, to]) => ({ ref, dependsOn: [...to].sort() })),
  ];
}

/** A UUID of the form that says "made from other values" (RFC 9562, version 8). */
function serialOf(text: string): string {
  const digits = createHash("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(digits[16] ?? "0", 16) & 0x3) | 0x8).toString(16);
  const parts = [digits.slice(0, 8), digits.slice(8, 12), `8${digits.slice(13, 16)}`];
  return `urn:uuid:${[...parts, `${variant}${digits.slice(17, 20)}`, digits.slice(20, 32)].join("-")}`;
}

/** @returns the text of the file */
export function billOfMaterials(materials: Materials): string {
  const { product, bundled, runtimes } = materials;
  const { name, version, description, license, commit } = product;
  const content = {
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": name,
        name,
        version,
        description,
        licenses: licences(license),
        properties: [{ name: "p2p:commit", value: commit }],
      },
    },
    components: [
      ...unique(bundled.map((each) => component(each.name, each, "library"))),
      ...runtimes.map((each) => component(each.name, { ...each.locked, license: "MIT" }, "platform")),
    ],
    dependencies: dependencyGraph(materials),
  };
  const serialNumber = serialOf(JSON.stringify(content));
  const head = { $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", bomFormat: "CycloneDX" };
  return `${JSON.stringify({ ...head, specVersion: "1.6", serialNumber, ...content }, null, 2)}\n`;
}

/** The same package may lie in two folders. */
function unique<C extends { readonly purl: string }>(components: readonly C[]): readonly C[] {
  return [...new Map(components.map((each) => [each.purl, each])).values()];
}
