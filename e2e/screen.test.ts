/** The prompt on a real terminal: what is typed as keys, and the screen read back as a person sees it. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { enter, formGroup } from "./harness/group.ts";
import { KEYS, noTerminalHere, type ScreenProgram } from "./harness/screen.ts";
import { World } from "./harness/world.ts";

const missing = noTerminalHere();
if (missing !== undefined) console.error(`skipped: ${missing}`);

/** What stands before the cursor. */
const PROMPT = /^(\w+@)?127\.0\.0\.1:\d+> /;

async function logIn(screen: ScreenProgram, name: string): Promise<void> {
  await untilTyped(screen, "");
  await screen.run(`create_user ${name} pw`, /^User created successfully$/);
  await screen.run(`login ${name} pw`, /^Login successful$/);
}

/** The line that is being typed, without its prompt. */
function typed(screen: ScreenProgram): string | undefined {
  const row = screen.rows().at(-1) ?? "";
  return PROMPT.test(`${row} `) ? `${row} `.replace(PROMPT, "").trimEnd() : undefined;
}

async function untilTyped(screen: ScreenProgram, wanted: string): Promise<void> {
  await screen.until(`typed: ${wanted}`, () => typed(screen) === wanted || undefined);
}

/** A command does: nothing stands for the next one. */
async function untilRunning(screen: ScreenProgram): Promise<void> {
  await screen.until("no prompt", () => typed(screen) === undefined || undefined);
}

/** Rows of the screen with what differs from run to run left out. */
function plain(rows: readonly string[]): string[] {
  return rows.map((row) =>
    row.replace(/127\.0\.0\.1:\d+/, "HERE").replace(/last seen \S+ ago/, "last seen NOW"),
  );
}

