/**
 * p2p beside what people use today, each in turn in the same run: `npm run bench [-- --only pair,crowd --quick]`.
 *
 * Printed, never asserted: a number depends on the machine. What is not installed is left out, with the reason and the
 * command that installs it. Everything that a run makes is gone when it ends, also by Ctrl-C.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha1Of, writeRandomFile } from "../e2e/harness/files.ts";
import { formatDuration } from "../src/base/text.ts";
import type { BenchCase, Outcome, Setting, Sizes } from "./case.ts";
import { crowd, largeCrowd } from "./cases/crowd.ts";
import { fanIn } from "./cases/fan-in.ts";
import { idle } from "./cases/idle.ts";
import { manyFiles } from "./cases/many-files.ts";
import { pair } from "./cases/pair.ts";
import { resume } from "./cases/resume.ts";
import { share } from "./cases/share.ts";
import { slowSource } from "./cases/slow-source.ts";
import { start } from "./cases/start.ts";
import { atExit, cleanUpOnSignals } from "./clean-up.ts";
import { COMPARISON_HEAD, comparisonRow } from "./comparison.ts";
import { Aria2 } from "./contenders/aria2.ts";
import type { Contender, Original } from "./contenders/contender.ts";
import { Libtorrent } from "./contenders/libtorrent.ts";
import { CurlFromNginx } from "./contenders/nginx.ts";
import { P2p } from "./contenders/p2p.ts";
import { Transmission } from "./contenders/transmission.ts";
import { Webtorrent } from "./contenders/webtorrent.ts";
import { machine } from "./machine.ts";
import { MEASURED_HEAD, measuredNote, measuredRow } from "./measured.ts";
import { type BenchOptions, readOptions } from "./options.ts";
import { markdownTable } from "./table.ts";

const CASES: readonly BenchCase[] = [
  pair,
  fanIn,
  crowd,
  largeCrowd,
  slowSource,
  share,
  manyFiles,
  resume,
  start,
  idle,
];

/** A folder of this run alone, and everything that makes temporary folders, children included, makes them in it. */
function ownTemporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "p2p-bench-"));
  atExit(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  process.env["TMPDIR"] = folder;
  return folder;
}

function sizesOf({ bytes: asked, rounds, isQuick, isLarge }: BenchOptions): Sizes {
  return {
    bytes: (usual, quick, large) =>
      asked ?? (isLarge && large !== undefined ? large : isQuick ? quick : usual),
    rounds: (usual, quick) => rounds ?? (isQuick ? quick : usual),
    count: (usual, quick) => (isQuick ? quick : usual),
  };
}

/** One at a time is kept: a case takes as much of the disk as it needs, and no more. */
function originals(folder: string): (bytes: number) => Promise<Original> {
  const path = join(folder, "original", "data.bin");
  let kept: Original | undefined;
  return async (bytes) => {
    if (kept?.bytes === bytes) return kept;
    rmSync(join(folder, "original"), { recursive: true, force: true });
    await Bun.write(path, "");
    writeRandomFile(path, bytes, 1);
    kept = { path, bytes, sha1: await sha1Of(path) };
    return kept;
  };
}

interface Present {
  readonly contenders: readonly Contender[];
  /** Of each that takes part; and why one does not. */
  readonly notes: string[];
}

async function lookFor(candidates: readonly Contender[]): Promise<Present> {
  const contenders: Contender[] = [];
  const notes: string[] = [];
  for (const candidate of candidates) {
    const why = await candidate.missing();
    if (why !== undefined) notes.push(`skipped: ${candidate.name}: ${why}`);
    else {
      contenders.push(candidate);
      notes.push(`${candidate.name}: ${await candidate.version()}; inside the time: ${candidate.inside}`);
    }
  }
  return { contenders, notes };
}

async function runCase(each: BenchCase, setting: Setting): Promise<Outcome> {
  const skipped = (why: string): Outcome => ({
    comparisons: [],
    figures: [],
    notes: [`skipped: ${each.name}: ${why}`],
  });
  const why = each.missing?.();
  if (why !== undefined) return skipped(why);
  console.log(`${each.name}:`);
  const startedMs = performance.now();
  try {
    const outcome = await each.run(setting);
    console.log(`  ${formatDuration((performance.now() - startedMs) / 1000)}`);
    return outcome;
  } catch (error) {
    return skipped(error instanceof Error ? error.message : String(error));
  }
}

function tables(outcomes: readonly Outcome[]): string[] {
  const comparisons = outcomes.flatMap((each) => each.comparisons);
  const figures = outcomes.flatMap((each) => each.figures);
  const notes = [...figures.flatMap(measuredNote), ...outcomes.flatMap((each) => each.notes)];
  return [
    ...(comparisons.length === 0
      ? []
      : [...markdownTable(COMPARISON_HEAD, comparisons.map(comparisonRow)), ""]),
    ...(figures.length === 0 ? [] : [...markdownTable(MEASURED_HEAD, figures.map(measuredRow)), ""]),
    ...notes.map((note) => `- ${note}`),
  ];
}

async function main(): Promise<void> {
  const options = readOptions(
    process.argv.slice(2),
    CASES.map(({ name }) => name),
  );
  if (process.platform !== "linux") {
    console.log("skipped: what processes cost is read from /proc, which only Linux has");
    return;
  }
  cleanUpOnSignals();
  const folder = ownTemporaryFolder();
  const p2p = new P2p();
  const wanted = <C extends Contender>(all: readonly C[]) =>
    all.filter(({ name }) => options.against?.some((begin) => name.startsWith(begin)) ?? true);
  const clients = [new Libtorrent(), new Aria2(), new Transmission(), new Webtorrent()];
  const torrent = await lookFor(wanted<Contender>(clients));
  const plain = await lookFor(wanted([new CurlFromNginx("to disk"), new CurlFromNginx("to sha1sum")]));
  const own = await lookFor([p2p]);
  const before = machine();
  if (options.isQuick) plain.notes.push("skipped: transmission outside of pair, by --quick");
  const known = [...own.notes, ...torrent.notes, ...plain.notes];
  for (const line of [before, ...known]) console.log(line);
  const setting: Setting = {
    sizes: sizesOf(options),
    isLarge: options.isLarge,
    isQuick: options.isQuick,
    p2p,
    torrentClients: torrent.contenders,
    plainDownloads: plain.contenders,
    original: originals(folder),
    say: (line) => console.log(`  ${line}`),
  };
  const outcomes: Outcome[] = [];
  for (const each of CASES)
    if (options.only?.includes(each.name) ?? true) outcomes.push(await runCase(each, setting));
  const report = [
    ...tables(outcomes),
    ...known.map((note) => `- ${note}`),
    `- before: ${before}`,
    `- after: ${machine()}`,
  ];
  console.log(`\n${report.join("\n")}`);
  if (options.markdown !== undefined) writeFileSync(options.markdown, `${report.join("\n")}\n`);
}

process.exit(
  await main().then(
    () => 0,
    (error: unknown) => {
      console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    },
  ),
);
