/**
 * One swarm of one seed: an honest holder, one to three honest downloaders and a company of liars, on real engines with a
 * simulated network, disk and clock. What is promised is asserted; the seed decides all else.
 *
 * Invariant: every write of a downloader is held against the right content at the moment it is made, so that a wrong one
 * cannot be mended before anybody looks.
 */
import { assert } from "../base/assert.ts";
import { WRONG_PIECES_MAX } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import type { Download } from "../transfer/contract.ts";
import { LIE_NAMES, type LieName, LyingSource } from "./lying-source.ts";
import { type Content, content, type Machine, TransferWorld } from "./transfer-world.ts";

/** Mostly small, or the pieces' hashes would be all that a run is. */
const SIZES = [0.1, 0.3, 1.02, 1.02, 1.1, 2.01, 2.01, 2.1, 3.02, 6.1] as const;
const LIARS_MAX = 5;
const DOWNLOADERS_MAX = 3;
/** Of the world's clock: liars that fall silent cost a time out each, one after the other at worst. */
const SWARM_MS_MAX = 600_000;
const STEP_MS = 5;
const PATH = "/fetched";

export interface SwarmResult {
  readonly lies: readonly LieName[];
  /** Of all downloaders. */
  readonly wrongPieces: number;
  readonly dropped: number;
  readonly wastedBytes: number;
}

interface Downloader {
  readonly machine: Machine;
  readonly download: Download;
  /** Pieces that may be in its buffers at once. */
  readonly budget: number;
}

/** @throws AssertionError that names what was promised */
export async function runHostileSwarm(seed: number): Promise<SwarmResult> {
  const dice = new Prng(seed);
  const world = new TransferWorld(dice.below(3) === 0 ? dice.uint32() : undefined);
  const file = content(SIZES[dice.below(SIZES.length)] ?? 1);
  const holder = await world.machine(`ann-${seed}`);
  holder.share(file);
  const liars = await company(world, file, dice);
  const downloaders: Downloader[] = [];
  for (let number = dice.below(DOWNLOADERS_MAX); number >= 0; number--)
    downloaders.push(await downloader(world, `dan-${number}-${seed}`, file, dice));
  for (const one of downloaders) introduce(one, holder, downloaders, liars, dice);
  const ended = Promise.all(downloaders.map(({ download }) => download.ended));
  await world.outcome(ended, SWARM_MS_MAX, STEP_MS);
  for (const one of downloaders) judge(one, file, liars);
  await world.end();
  return summary(downloaders, liars);
}

async function company(world: TransferWorld, file: Content, dice: Prng): Promise<LyingSource[]> {
  const liars: LyingSource[] = [];
  // One lie told by all, now and then: then they may agree on what is wrong.
  const common = dice.below(4) === 0 ? lieOf(dice) : undefined;
  for (let number = dice.below(LIARS_MAX); number >= 0; number--)
    liars.push(
      await LyingSource.start(world.network, number, common ?? lieOf(dice), {
        file,
        dice: new Prng(dice.uint32()),
      }),
    );
  return liars;
}

function lieOf(dice: Prng): LieName {
  const name = LIE_NAMES[dice.below(LIE_NAMES.length)];
  assert(name !== undefined, "one of the lies");
  return name;
}

async function downloader(
  world: TransferWorld,
  name: string,
  file: Content,
  dice: Prng,
): Promise<Downloader> {
  const budget = 1 + dice.below(6);
  const machine = await world.machine(name, { downloadBuffers: budget });
  machine.storage.faults = {
    write: (_count, { bytes, offset }) => {
      const right = file.bytes.subarray(offset, offset + bytes.length);
      assert(Buffer.compare(bytes, right) === 0, `wrong bytes are written at ${offset}`);
      return undefined;
    },
  };
  return { machine, download: machine.fetch(file, [], PATH), budget };
}

/** In any order, so that the liars are dialled first as often as last. */
function introduce(
  { machine, download }: Downloader,
  holder: Machine,
  all: readonly Downloader[],
  liars: readonly LyingSource[],
  dice: Prng,
): void {
  const others = all.filter((one) => one.machine !== machine).map((one) => one.machine.source(false));
  const told = liars.map(({ source }) => ({ ...source, complete: dice.below(2) === 0 }));
  for (const source of dice.shuffle([holder.source(), ...others, ...told])) download.addSource(source);
}

function judge(
  { machine, download, budget }: Downloader,
  file: Content,
  liars: readonly LyingSource[],
): void {
  const snapshot = download.snapshot();
  assert(
    snapshot.phase.kind === "complete",
    `the download ended otherwise: ${JSON.stringify(snapshot.phase)}`,
  );
  const placed = machine.storage.placed.get(PATH);
  assert(placed !== undefined && Buffer.compare(placed, file.bytes) === 0, "the file is not the right one");
  const isLiar = new Set(liars.map(({ source }) => source.fingerprint));
  for (const { source, state, wrongPieces } of snapshot.sources) {
    const isHonest = !isLiar.has(source.fingerprint);
    assert(
      !isHonest || (wrongPieces === 0 && state !== "dropped"),
      `${source.user} is honest and was blamed`,
    );
    assert(wrongPieces < WRONG_PIECES_MAX || state === "dropped", `${source.user} was borne too long`);
    // What is in buffers when the last straw is found may be wrong as well.
    const most = WRONG_PIECES_MAX - 1 + budget;
    assert(
      wrongPieces <= most,
      `${wrongPieces} wrong pieces of ${source.user} were taken, at most ${most} may`,
    );
  }
}

function summary(downloaders: readonly Downloader[], liars: readonly LyingSource[]): SwarmResult {
  const snapshots = downloaders.map(({ download }) => download.snapshot());
  const rows = snapshots.flatMap(({ sources }) => sources);
  return {
    lies: liars.map(({ lieName }) => lieName),
    wrongPieces: rows.reduce((sum, { wrongPieces }) => sum + wrongPieces, 0),
    dropped: rows.filter(({ state }) => state === "dropped").length,
    wastedBytes: snapshots.reduce((sum, { wastedBytes }) => sum + wastedBytes, 0),
  };
}
