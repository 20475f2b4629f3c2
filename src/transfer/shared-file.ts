/**
 * A whole file shared from where it lies on this disk: opened while somebody fetches it, and held against what it was.
 *
 * Invariant: no piece leaves that was not verified once since the program started, or hashed in this very session from a
 * file that has not changed since. A file that is no longer what it was breaks the offer once, with its reason.
 */
import { Bitfield } from "../base/bitfield.ts";
import type { Clock } from "../base/clock.ts";
import { Failure, toFailure } from "../base/failure.ts";
import type { Gid, PieceIndex } from "../base/ids.ts";
import { SOURCE_CHECK_MS } from "../base/limits.ts";
import { FileShape, fileIdOf, type Manifest } from "../base/manifest.ts";
import { forTerminal } from "../base/text.ts";
import type { Offer } from "./contract.ts";
import type { PieceWorkers, Slot } from "./disk/contract.ts";
import { type FileIdentity, isSameContent } from "./disk/file-identity.ts";
import { SourceFile } from "./disk/source-file.ts";
import type { HashedSmall } from "./disk/worker-protocol.ts";
import type { ServedFile, SmallShare } from "./served-file.ts";

/** A shared file held open for reading: `SourceFile`, as far as it is needed here. */
export type OpenedSource = Pick<SourceFile, "descriptor" | "identity" | "unchanged" | "close">;

/** What is held while somebody fetches the file. */
interface OpenedShare {
  readonly source: OpenedSource;
  readonly manifest: Manifest;
}

/** @param known what the file must be. @throws Failure, "file-changed" if it is no longer that */
export type OpenSource = (path: string, known: FileIdentity | undefined) => Promise<OpenedSource>;

/** From the disk. @param workers whose jobs may use the descriptor until it is closed */
export function sourceOpener(workers: Pick<PieceWorkers, "settled">): OpenSource {
  return (path, known) =>
    known === undefined ? SourceFile.open(path, workers) : SourceFile.reopen(path, known, workers);
}

export interface SharedFileDependencies {
  readonly workers: PieceWorkers;
  readonly openSource: OpenSource;
  readonly clock: Clock;
  /** The file is not what it was, or cannot be read: told once. */
  broken(failure: Failure): void;
}

export class SharedFile implements ServedFile {
  readonly gid: Gid;
  readonly table: FileShape;
  readonly #offer: Offer;
  readonly #dependencies: SharedFileDependencies;
  readonly #isFresh: boolean;
  #have: Bitfield | undefined;
  /** Pieces that need no check; undefined as long as none was read. */
  #verified: Bitfield | undefined;
  /** What the file must be: as it was shared, or else as it was when it was opened first. */
  #identity: FileIdentity | undefined;
  #open: Promise<OpenedShare> | undefined;
  #hasChannel = false;
  #loads = 0;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #isBroken = false;

  constructor(offer: Offer, dependencies: SharedFileDependencies) {
    const { gid, file, identity, fresh } = offer;
    this.gid = gid;
    this.table = new FileShape(file);
    this.#offer = offer;
    this.#identity = identity;
    this.#dependencies = dependencies;
    this.#isFresh = fresh && identity !== undefined;
  }

  /** Made when somebody asks: most files of a large collection are never asked for. */
  get have(): Bitfield {
    this.#have ??= Bitfield.full(this.table.pieces);
    return this.#have;
  }

  get small(): SmallShare | undefined {
    const { file, path } = this.#offer;
    if (this.table.pieces > 1 || this.#isBroken) return undefined;
    return { path, bytes: file.size, isWhatWasRead: (read) => this.#isWhatWasRead(read) };
  }

  opened(): void {
    this.#hasChannel = true;
  }

  closed(): void {
    this.#hasChannel = false;
    this.#closeUnused();
  }

  async load(piece: PieceIndex, slot: Slot): Promise<boolean> {
    // The next look at the file may be a second away.
    if (this.#isBroken) return false;
    this.#loads++;
    try {
      await this.#read(piece, slot);
      return true;
    } catch (error) {
      const failure = toFailure(error, "disk-error");
      if (failure.code !== "try-later") this.#break(failure);
      return false;
    } finally {
      this.#loads--;
      this.#closeUnused();
    }
  }

  async #read(piece: PieceIndex, slot: Slot): Promise<void> {
    this.#open ??= this.#opening();
    const { source, manifest } = await this.#open;
    await this.#checkNowAndThen(source);
    this.#verified ??= this.#isFresh ? this.have : new Bitfield(this.table.pieces);
    const verify = !this.#verified.has(piece);
    const { workers } = this.#dependencies;
    if (!(await workers.load(source.descriptor, manifest, piece, slot, verify))) throw this.#otherContent();
    if (verify) this.#verified.set(piece);
  }

  /** Who it is not is told when the file is asked for by itself. */
  #isWhatWasRead(read: HashedSmall | undefined): boolean {
    if (read === undefined || this.#isBroken) return false;
    const { size, fileId } = this.table.summary;
    if (this.#identity !== undefined && !isSameContent(read, this.#identity)) return false;
    if (!this.#isFresh && fileIdOf(read.size, read.rows) !== fileId) return false;
    this.#identity ??= identityIn(read);
    return read.size === size;
  }

  async #opening(): Promise<OpenedShare> {
    try {
      const manifest = await this.#manifest();
      const source = await this.#dependencies.openSource(this.#offer.path, this.#identity);
      this.#identity ??= source.identity;
      return { source, manifest };
    } catch (error) {
      this.#open = undefined;
      throw error;
    }
  }

  /** One that is not to be had says nothing against the file. */
  async #manifest(): Promise<Manifest> {
    try {
      return await this.#offer.manifest();
    } catch (error) {
      throw new Failure("try-later", toFailure(error).message);
    }
  }

  /** Not under a piece that is being read, though the peer who asked for it may have left. */
  #closeUnused(): void {
    if (this.#hasChannel || this.#loads > 0) return;
    const open = this.#open;
    this.#open = undefined;
    void open?.then(({ source }) => source.close()).catch(() => {});
  }

  /** A look at the file costs two system calls: not for every piece. */
  async #checkNowAndThen(source: OpenedSource): Promise<void> {
    const now = this.#dependencies.clock.monotonicMs();
    if (now - this.#checkedMs < SOURCE_CHECK_MS) return;
    this.#checkedMs = now;
    const change = await source.unchanged();
    if (change !== undefined) throw change;
  }

  #otherContent(): Failure {
    const path = forTerminal(this.#offer.path);
    return new Failure(
      "file-changed",
      `${path} no longer holds what was shared; share it again with upload_file`,
    );
  }

  #break(failure: Failure): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#dependencies.broken(failure);
  }
}

function identityIn({ device, inode, size, modifiedNs }: FileIdentity): FileIdentity {
  return { device, inode, size, modifiedNs };
}
