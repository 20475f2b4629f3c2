/** The packages that have code in the program: by what the bundler wrote, not by what is installed or asked for. Pure. */

/** Of what the bundler tells, the part that is read here. */
export interface Bundle {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}

/** What package-lock.json says of a package. */
export interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export interface BundledPackage extends LockedPackage {
  readonly name: string;
  /** From the project's root, as the lock file has it. */
  readonly folder: string;
}

const PACKAGE_FOLDER = /(?:^|\/)(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//;

/** Sorted by folder. @throws if a package is in the program that the lock file does not have */
export function bundledPackages(
  { outputs }: Bundle,
  locked: Readonly<Record<string, LockedPackage>>,
): readonly BundledPackage[] {
  const used = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const folders = new Set(used.flatMap((path) => PACKAGE_FOLDER.exec(path.replaceAll("\\", "/"))?.[1] ?? []));
  return [...folders].sort().map((folder) => {
    const entry = locked[folder];
    if (entry === undefined) throw new Error(`${folder} is bundled but not in package-lock.json`);
    return { ...entry, folder, name: folder.slice(folder.lastIndexOf("node_modules/") + 13) };
  });
}
