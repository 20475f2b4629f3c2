/**
 * Where a tracker or client keeps what must outlive it: a pure function of operating system, environment and home.
 *
 * One folder for each role and address, so that several on one machine do not meet; whoever wants another place says so
 * with `--data-dir`.
 */
import { posix, win32 } from "node:path";
import type { Address } from "../base/address.ts";

export type Role = "client" | "tracker";

export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the user: an absolute path. */
  readonly home: string;
}

/** The folder that the operating system wants a program's data in. */
function programFolder({ platform, env, home }: Surroundings): string {
  if (platform === "win32") {
    const { LOCALAPPDATA = "" } = env;
    return win32.join(
      win32.isAbsolute(LOCALAPPDATA) ? LOCALAPPDATA : win32.join(home, "AppData", "Local"),
      "p2p",
    );
  }
  if (platform === "darwin") return posix.join(home, "Library", "Application Support", "p2p");
  const { XDG_DATA_HOME = "" } = env;
  // The XDG specification: a relative path is to be ignored.
  return posix.join(
    posix.isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : posix.join(home, ".local", "share"),
    "p2p",
  );
}

/**
 * @param copy from 2 on: a further client that was started with the same address
 */
export function defaultDataFolder(around: Surroundings, role: Role, address: Address, copy = 1): string {
  const path = around.platform === "win32" ? win32 : posix;
  // `:` of IPv6 is no character of a Windows name; `+` is in no host.
  const host = address.host.toLowerCase().replaceAll(":", "+");
  const suffix = copy === 1 ? "" : `-${copy}`;
  return path.join(programFolder(around), `${role}-${host}-${address.port}${suffix}`);
}
