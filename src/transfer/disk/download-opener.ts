/**
 * Opens a download: a new one, or what an earlier run left of it.
 *
 * Invariants: nothing that exists is overwritten. The journal comes before the part file and goes after it, so that a part
 * file without a journal is somebody else's and never touched. Only verified pieces are handed on as resumed.
 */
import { constants } from "node:fs";
import { mkdir, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { Bitfield } from "../../base/bitfield.ts";
import { Failure } from "../../base/failure.ts";
import type { Manifest } from "../../base/manifest.ts";
import { patiently } from "../../base/sharing-patience.ts";
import { forTerminal } from "../../base/text.ts";
import { verifyClaims } from "./claim-check.ts";
import type {
  DownloadTarget,
  HashProgressSink,
  LeftDownload,
  OpenDownload,
  OpenedDownload,
  PieceWorkers,
} from "./contract.ts";
import { onDisk } from "./disk-failure.ts";
import { type DownloadFileDependencies, journalOf, StoredDownload } from "./download-file.ts";
import { lookAt } from "./file-identity.ts";
import { ensureNoLinks, makeFolders } from "./folder-chain.ts";
import { isTrusted, type Journal } from "./journal.ts";
import { JournalFile, readJournal } from "./journal-file.ts";
import { foreignPart, PartFile, partPathOf, requireRoom } from "./part-file.ts";
import { smallPartPathOf } from "./small-part.ts";

export interface OpenerDependencies extends DownloadFileDependencies {
  readonly workers: PieceWorkers;
}

export function downloadOpener(dependencies: OpenerDependencies): OpenDownload {
  return async (target, progress, signal) => {
    const opening = new Opening(dependencies, target, progress, signal);
    // Before anything is looked at: what a link leads to is nobody's to look at.
    await makeFolders(target.base, target.path);
    if (await opening.isThere()) {
      // What a run left that ended between the placing and the end.
      await discardDownload({ ...target, fileId: target.manifest.summary.fileId });
      return { kind: "complete" };
    }
    return await opening.open();
  };
}

/** As the contract has it. */
export async function discardDownload({ base, path, journalPath, fileId }: LeftDownload): Promise<void> {
  // What it left when it was fetched as one of many.
  await unlink(smallPartPathOf({ path, journalPath })).catch(() => {});
  const journal = await readJournal(journalPath);
  if (journal === "none" || (journal !== "damaged" && journal.fileId !== fileId)) return;
  await ensureNoLinks(base, path);
  const partPath = partPathOf(path);
  const part = await lookAt(partPath);
  if (part?.isFile()) await onDisk("remove", partPath, () => patiently(() => unlink(partPath)));
  await new JournalFile(journalPath).remove();
}

class Opening {
  readonly #dependencies: OpenerDependencies;
  readonly #target: DownloadTarget;
  readonly #partPath: string;
  readonly #progress: HashProgressSink;
  readonly #signal: AbortSignal;

  constructor(
    dependencies: OpenerDependencies,
    target: DownloadTarget,
    progress: HashProgressSink,
    signal: AbortSignal,
  ) {
    this.#dependencies = dependencies;
    this.#target = target;
    this.#partPath = partPathOf(target.path);
    this.#progress = progress;
    this.#signal = signal;
  }

  /** Whether the content is at its path already. @throws Failure "file-exists" if something else is */
  async isThere(): Promise<boolean> {
    const { path, manifest } = this.#target;
    const there = await lookAt(path);
    if (there === undefined) return false;
    const mayBeIt = there.isFile() && Number(there.size) === manifest.summary.size;
    if (mayBeIt && (await this.#holds(path, manifest))) return true;
    throw new Failure(
      "file-exists",
      `${forTerminal(path)} exists with other content and is not overwritten: name another destination`,
    );
  }

  async open(): Promise<OpenedDownload> {
    const { journalPath } = this.#target;
    const journal = await readJournal(journalPath);
    const { fileId } = this.#target.manifest.summary;
    if (journal !== "none" && journal !== "damaged" && journal.fileId !== fileId)
      throw new Failure(
        "download-exists",
        `another unfinished download is in ${forTerminal(this.#partPath)}: cancel it or name another destination`,
      );
    const part = await lookAt(this.#partPath);
    if (part === undefined) return await this.#startAfresh(journal);
    if (journal === "none") throw foreignPart(this.#partPath);
    return await this.#goOn(journal);
  }

  async #startAfresh(left: Journal | "none" | "damaged"): Promise<OpenedDownload> {
    const { path, journalPath, manifest, attributes } = this.#target;
    await requireRoom(path, manifest.summary.size);
    await onDisk("create", journalPath, () => mkdir(dirname(journalPath), { recursive: true, mode: 0o700 }));
    const journal = new JournalFile(journalPath);
    const resumed = new Bitfield(manifest.pieces);
    await journal.replace(journalOf(this.#target, resumed, undefined));
    try {
      const part = await PartFile.create(this.#partPath, manifest.summary.size, attributes?.executable);
      const hadPieces = typeof left === "object" && left.claimed.count > 0;
      return this.#opened(part, journal, resumed, hadPieces ? this.#notice("is gone") : undefined);
    } catch (error) {
      await journal.remove().catch(() => {});
      throw error;
    }
  }

  async #goOn(left: Journal | "damaged"): Promise<OpenedDownload> {
    const { size } = this.#target.manifest.summary;
    const part = await PartFile.reopen(this.#partPath, size);
    try {
      let claimed = left === "damaged" ? Bitfield.full(this.#target.manifest.pieces) : left.claimed;
      let notice =
        left === "damaged" ? this.#notice("has a damaged journal", "is verified whole") : undefined;
      if ((await part.identity()).size !== size) {
        if (left === "damaged") throw foreignPart(this.#partPath);
        if (claimed.count > 0) notice = this.#notice("has another size");
        await part.reset();
        claimed = new Bitfield(claimed.length);
      }
      await requireRoom(this.#target.path, size - bytesOf(this.#target.manifest, claimed));
      const isGood = left !== "damaged" && isTrusted(left, await part.identity());
      const resumed = isGood ? claimed : await this.#verified(part, claimed);
      const journal = new JournalFile(this.#target.journalPath);
      await journal.replace(journalOf(this.#target, resumed, undefined));
      return this.#opened(part, journal, resumed, notice);
    } catch (error) {
      await part.close();
      throw error;
    }
  }

  #opened(
    part: PartFile,
    journal: JournalFile,
    resumed: Bitfield,
    notice: string | undefined,
  ): OpenedDownload {
    const download = new StoredDownload(this.#dependencies, this.#target, { part, journal, resumed });
    return { kind: "open", download, notice };
  }

  #verified(part: PartFile, claimed: Bitfield): Promise<Bitfield> {
    const { workers } = this.#dependencies;
    const { manifest } = this.#target;
    const file = part.descriptor;
    return verifyClaims({ workers, file, manifest }, claimed, this.#progress, this.#signal);
  }

  async #holds(path: string, manifest: Manifest): Promise<boolean> {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const { workers } = this.#dependencies;
    const file = await onDisk("open", path, () => open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    try {
      const found = await workers.hashFile(file.fd, manifest.summary.size, this.#progress, this.#signal);
      return found.summary.fileId === manifest.summary.fileId;
    } finally {
      await file.close();
    }
  }

  #notice(trouble: string, remedy = "is downloaded from the beginning"): string {
    return `${forTerminal(this.#partPath)} ${trouble}: it ${remedy}`;
  }
}

function bytesOf(manifest: Manifest, pieces: Bitfield): number {
  let bytes = 0;
  for (const index of pieces.indices()) {
    const piece = manifest.pieceIndex(index);
    if (piece !== undefined) bytes += manifest.pieceLength(piece);
  }
  return bytes;
}
