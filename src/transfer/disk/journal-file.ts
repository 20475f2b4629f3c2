/**
 * The journal on disk: read once, its head replaced atomically, entries appended.
 *
 * Invariant: at every moment the path holds either nothing or one whole head, whatever happens to this process. Calls are
 * carried out one after the other, in order; entries that come while the disk is busy go out together. Only a sync is not
 * waited for by those behind it: a disk may take a second for one, and a kill in it would cost all that was written meanwhile.
 */
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncThrough } from "../../base/drive-sync.ts";
import { JOURNAL_BYTES_MAX } from "../../base/limits.ts";
import { patiently } from "../../base/sharing-patience.ts";
import { errorCode, onDisk } from "./disk-failure.ts";
import { syncFolder } from "./folder-sync.ts";
import { decodeJournal, encodeEntries, encodeHead, type Journal } from "./journal.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;

interface Batch {
  readonly pieces: number[];
  readonly tried: Promise<void>;
}

/** @throws Failure if it is there but cannot be read */
export function readJournal(path: string): Promise<Journal | "none" | "damaged"> {
  return onDisk("read", path, async () => {
    try {
      await using file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > JOURNAL_BYTES_MAX) return "damaged";
      return decodeJournal(await file.readFile()) ?? "damaged";
    } catch (error) {
      if (errorCode(error) === "ENOENT") return "none";
      throw error;
    }
  });
}

export class JournalFile {
  readonly #path: string;
  #file: FileHandle | undefined;
  /** Entries that go out in a turn that is still to come, with no other turn behind it. */
  #batch: Batch | undefined;
  /** Entries that the disk has not taken; they go out with the next ones. */
  #owed: readonly number[] = [];
  /** Where the next entry goes: over what a failed write may have left, or all behind it would be out of step. */
  #endAt = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** Syncs under way: the file stays open for them. */
  readonly #syncs = new Set<Promise<void>>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Puts a new head in place of all that was there, durably. @throws Failure; it is closed, one or the other in place */
  replace(journal: Journal): Promise<void> {
    return this.#inTurn("write", async () => {
      await this.#closeFile();
      const fresh = `${this.#path}.new`;
      try {
        await rm(fresh, { force: true });
        await this.#create(fresh, encodeHead(journal));
        await patiently(() => rename(fresh, this.#path));
        await syncFolder(dirname(this.#path));
      } catch (error) {
        // Its owner may drop it now, and the runtime takes a file that nobody closed for an error of the program.
        await this.#closeFile();
        await rm(fresh, { force: true }).catch(() => {});
        throw error;
      }
    });
  }

  /**
   * Appends in its turn. What the disk does not take now is tried again with the next entry.
   * @returns once the disk has taken or refused it; never fails
   */
  append(piece: number): Promise<void> {
    if (this.#batch === undefined) {
      const pieces: number[] = [];
      const tried = this.#inTurn("write", () => this.#write(pieces)).catch(() => {});
      this.#batch = { pieces, tried };
    }
    this.#batch.pieces.push(piece);
    return this.#batch.tried;
  }

  /** Brings all entries appended so far to the disk. @throws Failure */
  async sync(): Promise<void> {
    const { synced } = await this.#inTurn("write", async () => ({ synced: this.#beginSync() }));
    await onDisk("write", this.#path, () => synced);
  }

  remove(): Promise<void> {
    return this.#inTurn("remove", async () => {
      await this.#closeFile();
      await patiently(() => rm(this.#path, { force: true }));
      await rm(`${this.#path}.new`, { force: true });
      await syncFolder(dirname(this.#path));
    });
  }

  close(): Promise<void> {
    return this.#inTurn("write", () => this.#closeFile());
  }

  async #create(path: string, head: Uint8Array): Promise<void> {
    const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    this.#file = file;
    this.#owed = [];
    this.#endAt = head.length;
    await file.writeFile(head);
    await syncThrough(file, "in order");
  }

  async #write(pieces: readonly number[]): Promise<void> {
    if (this.#batch?.pieces === pieces) this.#batch = undefined;
    if (this.#file === undefined) return;
    this.#owed = this.#owed.concat(pieces);
    const bytes = encodeEntries(this.#owed);
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#endAt + done);
      if (bytesWritten === 0) throw new Error("the disk took no bytes");
      done += bytesWritten;
    }
    this.#endAt += bytes.length;
    this.#owed = [];
  }

  #beginSync(): Promise<void> {
    const synced = this.#file === undefined ? Promise.resolve() : syncThrough(this.#file, "in order");
    this.#syncs.add(synced);
    const ended = () => void this.#syncs.delete(synced);
    synced.then(ended, ended);
    return synced;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await Promise.allSettled(this.#syncs);
    await file?.close();
  }

  #inTurn<T>(verb: string, call: () => Promise<T>): Promise<T> {
    this.#batch = undefined;
    const turn = this.#last.then(() => onDisk(verb, this.#path, call));
    this.#last = turn.catch(() => {});
    return turn;
  }
}
