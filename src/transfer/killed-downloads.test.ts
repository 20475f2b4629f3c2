/** SIGKILL again and again: one download after the other, each killed at random moments of its progress until it is done. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defined } from "../base/assert.ts";
import { Bitfield } from "../base/bitfield.ts";
import type { Gid, Uid, UserName } from "../base/ids.ts";
import { GRANT_LIFETIME_MS, PEER_CONNECTIONS_MAX, PIECE_BYTES, UPLOADS_AT_ONCE_MAX } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import { systemClock } from "../base/system-clock.ts";
import { formatIdentity, makeIdentity } from "../net/certificate.ts";
import { TlsTcpTransport } from "../net/tls-tcp.ts";
import type { RealDownloaderOrder } from "../testing/real-downloader-order.ts";
import { runSeed } from "../testing/run-seed.ts";
import { TempFolder } from "../testing/temp-folder.ts";
import { content } from "../testing/transfer-world.ts";
import { formatPublicKey, sign } from "../wire/signed.ts";
import type { TransferEngine } from "./contract.ts";
import type { PieceWorkers } from "./disk/contract.ts";
import { discardDownload, downloadOpener } from "./disk/download-opener.ts";
import { HashPool } from "./disk/hash-pool.ts";
import { readJournal } from "./disk/journal-file.ts";
import { createTransferEngine } from "./engine.ts";

const KILLS = 200;
/** Chains of downloads beside each other, one for each core of a small machine. */
const LANES = 2;
const FILE = content(20.3);
/** Few, so that what may be in flight is little beside the file. */
const BUDGET_PIECES = 6;
/** Far more than it takes on a machine that does nothing else. */
const TEST_MS_MAX = 600_000;

const gid = "a".repeat(32) as Gid;
const uid = "b".repeat(32) as Uid;

const pool = new HashPool({ workers: 2, buffers: 32 });
afterAll(() => pool.close());

/** Where a run is killed: so many ms after it said that line; never, if it does not say it. */
interface KillPoint {
  readonly line: string;
  readonly afterMs: number;
}

function killPoint(dice: Prng): KillPoint {
  const kind = dice.below(10);
  if (kind === 0) return { line: "ready", afterMs: dice.below(20) };
  // It takes a moment only, so most of these come too late.
  if (kind <= 2) return { line: "phase finishing", afterMs: dice.below(4) };
  return { line: `piece ${1 + dice.below(8)}`, afterMs: dice.below(3) };
}

/** The one who has the file: how many pieces it has read for others is how many it has sent, or was about to. */
class Seeder {
  sent = 0;
  readonly #engine: TransferEngine;
  readonly #order: RealDownloaderOrder;

  private constructor(engine: TransferEngine, order: RealDownloaderOrder) {
    this.#engine = engine;
    this.#order = order;
  }

