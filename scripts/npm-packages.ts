/**
 * What the npm packages are: one that people install, whose command is a few lines of JavaScript, and one for each platform
 * that holds nothing but the program. npm and Bun install of the latter the one whose `os`, `cpu` and `libc` fit.
 *
 * Pure: names, versions and manifests. Invariant: all of them have the version of package.json, and the main one asks for
 * exactly that of each platform, so that a program never meets the command of another version.
 */
import manifest from "../package.json";
import { npmName, PROJECT_SLUG, projectUrl } from "./project-address.ts";
import { LICENSES_FILE } from "./release/third-party-licenses.ts";
import { RELEASE_TARGETS, type ReleaseTarget } from "./release-targets.ts";

export const MAIN_PACKAGE = npmName(PROJECT_SLUG, "p2p");

export type Manifest = Readonly<Record<string, unknown>>;

const SHARED = {
  version: manifest.version,
  description: manifest.description,
  license: manifest.license,
  homepage: `${projectUrl(PROJECT_SLUG)}#readme`,
  repository: manifest.repository,
};

export function packageName(target: Pick<ReleaseTarget, "name">): string {
  return npmName(PROJECT_SLUG, target.name);
}

/** What the program is called in its package. */
export function programName({ os }: Pick<ReleaseTarget, "os">): string {
  return os === "win32" ? "p2p.exe" : "p2p";
}

export function mainManifest(targets: readonly ReleaseTarget[] = RELEASE_TARGETS): Manifest {
  return {
    name: MAIN_PACKAGE,
    ...SHARED,
    type: "module",
    bin: { p2p: "p2p.mjs" },
    files: ["p2p.mjs", LICENSES_FILE],
    engines: { node: ">=18" },
    optionalDependencies: Object.fromEntries(
      targets.map((target) => [packageName(target), manifest.version]),
    ),
  };
}

export function platformManifest(target: ReleaseTarget): Manifest {
  return {
    name: packageName(target),
    ...SHARED,
    files: [programName(target), LICENSES_FILE],
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc === undefined ? {} : { libc: [target.libc] }),
    // Yarn keeps packages packed otherwise, and nothing can be started in there.
    preferUnplugged: true,
  };
}
