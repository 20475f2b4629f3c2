/** How executables are compiled here: none reads anything of the folder it is started in. */

export const COMPILE_OPTIONS = { target: "bun", minify: true } as const;

export const WITHOUT_AUTOLOAD = {
  autoloadBunfig: false,
  autoloadDotenv: false,
  autoloadTsconfig: false,
  autoloadPackageJson: false,
} as const;
