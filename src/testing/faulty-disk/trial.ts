/**
 * One file shared and downloaded on a real disk, with one disk call failing once; and what is promised of it: the download
 * completes, by itself or when it is asked for again after one clear failure; at no time is there a wrong or half file
 * at the destination, or a journal that claims what is not there; in the end nothing is left open or lying about.
 *
 * Both ends are real engines in this process. Time runs faster than on the wall, for the waits of the program are long.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { assert, defined } from "../../base/assert.ts";
import { Bitfield } from "../../base/bitfield.ts";
import type { Clock } from "../../base/clock.ts";
import { type Failure, toFailure } from "../../base/failure.ts";
import type { Fingerprint, Uid, UserName } from "../../base/ids.ts";
import { PIECE_BYTES } from "../../base/limits.ts";
import type { Download, TransferAuthority, TransferEngine } from "../../transfer/contract.ts";
import { discardDownload, downloadOpener } from "../../transfer/disk/download-opener.ts";
import { HashPool } from "../../transfer/disk/hash-pool.ts";
import { decodeJournal } from "../../transfer/disk/journal.ts";
import { JournalFile } from "../../transfer/disk/journal-file.ts";
import { SourceFile } from "../../transfer/disk/source-file.ts";
import { createTransferEngine } from "../../transfer/engine.ts";
import { SimNetwork } from "../sim-network.ts";
import { content, GrantOffice, gid } from "../transfer-world.ts";
import { type DiskFault, gate, type PlannedFault } from "./fault-gate.ts";

const FILE = content(3.02);
const TIMES_FASTER = 100;
const WAIT_MS_MAX = 20_000;
const TRIES_MAX = 3;

/** What happens before and in the download. */
export const SCENES = [
  "from nothing",
  "left by a kill",
  "suspended on the way",
  "cancelled on the way",
] as const;
export type Scene = (typeof SCENES)[number];

const clock: Clock = {
  nowMs: () => Math.round(performance.now() * TIMES_FASTER) + 1_700_000_000_000,
  monotonicMs: () => performance.now() * TIMES_FASTER,
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs / TIMES_FASTER);
    return () => clearTimeout(timer);
  },
};

/** Which errors a call may give; `short` where it moves bytes. */
export function faultsOf(call: string): readonly DiskFault[] {
  const [name = ""] = call.split(" ");
  const isOfFolder = / \.|journals #/.test(call);
  switch (name) {
    case "write":
      return ["ENOSPC", "EDQUOT", "EIO", "short"];
    case "read":
      return ["EIO", "short"];
    case "fsync":
    case "close":
      return isOfFolder ? ["EIO", "EINVAL", "ENOTSUP"] : ["ENOSPC", "EDQUOT", "EIO"];
    case "open":
    case "mkdir":
    case "truncate":
      return ["ENOSPC", "EDQUOT", "EIO", "EACCES", "EROFS"];
    case "rename":
      return ["ENOSPC", "EDQUOT", "EIO", "EACCES", "EROFS", "EBUSY"];
    case "link":
      return ["ENOSPC", "EDQUOT", "EIO", "EACCES", "EROFS", "EPERM", "ENOTSUP", "EXDEV"];
    case "unlink":
    case "rm":
      return ["EIO", "EACCES", "EROFS", "EBUSY"];
    default:
      return ["EIO", "EACCES"];
  }
}

const person = (letter: string) => ({
  fingerprint: letter.repeat(64) as Fingerprint,
  uid: letter.repeat(32) as Uid,
  user: `user-${letter}` as UserName,
});
const ANN = person("a");
const DAN = person("d");

export interface TrialResult {
  readonly isHit: boolean;
  /** What the user was told, if anything failed. */
  readonly failures: readonly string[];
  readonly calls: readonly string[];
}

/** @param folder empty. @throws AssertionError that names what was promised */
export async function runTrial(folder: string, scene: Scene, planned?: PlannedFault): Promise<TrialResult> {
  const trial = new Trial(folder);
  await trial.prepare(scene);
  gate.begin(folder, planned);
  await trial.run(scene);
  const result = { isHit: gate.isHit, failures: trial.failures, calls: [...gate.calls] };
  await trial.end();
  return result;
}

