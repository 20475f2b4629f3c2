/**
 * Where a tracker or client keeps what must outlive it: a pure function of platform, environment and home.
 *
 * One folder for each role and address, so that several on one machine do not meet; whoever wants another place says so
 * with `--data-dir`.
 */
import type { Address } from "../base/address.ts";
import type { Platform } from "../base/platform.ts";

export type Role = "client" | "tracker";

export interface Surroundings {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the user: an absolute path. */
  readonly home: string;
}

/**
 * @param copy from 2 on: a further client that was started with the same address
 */
export function defaultDataFolder(around: Surroundings, role: Role, address: Address, copy = 1): string {
  const { platform, env, home } = around;
  // `:` of IPv6 is no character of a Windows name; `+` is in no host.
  const host = address.host.toLowerCase().replaceAll(":", "+");
  const suffix = copy === 1 ? "" : `-${copy}`;
  return platform.path.join(
    platform.userDataFolder(env, home),
    "p2p",
    `${role}-${host}-${address.port}${suffix}`,
  );
}
