/** How executables are compiled here: none reads anything of the folder it is started in. */

/** What a command does not need is not even parsed: `splitting` puts what is imported late into files of its own. */
export const COMPILE_OPTIONS = { target: "bun", minify: true, splitting: true } as const;

export const WITHOUT_AUTOLOAD = {
  autoloadBunfig: false,
  autoloadDotenv: false,
  autoloadTsconfig: false,
  autoloadPackageJson: false,
} as const;