describe.skipIf(missing !== undefined)("on a terminal", () => {
  test("Tab completes commands, groups, users, files and paths, while it all is being typed", async () => {
    await using world = new World();
    await world.startTracker();
    const bob = world.startClient("bob");
    await enter(bob);
    const ann = world.startScreen("ann");
    mkdirSync(world.path("ann", "My films"), { recursive: true });
    writeFileSync(world.path("ann", "My films", "lecture 1.txt"), "one");
    await logIn(ann, "ann");
    ann.type("create gr");
    ann.type(KEYS.tab);
    await untilTyped(ann, "create_group");
    await ann.run("maths", /^Group created successfully$/);
    await bob.ok("join_group maths");
    await ann.until("the request", () => ann.count(/^bob asks to join group maths: /) || undefined);

    ann.type(`acc`);
    ann.type(KEYS.tab);
    await untilTyped(ann, "accept_request");
    ann.type(KEYS.tab);
    await untilTyped(ann, "accept_request maths");
    ann.type(KEYS.tab);
    await untilTyped(ann, "accept_request maths bob");
    await ann.run("", /^User accepted to group$/);

    ann.type("upload_file ~/My");
    ann.type(KEYS.tab);
    await untilTyped(ann, "upload_file ~/My\\ films/");
    ann.type(KEYS.tab);
    await untilTyped(ann, "upload_file ~/My\\ films/lecture\\ 1.txt");
    ann.type("ma");
    ann.type(KEYS.tab);
    await untilTyped(ann, "upload_file ~/My\\ films/lecture\\ 1.txt maths");
    await ann.run("", /^File uploaded successfully$/);

    ann.type("stop_share maths ");
    ann.type(KEYS.tab);
    await untilTyped(ann, "stop_share maths lecture\\ 1.txt");
    ann.type(KEYS.ctrlC);
    await untilTyped(ann, "");
    ann.type("list_");
    ann.type(KEYS.tab);
    await ann.until("the choices", () => ann.count(/^list_files +list_follows +list_groups/) || undefined);
    await untilTyped(ann, "list_");
  });

  test("progress and news stand above a half-typed line, also after the window has changed its size", async () => {
    await using world = new World();
    await world.startTracker();
    const bob = world.startClient("bob");
    await enter(bob);
    const ann = world.startScreen("ann", { columns: 100, rows: 24 });
    world.dir("ann", "got");
    await logIn(ann, "ann");
    await ann.run("join_group lab", /^error: /);
    await formGroup(bob, []);
    await ann.run("join_group lab", /^Join request sent$/);
    await bob.ok("accept_request lab ann");
    const paths = ["first.bin", "second.bin"].map((name) => join(world.dir("bob", "files"), name));
    for (const path of paths) {
      writeFileSync(path, path.repeat(1000));
      await bob.ok(`upload_file ${path} lab`);
    }
    await bob.ok("logout");
    for (const name of ["first.bin", "second.bin"])
      await ann.run(`download_file lab ${name} got/`, /^Download started$/);

    ann.type("whoa");
    const reason = "waiting for a source: nobody online shares it, last seen NOW";
    const first = `first.bin     0%  ${reason}`;
    const second = `second.bin    0%  ${reason}`;
    const shows = (...rows: readonly string[]) =>
      ann.until(rows.join(" | "), () => {
        const last = plain(ann.rows()).slice(-rows.length);
        return Bun.deepEquals(last, rows) || undefined;
      });
    await shows(first, second, "ann@HERE> whoa");
    expect(ann.cursor()).toEqual({ column: ann.rows().at(-1)?.length ?? 0, row: ann.rows().length - 1 });

    await bob.ok("login bob pw");
    // What is there comes, and leaves its line; then there is no progress left, and the half-typed line as it was.
    await ann.until(
      "both complete",
      () => ann.count(/^Download complete: .*(first|second)\.bin$/) === 2 || undefined,
    );
    await ann.until("no progress", () => ann.count(/^(first|second)\.bin +\d+%/) === 0 || undefined);
    await untilTyped(ann, "whoa");
    await bob.ok("logout");

    const third = join(world.dir("bob", "files"), "third.bin");
    writeFileSync(third, "third");
    await bob.ok("login bob pw");
    await bob.ok(`upload_file ${third} lab`);
    await ann.until("the news", () => ann.count(/^bob shares third\.bin \(5 B\) in group lab$/) || undefined);
    await untilTyped(ann, "whoa");
    await bob.ok("logout");
    await ann.run("mi", /^key +sha256:/);

    await ann.run("download_file lab third.bin got/", /^Download started$/);
    ann.type("whoami");
    await shows(`third.bin    0%  ${reason}`, "ann@HERE> whoami");
    ann.resize(40, 12);
    await shows("third.bin    0%  waiting for a sourc...", "ann@HERE> whoami");
    expect(ann.count(/third\.bin +0%/)).toBe(1);
    ann.resize(200, 50);
    await shows(`third.bin    0%  ${reason}`, "ann@HERE> whoami");
    expect(ann.count(/third\.bin +0%/)).toBe(1);
  });

  test("a list longer than the screen is read a screen at a time, without progress, which comes back with the prompt", async () => {
    await using world = new World();
    await world.startTracker();
    const bob = world.startClient("bob");
    await enter(bob);
    await formGroup(bob, []);
    const names = Array.from({ length: 60 }, (_, at) => `f${at + 10}`);
    mkdirSync(join(world.dir("bob", "files"), "runs"));
    for (const name of names) writeFileSync(join(world.dir("bob", "files"), "runs", name), name);
    await bob.ok(`upload_file ${world.dir("bob", "files")}/runs lab`);
    const ann = world.startScreen("ann", { columns: 100, rows: 24 });
    world.dir("ann", "got");
    await logIn(ann, "ann");
    await ann.run("join_group lab", /^Join request sent$/);
    await bob.ok("accept_request lab ann");
    await bob.ok("logout");
    await ann.run("download_file lab runs/f10 got/", /^Download started$/);
    const isProgressShown = (rows: readonly string[]) => rows.some((row) => /^runs\/f10 +0%/.test(row));
    await ann.until("progress", () => isProgressShown(ann.rows()) || undefined);

    const listed = () => ann.count(/^runs\/f\d\d +3 B/);
    ann.type(`list_files lab${KEYS.enter}`);
    await ann.until("a screen of it", () => ann.rows().at(-1)?.startsWith("-- 23 of 60: ") || undefined);
    expect(isProgressShown(ann.rows())).toBe(false);
    expect(ann.rows()).toHaveLength(24);
    ann.type(KEYS.enter);
    await ann.until("a line more", () => ann.rows().at(-1)?.startsWith("-- 24 of 60: ") || undefined);
    ann.type(" ");
    await ann.until("a screen more", () => ann.rows().at(-1)?.startsWith("-- 47 of 60: ") || undefined);
    expect(listed()).toBe(47);
    ann.type("q");
    await untilTyped(ann, "");
    await ann.until("progress again", () => isProgressShown(ann.rows()) || undefined);
    expect(listed()).toBe(47);
    expect(ann.count(/^-- /)).toBe(0);

    ann.type("list_files lab --s");
    ann.type(KEYS.tab);
    await untilTyped(ann, "list_files lab --sort");
  });

  test("Ctrl-C clears the line, twice it leaves; Ctrl-D leaves; both say what goes", async () => {
    await using world = new World();
    await world.startTracker();
    const ann = world.startScreen("ann");
    await logIn(ann, "ann");
    const path = join(world.dir("ann", "files"), "mine.txt");
    writeFileSync(path, "mine");
    await ann.run("create_group lab", /^Group created/);
    await ann.run(`upload_file ${path} lab`, /^File uploaded/);
    ann.type("delete_group lab");
    await untilTyped(ann, "delete_group lab");
    ann.type(KEYS.ctrlC);
    await untilTyped(ann, "");
    ann.type(KEYS.ctrlC);
    await ann.until("the warning", () => ann.count(/^Press Ctrl-C again to leave$/) || undefined);
    expect(ann.exitCode).toBeUndefined();
    ann.type(KEYS.ctrlC);
    expect(await ann.exited()).toBe(0);
    expect(ann.all().at(-1)).toBe("Only you have mine.txt online: until you are back, nobody can fetch it");

    const again = world.startScreen("ann");
    await untilTyped(again, "");
    again.type(KEYS.ctrlD);
    expect(await again.exited()).toBe(0);
  });

  test("Ctrl-C ends a wait and an upload, and what a colleague shares at once is told in few lines", async () => {
    await using world = new World();
    await world.startTracker();
    const bob = world.startClient("bob");
    await enter(bob);
    await formGroup(bob, []);
    const ann = world.startScreen("ann", { columns: 120 });
    await ann.until("the first steps", () => ann.count(/^New here\? create_user /) || undefined);
    await logIn(ann, "ann");
    await ann.run("join_group lab", /^Join request sent$/);
    await bob.ok("accept_request lab ann");
    const runs = world.dir("bob", "files", "runs");
    const names = Array.from({ length: 300 }, (_, at) => `f${at}`);
    for (const name of names) writeFileSync(join(runs, name), name);
    await bob.ok(`upload_file ${runs} lab`);
    const told = () => {
      const lines = ann.all();
      const single = lines.filter((line) => /^bob shares runs\/f/.test(line)).length;
      const many = lines.map((line) => Number(/^(\d+) new files in lab: /.exec(line)?.[1] ?? 0));
      return single + many.reduce((sum, each) => sum + each, 0);
    };
    await ann.until("all are told", () => told() === names.length || undefined);
    expect(ann.count(/^bob shares runs|^\d+ new files in lab: runs\/f\d+, .* and \d+ more$/)).toBeLessThan(
      50,
    );

    await bob.ok("logout");
    await ann.run("download_file lab runs/f0 got", /^Download started$/);
    ann.type(`wait${KEYS.enter}`);
    await ann.until("that it waits", () => ann.count(/^\S+> wait$/) || undefined);
    await untilRunning(ann);
    ann.type(KEYS.ctrlC);
    await ann.until("its end", () => ann.count(/^No longer waiting; the downloads go on$/) || undefined);
    await untilTyped(ann, "");

    const large = join(world.dir("ann"), "large.bin");
    writeFileSync(large, "");
    truncateSync(large, 16 * 1024 ** 3);
    ann.type(`upload_file ${large} lab${KEYS.enter}`);
    await ann.until("that it is hashed", () => ann.count(/^large\.bin .*\d+% +hashing/) || undefined);
    ann.type(KEYS.ctrlC);
    await ann.until("its end", () => ann.count(/^Upload stopped: /) || undefined);
    await ann.until("no progress", () => ann.count(/^large\.bin .*hashing/) === 0 || undefined);
    await ann.run("search large", /^No files$/);
    await ann.run("whoami", /^user +ann$/);
  });

  test("the history outlives a crash, for this user's eyes alone, and holds no password", async () => {
    await using world = new World();
    await world.startTracker();
    {
      await using ann = world.startScreen("ann");
      await logIn(ann, "ann");
      await ann.run("logout", /^Logged out/);
      ann.type(`login ann${KEYS.enter}`);
      await ann.until("the question", () => ann.rows().at(-1) === "Password:" || undefined);
      ann.type(`pw${KEYS.enter}`);
      await ann.until("logged in", () => ann.count(/^Login successful$/) === 2 || undefined);
      await ann.run("change_password pw s3cret", /^Password changed$/);
      await ann.run("create_group lab", /^Group created/);
    }
    const kept = world.path("ann", "data", "history");
    expect(readFileSync(kept, "utf8")).toBe("logout\nlogin ann\ncreate_group lab\n");
    expect(statSync(kept).mode & 0o777).toBe(0o600);

    const ann = world.startScreen("ann");
    await untilTyped(ann, "");
    for (const line of ["create_group lab", "login ann", "logout", "logout"]) {
      ann.type(KEYS.up);
      await untilTyped(ann, line);
    }
  });

  test("an error is red, in no colour with NO_COLOR; a terminal that can only print gets no escape at all", async () => {
    await using world = new World();
    await world.startTracker();
    const start = async (env: Readonly<Record<string, string>>) => {
      const ann = world.startScreen("ann", { env });
      await ann.run("hlep", /^error: unknown command: hlep; did you mean help\?$/);
      await ann.run("join_group", /^For example: join_group math$/);
      ann.type(`exit${KEYS.enter}`);
      expect(await ann.exited()).toBe(0);
      return ann.raw;
    };
    expect(await start({})).toContain("\u001b[31merror: unknown command");
    expect(await start({ NO_COLOR: "1" })).not.toMatch(/\u001b\[[\d;]*m/);
    expect(await start({ TERM: "dumb" })).not.toContain("\u001b");
  });

  test("a password is asked for without echo on a terminal that can only print, too", async () => {
    await using world = new World();
    await world.startTracker();
    const ann = world.startScreen("ann", { env: { TERM: "dumb" } });
    await logIn(ann, "ann");
    await ann.run("logout", /Logged out/);
    ann.type("login ann\n");
    await ann.until("the question", () => ann.rows().at(-1)?.endsWith("Password:") || undefined);
    ann.type("px\u007fw\r");
    await ann.until("logged in", () => ann.count(/Login successful$/) === 2 || undefined);
    expect(ann.raw.slice(ann.raw.indexOf("Password:"))).not.toMatch(/p.?w\r/);
  });
});
