/**
 * By what a file is known again without reading it: device, inode, size, time of the last change; and the look that tells.
 *
 * Numbers of devices are given out anew when a system starts or a disk is plugged in: they say something of two looks of
 * one run only. Some network disks have no numbers for files either, and say 0: then two files are never proven to be one.
 */
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

/** Whether files are told apart by number where that one is. */
export function isNumbered({ inode }: Pick<FileIdentity, "inode">): boolean {
  return inode !== "0";
}

/** Two looks of one run at the same file, whatever is in it now, as far as anybody can tell. */
export function isSameFile(left: FileIdentity, right: FileIdentity): boolean {
  return left.device === right.device && left.inode === right.inode;
}

/** Of a look at a path at any time, of an earlier run too, and one now: nothing was done to what is there. */
export function isSameContent(left: FileIdentity, right: FileIdentity): boolean {
  return left.inode === right.inode && left.size === right.size && left.modifiedNs === right.modifiedNs;
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
