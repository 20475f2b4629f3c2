/**
 * What of a file, besides its content, goes with it from machine to machine: when it was changed, and whether it is a
 * program. Whoever first shares a content in a group says so for it. No owner, no other right, nothing that gives power.
 */
export interface FileAttributes {
  /** Since 1970. */
  readonly modifiedMs: number;
  readonly executable: boolean;
}

/** In one order of keys, as the rows of trackers need it. */
export function fileAttributes({ modifiedMs, executable }: FileAttributes): FileAttributes {
  return { modifiedMs, executable };
}
