/**
 * `npm run record`: alice and bob at two real terminals, from nothing to a file that bob has, recorded into
 * docs/session.svg for the README. Every line in it was printed by the built program.
 *
 * What is typed when is directed here, so that it can be read; what is answered, and what a download looks like under
 * way, is taken from the screens as it comes. The waits of the real run are not shown: time is the reader's.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { buildBinary } from "../e2e/harness/binary.ts";
import { MiB, sha1Of, writeRandomFile } from "../e2e/harness/files.ts";
import { KEYS, type ScreenProgram } from "../e2e/harness/screen.ts";
import { World } from "../e2e/harness/world.ts";
import { renderSession, type SessionMoment } from "./session-svg.ts";

const OUTPUT = join(import.meta.dir, "../docs/session.svg");
const SIZE = { columns: 98, rows: 17 };
const FILE_MIB = 1024;
const KEY_MS = 45;
const READ_MS = 1_400;
const GLANCE_MS = 320;
const END_MS = 5_000;

class Recorder {
  readonly #screens: readonly ScreenProgram[];
  readonly moments: SessionMoment[] = [];
  nowMs = 0;

  constructor(screens: readonly ScreenProgram[]) {
    this.#screens = screens;
  }

  /** What the screens show now is seen for so long. */
  take(ms: number): void {
    this.moments.push({ atMs: this.nowMs, windows: this.#screens.map((screen) => screen.styledRows()) });
    this.nowMs += ms;
  }

  /** Types a command key by key, and shows the screens when `after` is to be seen. */
  async type(screen: ScreenProgram, command: string, after: RegExp, ms = READ_MS): Promise<void> {
    const before = screen.count(after);
    const shown = (screen.rows().at(-1) ?? "").trimEnd();
    for (let length = 1; length <= command.length; length++) {
      screen.type(command[length - 1] ?? "");
      const line = `${shown} ${command.slice(0, length)}`.trimEnd();
      await screen.until("the key", () => screen.rows().at(-1)?.trimEnd() === line || undefined);
      if (length % 3 === 0 || length === command.length) this.take(3 * KEY_MS);
    }
    await this.enter(screen, () => screen.count(after) > before);
    this.take(ms);
  }

  /** Answers a question whose answer is not shown. */
  async answer(screen: ScreenProgram, hidden: string, after: RegExp): Promise<void> {
    screen.type(hidden);
    this.take(READ_MS / 2);
    const before = screen.count(after);
    await this.enter(screen, () => screen.count(after) > before);
    this.take(READ_MS / 2);
  }

  async enter(screen: ScreenProgram, done: () => boolean): Promise<void> {
    screen.type(KEYS.enter);
    await screen.until("the reply", () => (done() && isAtRest(screen)) || undefined);
  }
}

/** Its last row is a prompt, or a question. */
function isAtRest(screen: ScreenProgram): boolean {
  return /^(\S+>|Password:)$/.test(screen.rows().at(-1) ?? "");
}

async function play(world: World, alice: ScreenProgram, bob: ScreenProgram): Promise<Recorder> {
  const recorder = new Recorder([alice, bob]);
  for (const screen of [alice, bob]) await screen.until("its prompt", () => isAtRest(screen) || undefined);
  recorder.take(READ_MS);
  for (const [screen, name] of [
    [alice, "alice"],
    [bob, "bob"],
  ] as const) {
    await recorder.type(screen, `create_user ${name} ${name}-secret`, /^User created successfully$/, 600);
    await recorder.type(screen, `login ${name}`, /^Password:$/, 400);
    await recorder.answer(screen, `${name}-secret`, /^Login successful$/);
  }
  await recorder.type(alice, "create_group films", /^Group created successfully$/, 700);
  await recorder.type(alice, "upload_file holiday.mkv films", /^File uploaded successfully$/);
  await recorder.type(bob, "join_group films", /^Join request sent$/);
  await recorder.type(alice, "accept_request films bob", /^User accepted to group$/);
  await recorder.type(bob, "list_files films", /^holiday\.mkv /);
  await recorder.type(bob, "download_file films holiday.mkv ./", /^Download started$/, GLANCE_MS);
  await download(recorder, bob);
  await recorder.type(bob, "show_downloads", /^\[C\] \[films\] holiday\.mkv$/, END_MS);
  const sums = await Promise.all(["alice", "bob"].map((name) => sha1Of(world.path(name, "holiday.mkv"))));
  if (sums[0] !== sums[1]) throw new Error("the two files are not the same");
  return recorder;
}

/** Each drawing of the progress is a moment. */
async function download(recorder: Recorder, screen: ScreenProgram): Promise<void> {
  let seen = "";
  const isComplete = () => screen.count(/^Download complete: /) > 0 && isAtRest(screen);
  while (!isComplete()) {
    const look = () => screen.rows().join("\n");
    await screen.until("the next drawing", () => isComplete() || look() !== seen || undefined);
    seen = look();
    if (isAtRest(screen)) recorder.take(GLANCE_MS);
  }
  recorder.take(READ_MS);
}

async function main(): Promise<void> {
  await buildBinary();
  await using world = new World();
  await world.startTracker();
  const bytes = FILE_MIB * MiB;
  writeRandomFile(join(world.dir("alice"), "holiday.mkv"), bytes, 1);
  const start = (name: string) => world.startScreen(name, { ...SIZE, env: { NO_COLOR: "" } });
  const [alice, bob] = [start("alice"), start("bob")];
  const { moments, nowMs } = await play(world, alice, bob);
  const titles = ["alice", "bob"].map((name) => `${name}: p2p client 127.0.0.1:0 tracker_info.txt`);
  const windows = titles.map((title) => ({ title, ...SIZE }));
  mkdirSync(join(OUTPUT, ".."), { recursive: true });
  writeFileSync(OUTPUT, renderSession({ windows, moments, lengthMs: nowMs }));
  console.log(
    `${relative(process.cwd(), OUTPUT)}: ${moments.length} moments, ${(nowMs / 1000).toFixed(0)} s`,
  );
}

await main();
