/**
 * Small files that are to be hashed, many in one job of a worker: a message to it and back costs more than such a file.
 *
 * Those that are asked for in one turn of the event loop go together, SMALL_FILES_PER_JOB_MAX in each job, so that a piece of
 * a running transfer has not long to wait behind one. What is not simply a small file is left to who opens files one by one
 * and can say what is wrong.
 */
import { assert } from "../../base/assert.ts";
import type { Sha1 } from "../../base/ids.ts";
import { SMALL_FILE_COST_BYTES, SMALL_FILES_PER_JOB_MAX } from "../../base/limits.ts";
import { Manifest, SHA1_BYTES } from "../../base/manifest.ts";
import type { SmallFile } from "./contract.ts";
import { PIECE_HASH_BYTES } from "./piece-hash.ts";
import type { HashedSmall, Job, JobReply } from "./worker-protocol.ts";

const EMPTY_SHA1 = new Bun.CryptoHasher("sha1").digest("hex");

interface Waiting {
  readonly path: string;
  readonly resolve: (file: SmallFile | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class SmallHashing {
  readonly #run: (job: Job) => Promise<JobReply>;
  #waiting: Waiting[] = [];

  constructor(run: (job: Job) => Promise<JobReply>) {
    this.#run = run;
  }

  /** @returns undefined if it is not a plain file of one piece at most that stays what it is */
  hash(path: string): Promise<SmallFile | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#start());
      this.#waiting.push({ path, resolve, reject });
    });
  }

  #start(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += SMALL_FILES_PER_JOB_MAX)
      void this.#hashSome(waiting.slice(at, at + SMALL_FILES_PER_JOB_MAX));
  }

  async #hashSome(some: readonly Waiting[]): Promise<void> {
    try {
      const paths = some.map(({ path }) => path);
      const reply = await this.#run({
        kind: "hash-small",
        paths,
        length: paths.length * SMALL_FILE_COST_BYTES,
      });
      const files = reply.kind === "hashed-small" ? reply.files : [];
      for (const [at, { path, resolve }] of some.entries()) resolve(smallFile(path, files[at]));
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }
}

function smallFile(path: string, found: HashedSmall | undefined): SmallFile | undefined {
  if (found === undefined) return undefined;
  const { rows, executable, ...identity } = found;
  assert(rows.length === 0 || rows.length === PIECE_HASH_BYTES, "a small file has one piece or none");
  // Its one piece is the whole of it.
  const sha1 = rows.length === 0 ? EMPTY_SHA1 : Buffer.from(rows.subarray(0, SHA1_BYTES)).toString("hex");
  return { path, identity, executable, manifest: Manifest.make(identity.size, sha1 as Sha1, rows) };
}
