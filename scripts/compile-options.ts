/** How executables are compiled here: none reads anything of the folder it is started in. */

/** A worker is found in the executable only if it is an entry point of its own. The program comes first. */
export const ENTRY_POINTS = [
  "src/main.ts",
  "src/transfer/disk/hash-worker.ts",
  "src/tracker/store/snapshot-worker.ts",
];

/**
 * What a command does not need is not even parsed: `splitting` puts what is imported late into files of its own. What it
 * needs is there as bytecode too, so that it need not be compiled at each start; that takes 4 % more of the disk.
 */
export const COMPILE_OPTIONS = {
  target: "bun",
  format: "esm",
  minify: true,
  splitting: true,
  bytecode: true,
} as const;

export const WITHOUT_AUTOLOAD = {
  autoloadBunfig: false,
  autoloadDotenv: false,
  autoloadTsconfig: false,
  autoloadPackageJson: false,
} as const;
