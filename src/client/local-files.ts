/** What the client asks of the disk about files of the user, as an interface; `disk-files.ts` does it. */
import type { Failure } from "../base/failure.ts";
import type { FileName } from "../base/ids.ts";
import type { SmallFile } from "../transfer/disk/contract.ts";
import type { FileIdentity } from "../transfer/disk/file-identity.ts";
import type { Walked, WalkOptions } from "../transfer/disk/folder-walk.ts";

export interface OpenedFile {
  /** Real and absolute. */
  readonly path: string;
  readonly descriptor: number;
  /** As it was when it was opened. */
  readonly identity: FileIdentity;
  /** By its owner. */
  readonly executable: boolean;
  /** @returns how it differs from what it was when it was opened */
  unchanged(): Promise<Failure | undefined>;
  close(): Promise<void>;
}

export interface Destination {
  /** Absolute: where the file will be. */
  readonly path: string;
  /** The folder that the user chose; what of the path is below it comes from the file's name. */
  readonly base: string;
}

/** The plain files below a folder. */
export interface WalkedFolder extends Walked {
  /** The folder itself: absolute. */
  readonly root: string;
}

export interface LocalFiles {
  /** All plain files below a folder that match, no link followed. @throws Failure */
  walk(folder: string, options: WalkOptions): Promise<WalkedFolder>;
  /** Opens a regular file for reading. @throws Failure "file-missing", "file-refused" */
  open(path: string): Promise<OpenedFile>;
  /**
   * Hashes a plain file of one piece at most. @param path as `walk` gave it
   * @returns undefined for any other: to be opened
   */
  small(path: string): Promise<SmallFile | undefined>;
  /** @returns how what is there now differs from what it was; a Failure too if it cannot be opened any more */
  difference(path: string, known: FileIdentity): Promise<Failure | undefined>;
  /** Where a file of that name goes if the user wrote `typed`, as `cp` would have it. @throws Failure */
  destination(typed: string, name: FileName): Promise<Destination>;
  /** Where files go that are all put into the folder `typed`. @throws Failure, and so does what it returns */
  destinations(typed: string): Promise<(name: FileName) => Destination>;
  /** Whether something is there already, links not followed. @throws Failure */
  isTaken(path: string): Promise<boolean>;
  /** @returns the absolute path of an existing folder. @throws Failure */
  folder(typed: string): Promise<string>;
}
