/**
 * A folder as a disk may hold it when the power goes, given what a process did to it. No I/O; dice are handed in.
 *
 * What was synced is there. Everything else is there, lost, or torn between two sectors, each change by itself and of
 * any file: the disk promises no order before a sync, and a name (made, removed, changed) is certain only when the folder
 * was synced. Changes of the same bytes or of the same name keep their order, as in the cache of the system: what is
 * older does not come back over what is newer. A sync that failed says nothing about what it was for, and no later sync
 * makes up for it: the system holds those pages to be clean.
 */
import type { Prng } from "../../base/prng.ts";
import type { DiskEvent } from "./syscall-log.ts";

/** What disks and file systems write as a whole. */
const SECTORS_BYTES = [512, 4096] as const;
/** How much of what was not synced had come to the disk: a power cut can find it idle or far behind. */
const KEPT_SHARES = [0, 0.1, 0.5, 0.9, 1] as const;

type Change =
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "resize"; readonly size: number };

type NameChange =
  | { readonly kind: "create"; readonly name: string; readonly file: DiskFile }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "rename"; readonly name: string; readonly to: string; readonly file: DiskFile };

/** Bytes that grow, with zeros where nothing was written. */
class Bytes {
  #bytes: Uint8Array = new Uint8Array();
  #length = 0;

  apply(change: Change): void {
    if (change.kind === "resize") {
      this.#extend(change.size);
      this.#length = change.size;
      return;
    }
    this.#extend(change.offset);
    const end = change.offset + change.bytes.length;
    this.#reach(end);
    this.#bytes.set(change.bytes, change.offset);
    this.#length = Math.max(this.#length, end);
  }

  /** @returns the bytes themselves: they change with the next change */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  become(other: Bytes): void {
    this.#reach(other.#length);
    this.#bytes.set(other.view());
    this.#length = other.#length;
  }

  /** With zeros: beyond the length lies what was there before. */
  #extend(length: number): void {
    if (length <= this.#length) return;
    this.#reach(length);
    this.#bytes.fill(0, this.#length, length);
    this.#length = length;
  }

  #reach(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

class DiskFile {
  /** For one image after the other: fresh memory for each would cost more than all else. */
  readonly image = new Bytes();
  readonly certain = new Bytes();
  readonly pending: Change[] = [];
}

export class SimulatedDisk {
  /** As the process sees it. */
  readonly #names = new Map<string, DiskFile>();
  readonly #certainNames = new Map<string, DiskFile>();
  readonly #pendingNames: NameChange[] = [];
  readonly #dice: Prng;

  constructor(dice: Prng) {
    this.#dice = dice;
  }

  apply(event: DiskEvent): void {
    switch (event.kind) {
      case "create":
        if (!this.#names.has(event.file)) this.#rename({ ...event, name: event.file, file: new DiskFile() });
        return;
      case "remove":
        this.#rename({ kind: "remove", name: event.file });
        return;
      case "rename":
        this.#rename({ ...event, name: event.file, file: this.#file(event.file) });
        return;
      case "write":
      case "resize":
        this.#file(event.file).pending.push(event);
        return;
      case "sync":
        settle(this.#file(event.file), (change) => [change]);
        return;
      case "sync-folder":
        for (const change of this.#pendingNames.splice(0)) applyName(this.#certainNames, change);
        return;
      case "fault":
        this.#fail(event.call, event.file);
        return;
      case "said":
        return;
    }
  }

  /** What is there if the power goes now, by name. Its bytes are lent: the next image takes their place. */
  image(): Map<string, Uint8Array> {
    const names = new Map(this.#certainNames);
    const survivors = this.#survivors();
    for (const change of this.#survivingNames()) applyName(names, change);
    return new Map(
      Array.from(names, ([name, file]) => {
        file.image.become(file.certain);
        for (const change of file.pending.flatMap(survivors)) file.image.apply(change);
        return [name, file.image.view()];
      }),
    );
  }

  #file(name: string): DiskFile {
    const file = this.#names.get(name);
    if (file === undefined) throw new Error(`a change of a file that was never made: ${name}`);
    return file;
  }

  #rename(change: NameChange): void {
    applyName(this.#names, change);
    this.#pendingNames.push(change);
  }

  #fail(call: string, name: string | undefined): void {
    if (name === undefined || (call !== "fsync" && call !== "fdatasync")) return;
    settle(this.#file(name), this.#survivors());
  }

  /** One power cut's way of dealing with a change. */
  #survivors(): (change: Change) => Change[] {
    const dice = this.#dice;
    const kept = pick(dice, KEPT_SHARES);
    return (change) => {
      if (dice.float() < kept) return [change];
      return change.kind === "write" && dice.below(2) === 0 ? torn(change, dice) : [];
    };
  }

  /** A change is lost with every later one of its names. */
  #survivingNames(): NameChange[] {
    const lost = new Set<string>();
    const kept = pick(this.#dice, KEPT_SHARES);
    return this.#pendingNames.filter((change) => {
      const names = change.kind === "rename" ? [change.name, change.to] : [change.name];
      if (names.every((name) => !lost.has(name)) && this.#dice.float() < kept) return true;
      for (const name of names) lost.add(name);
      return false;
    });
  }
}

function pick(dice: Prng, shares: readonly number[]): number {
  return shares[dice.below(shares.length)] ?? 0;
}

function settle(file: DiskFile, survivors: (change: Change) => Change[]): void {
  for (const change of file.pending.splice(0).flatMap(survivors)) file.certain.apply(change);
}

function applyName(names: Map<string, DiskFile>, change: NameChange): void {
  if (change.kind !== "create") names.delete(change.name);
  if (change.kind === "create") names.set(change.name, change.file);
  if (change.kind === "rename") names.set(change.to, change.file);
}

/** Some of its sectors: cut where sectors of the file begin, wherever the write itself began. */
function torn({ offset, bytes }: Extract<Change, { kind: "write" }>, dice: Prng): Change[] {
  const sector = pick(dice, SECTORS_BYTES);
  const pieces: Change[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + sector - ((offset + at) % sector));
    pieces.push({ kind: "write", offset: offset + at, bytes: bytes.subarray(at, end) });
    at = end;
  }
  const rest = dice.below(pieces.length + 1);
  const isCut = dice.below(2) === 0;
  return isCut ? pieces.slice(0, rest) : pieces.filter(() => dice.below(2) === 0);
}
