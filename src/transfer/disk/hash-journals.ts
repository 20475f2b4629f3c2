/**
 * The folder where hashings of large files keep what they have done, so that one that was interrupted goes on there.
 *
 * A cache: whatever is missing, damaged or of a file that changed since is hashed again, nothing is synced, and a disk that
 * does not take it only means that nothing is kept. One process owns the folder. A file has one journal, named after its
 * place on the disk; those of files that nobody came back to are dropped, oldest first.
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { HASH_JOURNAL_FOLDER_BYTES_MAX, HASH_JOURNALS_MAX } from "../../base/limits.ts";
import type { KeptHashing } from "./contract.ts";
import { onDisk } from "./disk-failure.ts";
import { type FileIdentity, isNumbered } from "./file-identity.ts";
import {
  BLOCK_ROWS_BYTES,
  decodeHashJournal,
  encodeHashBlock,
  encodeHashHead,
  hashJournalBlocks,
  hashJournalBytes,
} from "./hash-journal.ts";

const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
const NONE = new Uint8Array();

export class HashJournals {
  readonly #folder: string;
  /** Of files that are being hashed. */
  readonly #inUse = new Set<string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws Failure */
  static async open(folder: string): Promise<HashJournals> {
    await onDisk("make", folder, () => mkdir(folder, { recursive: true, mode: 0o700 }));
    return new HashJournals(folder);
  }

  /** What is kept of that file, and where more of it goes. To be closed. */
  async begin(identity: FileIdentity): Promise<KeptHashing> {
    const name = `${identity.device}.${identity.inode}`;
    const isWorthIt = hashJournalBlocks(identity.size) > 0 && isNumbered(identity);
    if (!isWorthIt || this.#inUse.has(name)) return nothingKept;
    this.#inUse.add(name);
    const path = join(this.#folder, name);
    const rows = await rowsAt(path, identity);
    if (rows.length === 0) await this.#makeRoom(name, hashJournalBytes(hashJournalBlocks(identity.size)));
    return new HashJournalFile(path, identity, rows, () => this.#inUse.delete(name));
  }

  /** For a journal that will have that length at most. */
  async #makeRoom(own: string, bytes: number): Promise<void> {
    const found = await Promise.all(
      (await readdir(this.#folder).catch(() => [])).map((name) => this.#look(name)),
    );
    let room = HASH_JOURNAL_FOLDER_BYTES_MAX - bytes;
    let places = HASH_JOURNALS_MAX - 1;
    for (const { name, size } of found.sort((left, right) => right.changedMs - left.changedMs)) {
      room -= size;
      places--;
      const isStale = name === own || room < 0 || places < 0;
      if (isStale && (name === own || !this.#inUse.has(name)))
        await rm(join(this.#folder, name), { force: true, recursive: true }).catch(() => {});
    }
  }

  async #look(name: string): Promise<{ name: string; size: number; changedMs: number }> {
    const stats = await stat(join(this.#folder, name)).catch(() => undefined);
    return { name, size: stats?.size ?? 0, changedMs: stats?.mtimeMs ?? 0 };
  }
}

/** No longer than the file's whole list; what is behind that is not read. */
async function rowsAt(path: string, identity: FileIdentity): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > hashJournalBytes(hashJournalBlocks(identity.size))) return NONE;
    return decodeHashJournal(await readFile(path), identity);
  } catch {
    return NONE;
  }
}

const nothingKept: KeptHashing = {
  rows: NONE,
  add() {},
  async close() {},
  async remove() {},
};

class HashJournalFile implements KeptHashing {
  readonly rows: Uint8Array;
  readonly #path: string;
  readonly #head: Uint8Array;
  readonly #blocksMax: number;
  readonly #ended: () => void;
  /** Rows of a block that is not whole yet. */
  readonly #open = new Uint8Array(BLOCK_ROWS_BYTES);
  #openBytes = 0;
  #blocks: number;
  #file: Promise<FileHandle> | undefined;
  /** Blocks on their way to the disk; rejected once it did not take one: what follows is not kept. */
  #written: Promise<void> = Promise.resolve();

  constructor(path: string, identity: FileIdentity, rows: Uint8Array, ended: () => void) {
    this.rows = rows;
    this.#path = path;
    this.#head = encodeHashHead(identity);
    this.#blocksMax = hashJournalBlocks(identity.size);
    this.#blocks = rows.length / BLOCK_ROWS_BYTES;
    this.#ended = ended;
  }

  add(rows: Uint8Array): void {
    for (let done = 0; done < rows.length && this.#blocks < this.#blocksMax; ) {
      const part = rows.subarray(done, done + this.#open.length - this.#openBytes);
      this.#open.set(part, this.#openBytes);
      this.#openBytes += part.length;
      done += part.length;
      if (this.#openBytes === this.#open.length) this.#writeBlock();
    }
  }

  async close(): Promise<void> {
    await this.#written.catch(() => {});
    await this.#file?.then((file) => file.close()).catch(() => {});
    this.#file = undefined;
    this.#ended();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true }).catch(() => {});
  }

  #writeBlock(): void {
    const index = this.#blocks++;
    const block = encodeHashBlock(this.#head, index, this.#open);
    this.#openBytes = 0;
    this.#written = this.#written.then(() => this.#write(block, hashJournalBytes(index)));
    this.#written.catch(() => {});
  }

  async #write(block: Uint8Array, offset: number): Promise<void> {
    this.#file ??= this.#create();
    const { bytesWritten } = await (await this.#file).write(block, 0, block.length, offset);
    if (bytesWritten < block.length) throw new Error("the disk took a part of it");
  }

  /** What is behind the rows that were believed is cut off, or it might be believed later. */
  async #create(): Promise<FileHandle> {
    const file = await open(this.#path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    try {
      await file.truncate(hashJournalBytes(this.rows.length / BLOCK_ROWS_BYTES));
      await file.write(this.#head, 0, this.#head.length, 0);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}
