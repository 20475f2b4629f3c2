/**
 * How operating systems differ, as far as this program cares: the only file that asks which one it runs on.
 *
 * Whoever decides by a difference takes a `Platform` and reads one named fact of it, so that the rule is tested for all
 * three wherever the tests run. What a file system does, as against a system, cannot be known from here: that is found out
 * by trying. It touches nothing. `docs/PLATFORMS.md` has every difference, also those that need no fact.
 */
import { posix, win32 } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Platform {
  readonly system: "linux" | "macos" | "windows";
  /** How paths are put together and taken apart. */
  readonly path: typeof posix;
  /** `\` parts folders, as `/` does; elsewhere it is a character of names, and quotes at the prompt. */
  readonly backslashSeparates: boolean;
  /** On the disks people usually have, names that differ in case or in how letters are composed are one name. */
  readonly foldsNames: boolean;
  /** A file has an owner's, a group's and everybody's rights. Elsewhere it has those of the folder that it is made in. */
  readonly hasModes: boolean;
  /** A folder can be opened and synced, and must be for its names to last. Elsewhere the file system sees to them. */
  readonly syncsFolders: boolean;
  /** A sync brings bytes to what outlasts a power cut. Elsewhere only to the drive, which may keep them in its memory. */
  readonly syncsDrive: boolean;
  /** Names that no file can have, devices and such: they must be refused before the system takes them for something else. */
  readonly hasReservedNames: boolean;
  /** A path of more characters is refused by what is not prepared for it; undefined: it fails with an error of its own. */
  readonly pathCharsMax: number | undefined;
  /** What the system says while another program has a file open: it passes when that one is done. */
  readonly sharingErrors: ReadonlySet<string>;
  /** What it may say of a port that is taken. */
  readonly portTakenErrors: ReadonlySet<string>;
  /** The signals by which it asks a program to end. */
  readonly endSignals: readonly NodeJS.Signals[];
  /** The folder that it wants programs to keep a user's data in. @param home an absolute path */
  userDataFolder(env: Environment, home: string): string;
}

const NONE: ReadonlySet<string> = new Set();

const UNIX = {
  path: posix,
  backslashSeparates: false,
  hasModes: true,
  syncsFolders: true,
  hasReservedNames: false,
  pathCharsMax: undefined,
  sharingErrors: NONE,
  portTakenErrors: new Set(["EADDRINUSE"]),
  endSignals: ["SIGINT", "SIGTERM", "SIGHUP"],
} as const;

export const LINUX: Platform = {
  ...UNIX,
  system: "linux",
  foldsNames: false,
  syncsDrive: true,
  // The XDG specification: a relative path is to be ignored.
  userDataFolder: ({ XDG_DATA_HOME = "" }, home) =>
    posix.isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : posix.join(home, ".local", "share"),
};

export const MACOS: Platform = {
  ...UNIX,
  system: "macos",
  foldsNames: true,
  syncsDrive: false,
  userDataFolder: (_env, home) => posix.join(home, "Library", "Application Support"),
};

export const WINDOWS: Platform = {
  system: "windows",
  path: win32,
  backslashSeparates: true,
  foldsNames: true,
  hasModes: false,
  syncsFolders: false,
  syncsDrive: true,
  hasReservedNames: true,
  pathCharsMax: 259,
  sharingErrors: new Set(["EBUSY", "EPERM", "EACCES"]),
  // EACCES: whoever listens there shares the port with nobody, or the system has set it aside.
  portTakenErrors: new Set(["EADDRINUSE", "EACCES"]),
  // Ctrl-C, Ctrl-Break, the closing of the window. Nothing comes of SIGTERM, which ends a process there and then.
  endSignals: ["SIGINT", "SIGBREAK", "SIGHUP"],
  userDataFolder: ({ LOCALAPPDATA = "" }, home) =>
    isRooted(LOCALAPPDATA) ? LOCALAPPDATA : win32.join(home, "AppData", "Local"),
};

/** With a drive or a server: `\x` alone is absolute too, but of whatever drive one happens to be on. */
function isRooted(path: string): boolean {
  return win32.isAbsolute(path) && /^(?:[a-z]:|[\\/]{2})/i.test(path);
}

/** @param name as the runtime has it; what is neither macOS nor Windows goes the ways of Linux */
export function platformOf(name: NodeJS.Platform): Platform {
  if (name === "win32") return WINDOWS;
  return name === "darwin" ? MACOS : LINUX;
}

export const HERE: Platform = platformOf(process.platform);

/** Alike for two paths that may lead to one place there. */
export function placeKey(path: string, { foldsNames }: Pick<Platform, "foldsNames">): string {
  return foldsNames ? path.normalize("NFC").toUpperCase() : path;
}