  static async start(folder: TempFolder, name: string): Promise<Seeder> {
    const [own, other] = [await makeIdentity(), await makeIdentity()];
    const { privateKey } = generateKeyPairSync("ed25519");
    const clock = systemClock;
    let seeder: Seeder | undefined;
    const load: PieceWorkers["load"] = (...job) => {
      if (seeder !== undefined) seeder.sent++;
      return pool.load(...job);
    };
    const workers = new Proxy<PieceWorkers>(pool, {
      get: (target, key) => {
        if (key === "load") return load;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const engine = createTransferEngine({
      transport: new TlsTcpTransport(
        { identity: own, clock, report: (error) => console.error(error) },
        { connectionsMax: PEER_CONNECTIONS_MAX, perAddressMax: PEER_CONNECTIONS_MAX },
      ),
      workers,
      openDownload: downloadOpener({ workers, clock }),
      discardDownload,
      clock,
      authority: {
        fingerprint: own.fingerprint,
        keys: () => [formatPublicKey(privateKey)],
        clockAheadMs: () => 0,
        grant: () => Promise.reject(new Error("it fetches nothing")),
      },
      events: {
        changed: () => {},
        offerBroken: (_, failure) => console.error(failure),
        notice: console.error,
      },
      seed: 1,
    });
    const { host, port } = await engine.listen({ host: "127.0.0.1", port: 0 });
    const { fingerprint } = other;
    const expiresMs = Date.now() + GRANT_LIFETIME_MS;
    const path = folder.join(`${name}.bin`);
    const rowsPath = folder.join(`${name}.rows`);
    await writeFile(path, FILE.bytes);
    await writeFile(rowsPath, FILE.manifest.rows);
    engine.offer({
      gid,
      file: FILE.manifest.summary,
      manifest: async () => FILE.manifest,
      path,
      identity: undefined,
      fresh: false,
    });
    seeder = new Seeder(engine, {
      identity: formatIdentity(other),
      source: { host, port, fingerprint: own.fingerprint, uid, user: "ann" as UserName },
      gid,
      size: FILE.manifest.summary.size,
      sha1: FILE.manifest.summary.sha1,
      rowsPath,
      path: "",
      journalPath: "",
      grant: { text: sign({ purpose: "grant", gid, uid, fingerprint, expiresMs }, privateKey), expiresMs },
      buffers: BUDGET_PIECES + UPLOADS_AT_ONCE_MAX,
    });
    return seeder;
  }

  order(path: string): string {
    return JSON.stringify({ ...this.#order, path, journalPath: `${path}.journal` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close();
  }
}

/** @returns how it ended; undefined if it was killed */
async function run(order: string, kill: KillPoint | undefined): Promise<string | undefined> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "..", "testing", "real-downloader.ts"), order],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let ended: string | undefined;
  let rest = "";
  let isAimed = false;
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    ended ??= lines.find((line) => line.startsWith("ended "))?.slice("ended ".length);
    if (kill === undefined || isAimed || !lines.includes(kill.line)) continue;
    isAimed = true;
    if (kill.afterMs === 0) child.kill("SIGKILL");
    else setTimeout(() => child.kill("SIGKILL"), kill.afterMs);
  }
  await child.exited;
  if (ended === undefined && child.signalCode !== "SIGKILL") throw new Error("it ended otherwise");
  return ended;
}

/** @returns the pieces that are kept: what the journal claims must be there and right; all, if the file has its name */
async function claimedIn(path: string): Promise<number> {
  if (existsSync(path)) {
    expectRight(path, Bitfield.full(FILE.manifest.pieces));
    return FILE.manifest.pieces;
  }
  const journal = await readJournal(`${path}.journal`);
  expect(journal).not.toBe("damaged");
  if (typeof journal === "string" || journal.claimed.count === 0) return 0;
  expectRight(`${path}.part`, journal.claimed);
  return journal.claimed.count;
}

const found = Buffer.alloc(PIECE_BYTES);

/** Read into the same memory each time: fresh memory would cost more than reading. */
function expectRight(path: string, claimed: Bitfield): void {
  const file = openSync(path, "r");
  try {
    for (const index of claimed.indices()) {
      const wanted = FILE.bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
      const length = readSync(file, found, 0, wanted.length, index * PIECE_BYTES);
      if (Buffer.compare(found.subarray(0, length), wanted) !== 0) throw new Error(`${path}: piece ${index}`);
    }
  } finally {
    closeSync(file);
  }
}

interface Chain {
  files: number;
  kills: number;
  /** By which line. */
  readonly killedAfter: Map<string, number>;
  sent: number;
  /** Sent, and not claimed by the journal after the kill; of each run. */
  readonly lost: number[];
}

/** Downloads until there were so many kills and the last file is there. */
async function chain(folder: TempFolder, name: string, dice: Prng): Promise<Chain> {
  await using seeder = await Seeder.start(folder, name);
  const told: Chain = {
    files: 0,
    kills: 0,
    killedAfter: new Map(),
    sent: 0,
    lost: [],
  };
  while (told.kills < KILLS / LANES) {
    const path = folder.join(`${name}-${told.files}`);
    await untilDone(seeder, path, dice, told);
    told.files++;
    expect(existsSync(`${path}.part`)).toBe(false);
    expect(existsSync(`${path}.journal`)).toBe(false);
    expect(statSync(path).size).toBe(FILE.bytes.length);
    expectRight(path, Bitfield.full(FILE.manifest.pieces));
    rmSync(path);
  }
  told.sent = seeder.sent;
  return told;
}

async function untilDone(seeder: Seeder, path: string, dice: Prng, told: Chain): Promise<void> {
  for (let claimed = 0; ; ) {
    const kill = told.kills < KILLS / LANES ? killPoint(dice) : undefined;
    const sentBefore = seeder.sent;
    const ended = await run(seeder.order(path), kill);
    if (ended !== undefined) {
      expect(ended).toBe("complete");
      return;
    }
    told.kills++;
    const word = defined(kill, "only the killed end otherwise").line.replace(/ \d+$/, "");
    told.killedAfter.set(word, (told.killedAfter.get(word) ?? 0) + 1);
    const now = await claimedIn(path);
    told.lost.push(seeder.sent - sentBefore - (now - claimed));
    claimed = now;
  }
}

let chains: Promise<Chain[]>;

beforeAll(() => {
  const dice = new Prng(runSeed());
  const go = async () => {
    await using folder = await TempFolder.inMemory(LANES * 4 * FILE.bytes.length);
    const lanes = Array.from({ length: LANES }, (_, lane) =>
      chain(folder, `lane-${lane}`, new Prng(dice.uint32())),
    );
    return await Promise.all(lanes);
  };
  chains = go();
});

test(
  `${KILLS} kills at random moments cost no byte that the journal claims, and every file is right in the end`,
  async () => {
    const all = await chains;
    for (const { kills, files } of all) {
      expect(kills).toBe(KILLS / LANES);
      expect(files).toBeGreaterThan(1);
    }
    const moments = new Set(all.flatMap(({ killedAfter }) => [...killedAfter.keys()]));
    expect([...moments].toSorted()).toEqual(["phase finishing", "piece", "ready"]);
  },
  TEST_MS_MAX,
);

test(
  "each kill costs at most what was in flight: no more pieces than the download may hold at once",
  async () => {
    for (const { kills, files, sent, lost } of await chains) {
      expect(Math.max(...lost)).toBeLessThanOrEqual(BUDGET_PIECES);
      expect(sent).toBeLessThanOrEqual(files * FILE.manifest.pieces + kills * BUDGET_PIECES);
    }
  },
  TEST_MS_MAX,
);
