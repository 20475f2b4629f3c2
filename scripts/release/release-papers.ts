/** The files of a release that say what is in its binaries, and under which licences; the same for all platforms. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RELEASE_TARGETS } from "../release-targets.ts";
import { BILL_FILE, billOfMaterials, type Product } from "./bill-of-materials.ts";
import { type Bundle, bundledPackages, type LockedPackage } from "./bundled-packages.ts";
import { runtimePackage } from "./locked-runtimes.ts";
import { LICENSES_FILE, thirdPartyLicenses } from "./third-party-licenses.ts";

export type LockedPackages = Readonly<Record<string, LockedPackage>>;

export function readPackageLock(root: string): LockedPackages {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: LockedPackages;
  };
  return lock.packages;
}

/** @returns text by name of file */
export function releasePapers(
  root: string,
  bundle: Bundle,
  product: Product,
): Readonly<Record<string, string>> {
  const lock = readPackageLock(root);
  const bundled = bundledPackages(bundle, lock);
  const runtimes = RELEASE_TARGETS.map(runtimePackage).map((name) => {
    const locked = lock[`node_modules/${name}`];
    if (locked === undefined) throw new Error(`${name} is not in package-lock.json`);
    return { name, locked };
  });
  return {
    [BILL_FILE]: billOfMaterials({ product, bundled, runtimes }),
    [LICENSES_FILE]: thirdPartyLicenses(root, bundled, Bun.version),
  };
}