class Trial {
  readonly failures: string[] = [];
  readonly #source: string;
  readonly #path: string;
  readonly #journalPath: string;
  readonly #workers = new HashPool({ workers: 2, buffers: 14 });
  readonly #network = new SimNetwork({ schedule: (run) => void setImmediate(run) });
  readonly #office = new GrantOffice(clock);
  readonly #ann: TransferEngine;
  readonly #dan: TransferEngine;
  /** Whether ann's file is offered no more. */
  #isBroken = false;
  #broken = Promise.withResolvers<"broken">();

  constructor(folder: string) {
    this.#source = join(folder, "ann", "film.bin");
    this.#path = join(folder, "dan", "film.bin");
    this.#journalPath = join(folder, "journals", "one");
    this.#ann = this.#engine(ANN.fingerprint, ANN.uid);
    this.#dan = this.#engine(DAN.fingerprint, DAN.uid);
  }

  /** Nothing of this passes a fault. */
  async prepare(scene: Scene): Promise<void> {
    for (const path of [this.#source, this.#path]) await mkdir(dirname(path), { recursive: true });
    await writeFile(this.#source, FILE.bytes);
    if (scene !== "left by a kill") return;
    await mkdir(dirname(this.#journalPath), { recursive: true });
    const claimed = new Bitfield(FILE.manifest.pieces);
    for (const piece of [0, 2]) claimed.set(piece);
    const part = new Uint8Array(FILE.bytes.length);
    for (const piece of claimed.indices()) {
      const from = piece * PIECE_BYTES;
      part.set(FILE.bytes.subarray(from, from + PIECE_BYTES), from);
    }
    await writeFile(`${this.#path}.part`, part);
    const { fileId, size } = FILE.manifest.summary;
    const journal = new JournalFile(this.#journalPath);
    await journal.replace({ fileId, size, claimed, clean: undefined });
    await journal.close();
  }

  async run(scene: Scene): Promise<void> {
    const { port } = await this.#ann.listen({ host: "sim", port: 0 });
    await this.#share();
    if (scene === "suspended on the way" || scene === "cancelled on the way")
      await this.#leaveOnTheWay(port, scene === "cancelled on the way" ? "cancel" : "suspend");
    for (let tries = 1; !(await this.#fetched(port)); tries++)
      assert(tries < TRIES_MAX, `one fault, and failed again: ${this.failures.join("; ")}`);
  }

  /** @throws AssertionError if anything is left over */
  async end(): Promise<void> {
    await Promise.all([this.#ann.close(), this.#dan.close()]);
    const { capacity, free } = this.#workers.slots;
    assert(free === capacity, `${capacity - free} buffers are left held`);
    await this.#workers.close();
    await this.#until(
      () => gate.open.length === 0,
      () => `left open: ${gate.open}`,
    );
    assert(this.#network.errors.length === 0, `exceptions: ${this.#network.errors}`);
    const left = await readdir(dirname(this.#path));
    assert(left.join() === "film.bin", `left beside the file: ${left}`);
    const journals = existsSync(dirname(this.#journalPath)) ? await readdir(dirname(this.#journalPath)) : [];
    assert(journals.length === 0, `journals left: ${journals}`);
    await rm(dirname(this.#path), { recursive: true });
  }

  /** As a client shares: opened, hashed, closed, offered; asked for again if it fails. */
  async #share(): Promise<void> {
    for (let tries = 1; ; tries++) {
      const failure = await this.#tryToShare();
      if (failure === undefined) return;
      this.#note(failure);
      assert(tries < TRIES_MAX, `sharing fails again: ${failure.message}`);
    }
  }

  async #tryToShare(): Promise<Failure | undefined> {
    try {
      const source = await SourceFile.open(this.#source, this.#workers);
      const { descriptor, identity } = source;
      const signal = new AbortController().signal;
      try {
        const manifest = await this.#workers.hashFile(descriptor, identity.size, () => {}, signal);
        assert(manifest.summary.fileId === FILE.manifest.summary.fileId, "hashed as another file");
        this.#isBroken = false;
        this.#ann.offer({
          gid,
          file: manifest.summary,
          manifest: async () => manifest,
          path: this.#source,
          identity,
          fresh: false,
        });
      } finally {
        await source.close();
      }
      return undefined;
    } catch (error) {
      return toFailure(error, "internal");
    }
  }

  async #leaveOnTheWay(port: number, how: "suspend" | "cancel"): Promise<void> {
    const download = this.#download(port);
    await Promise.race([
      download.ended,
      this.#broken.promise,
      this.#until(
        () => download.snapshot().doneBytes > 0,
        () => "nothing came",
      ),
    ]);
    await download[how]();
    await this.#checkDisk();
    if (this.#isBroken) await this.#share();
  }

  /** @returns whether it completed; else the failure was noted, and the cause is gone */
  async #fetched(port: number): Promise<boolean> {
    const download = this.#download(port);
    let outcome: string | undefined;
    void Promise.race([download.ended, this.#broken.promise]).then((how) => {
      outcome = how;
    });
    await this.#until(
      () => outcome !== undefined,
      () => `it hangs: ${JSON.stringify(download.snapshot())}`,
    );
    await this.#checkDisk();
    if (outcome === "complete") return true;
    const { phase } = download.snapshot();
    if (phase.kind === "failed") this.#note(phase.failure);
    else await download.suspend();
    if (this.#isBroken) await this.#share();
    return false;
  }

  #download(port: number): Download {
    this.#broken = Promise.withResolvers();
    const { manifest } = FILE;
    const order = {
      gid,
      manifest,
      path: this.#path,
      base: dirname(this.#path),
      journalPath: this.#journalPath,
    };
    const download = this.#dan.download(order);
    download.addSource({ ...ANN, address: { host: "sim", port }, complete: true });
    return download;
  }

  /** Looked at with calls that pass no gate. */
  async #checkDisk(): Promise<void> {
    if (existsSync(this.#path))
      assert(
        Buffer.compare(await readFile(this.#path), FILE.bytes) === 0,
        "a wrong file is at the destination",
      );
    if (!existsSync(this.#journalPath)) return;
    const journal = decodeJournal(await readFile(this.#journalPath));
    assert(journal !== undefined, "the journal is damaged");
    const part = [`${this.#path}.part`, this.#path].find((path) => existsSync(path));
    if (journal.claimed.count === 0) return;
    const bytes = await readFile(defined(part, "the journal claims pieces of no file"));
    for (const piece of journal.claimed.indices()) {
      const [from, to] = [piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES];
      const isRight = Buffer.compare(bytes.subarray(from, to), FILE.bytes.subarray(from, to)) === 0;
      assert(isRight, `the journal claims piece ${piece}, which is wrong`);
    }
  }

  /** One line that says what and where, and no bug of ours. */
  #note({ code, message }: Failure): void {
    assert(code !== "internal", `a failure that is a bug: ${message}`);
    assert(!message.includes("\n") && message.length > 20, `no line for people: ${message}`);
    this.failures.push(`${code}: ${message}`);
  }

  async #until(isSo: () => boolean, why: () => string): Promise<void> {
    const deadlineMs = performance.now() + WAIT_MS_MAX;
    while (!isSo()) {
      assert(performance.now() < deadlineMs, why());
      await Bun.sleep(1);
    }
  }

  #engine(fingerprint: Fingerprint, uid: Uid): TransferEngine {
    const workers = this.#workers;
    const authority: TransferAuthority = {
      fingerprint,
      keys: () => [this.#office.publicKey],
      clockAheadMs: () => 0,
      grant: async () => this.#office.grant({ uid, fingerprint }),
    };
    return createTransferEngine({
      transport: this.#network.transport(fingerprint),
      workers,
      openDownload: downloadOpener({ workers, clock }),
      discardDownload,
      clock,
      authority,
      events: {
        changed: () => {},
        offerBroken: (offer, failure) => {
          if (offer.path !== this.#source) return;
          this.#note(failure);
          this.#isBroken = true;
          this.#broken.resolve("broken");
        },
        notice: () => {},
      },
      seed: 1,
    });
  }
}
