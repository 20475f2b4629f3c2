/** Files of the user on the real disk: relative paths are relative to the working folder. */
import { resolve } from "node:path";
import { type Failure, toFailure } from "../base/failure.ts";
import type { FileName } from "../base/ids.ts";
import type { PieceWorkers, SmallFile } from "../transfer/disk/contract.ts";
import { resolveDestination, resolveDestinations, resolveFolder } from "../transfer/disk/destination.ts";
import { type FileIdentity, identityOf, isSameContent, lookAt } from "../transfer/disk/file-identity.ts";
import { type WalkOptions, walkFolder } from "../transfer/disk/folder-walk.ts";
import { SourceFile } from "../transfer/disk/source-file.ts";
import type { Destination, LocalFiles, OpenedFile, WalkedFolder } from "./local-files.ts";

export interface DiskFilesDependencies {
  /** Their jobs may use the descriptor of an opened file until it is closed. */
  readonly workers: Pick<PieceWorkers, "settled" | "hashSmall">;
  readonly workingFolder: string;
}

export class DiskFiles implements LocalFiles {
  readonly #workers: Pick<PieceWorkers, "settled" | "hashSmall">;
  readonly #workingFolder: string;

  constructor({ workers, workingFolder }: DiskFilesDependencies) {
    this.#workers = workers;
    this.#workingFolder = workingFolder;
  }

  async walk(folder: string, options: WalkOptions): Promise<WalkedFolder> {
    const root = resolve(this.#workingFolder, folder);
    return { root, ...(await walkFolder(root, options)) };
  }

  open(path: string): Promise<OpenedFile> {
    return SourceFile.open(resolve(this.#workingFolder, path), this.#workers);
  }

  small(path: string): Promise<SmallFile | undefined> {
    return this.#workers.hashSmall(path);
  }

  /** One look tells of most that they are what they were: only how others differ, or where links lead, takes more. */
  async difference(path: string, known: FileIdentity): Promise<Failure | undefined> {
    try {
      const there = await lookAt(path);
      if (there?.isFile() === true && isSameContent(identityOf(there), known)) return undefined;
      await (await SourceFile.reopen(path, known, this.#workers)).close();
      return undefined;
    } catch (error) {
      return toFailure(error);
    }
  }

  destination(typed: string, name: FileName): Promise<Destination> {
    return resolveDestination(typed, name, { workingFolder: this.#workingFolder });
  }

  async isTaken(path: string): Promise<boolean> {
    return (await lookAt(path)) !== undefined;
  }

  destinations(typed: string): Promise<(name: FileName) => Destination> {
    return resolveDestinations(typed, { workingFolder: this.#workingFolder });
  }

  folder(typed: string): Promise<string> {
    return resolveFolder(typed, { workingFolder: this.#workingFolder });
  }
}
