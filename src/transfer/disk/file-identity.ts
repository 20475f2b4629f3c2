/** By what a file is known again without reading it: device, inode, size, time of the last change; and the look that tells. */
import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import { errorCode, onDisk } from "./disk-failure.ts";

/** Strings where the numbers may exceed what JSON keeps exactly. */
export interface FileIdentity {
  readonly device: string;
  readonly inode: string;
  readonly size: number;
  readonly modifiedNs: string;
}

export function identityOf(stats: BigIntStats): FileIdentity {
  return {
    device: String(stats.dev),
    inode: String(stats.ino),
    size: Number(stats.size),
    modifiedNs: String(stats.mtimeNs),
  };
}

/** The same file, whatever is in it now. */
export function isSameFile(left: FileIdentity, right: FileIdentity): boolean {
  return left.device === right.device && left.inode === right.inode;
}

export function isSameContent(left: FileIdentity, right: FileIdentity): boolean {
  return isSameFile(left, right) && left.size === right.size && left.modifiedNs === right.modifiedNs;
}

/** What is at a path, links not followed; undefined if nothing is. @throws Failure */
export function lookAt(path: string): Promise<BigIntStats | undefined> {
  return onDisk("open", path, async () => {
    try {
      return await lstat(path, { bigint: true });
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  });
}
