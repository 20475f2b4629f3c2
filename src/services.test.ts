/** `docs/services`: each unit and agent is one that its service manager reads, and starts the program as it is called. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { faultsOfWords } from "./testing/program-words.ts";
import { TempFolder } from "./testing/temp-folder.ts";

const FOLDER = join(import.meta.dir, "..", "docs", "services");
const files = readdirSync(FOLDER, { recursive: true }).map(String);
const units = files.filter((file) => file.endsWith(".service"));
const agents = files.filter((file) => file.endsWith(".plist"));
const read = (file: string) => readFileSync(join(FOLDER, file), "utf8");

/** The words, the program by its bare name. */
const bare = ([program = "", ...words]: readonly string[]) => [basename(program), ...words];

type Plist = string | number | boolean | readonly Plist[] | { readonly [key: string]: Plist };

/** A property list of Apple's, as strictly as `plutil -lint` takes it. */
function parsePlist(xml: string): Plist {
  const body = xml.replace(/<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|<!--[\s\S]*?-->/g, "");
  const tokens = body.match(/<[^>]+>|[^<>]+/g)?.filter((token) => token.trim() !== "") ?? [];
  const needs = (token: string) => {
    const found = tokens.shift();
    if (found !== token) throw new Error(`${found} in place of ${token}`);
  };
  const textTo = (end: string) => {
    const text = tokens.shift() ?? "";
    needs(end);
    return text;
  };
  const value = (): Plist => {
    const token = tokens.shift();
    if (token === "<true/>" || token === "<false/>") return token === "<true/>";
    if (token === "<string>") return textTo("</string>");
    if (token === "<integer>") return Number(textTo("</integer>"));
    if (token === "<array>") return list();
    if (token === "<dict>") return dictionary();
    throw new Error(`no value: ${token}`);
  };
  const list = (): Plist[] => {
    const all: Plist[] = [];
    while (tokens[0] !== "</array>") all.push(value());
    needs("</array>");
    return all;
  };
  const dictionary = (): { readonly [key: string]: Plist } => {
    const all: Record<string, Plist> = {};
    while (tokens[0] !== "</dict>") {
      needs("<key>");
      const key = textTo("</key>");
      all[key] = value();
    }
    needs("</dict>");
    return all;
  };
  needs('<plist version="1.0">');
  const whole = value();
  needs("</plist>");
  if (tokens.length > 0) throw new Error(`more behind the end: ${tokens[0]}`);
  return whole;
}

test("there is a tracker and a client that shares for systemd and for launchd, and the page names each", () => {
  expect(units.map((each) => each.replaceAll("\\", "/")).sort()).toEqual([
    "p2p-tracker.service",
    "user/p2p-seed.service",
    "user/p2p-tracker.service",
  ]);
  expect([...agents].sort()).toEqual(["p2p.seed.plist", "p2p.tracker.plist"]);
  const page = read("README.md");
  for (const file of [...units, ...agents]) expect(page).toContain(file.replaceAll("\\", "/"));
});

describe("units of systemd", () => {
  for (const file of units)
    test(`${file} starts the program as it is called, as an ordinary user, and anew when it fails`, () => {
      const text = read(file);
      const [, command = ""] = /^ExecStart=(.+)$/m.exec(text) ?? [];
      expect(faultsOfWords(bare(command.split(" ")))).toEqual([]);
      expect(text).toMatch(/^Restart=on-failure$/m);
      expect(text).toMatch(/^UMask=0077$/m);
      if (!file.startsWith("user")) expect(text).toMatch(/^DynamicUser=yes$/m);
      expect(text.includes("--stay")).toBe(file.includes("seed"));
      // A journal is where people look for why it waits.
      expect(text).not.toContain("--quiet");
    });

  test.skipIf(Bun.which("systemd-analyze") === null)(
    "systemd finds nothing wrong with them (where systemd-analyze is installed)",
    async () => {
      await using folder = await TempFolder.make();
      for (const file of units) {
        const path = join(folder.path, basename(file));
        writeFileSync(path, read(file).replace(/^(ExecStart=)\S+/m, `$1${process.execPath}`));
        const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", "verify", path]);
        expect([file, exitCode, stderr.toString()]).toEqual([file, 0, ""]);
      }
    },
    60_000,
  );
});

describe("agents of launchd", () => {
  for (const file of agents)
    test(`${file} starts the program as it is called, at login, and anew when it fails`, () => {
      const agent = parsePlist(read(file)) as Record<string, Plist>;
      expect(agent["Label"]).toBe(basename(file, ".plist"));
      expect(faultsOfWords(bare(agent["ProgramArguments"] as readonly string[]))).toEqual([]);
      expect(agent["RunAtLoad"]).toBe(true);
      expect(agent["KeepAlive"]).toEqual({ SuccessfulExit: false });
      expect(agent["Umask"]).toBe(0o077);
      expect(agent["StandardInPath"] !== undefined).toBe(file.includes("seed"));
      expect(agent["ProgramArguments"]).not.toContain("--quiet");
    });

  test("a broken one would be noticed", () => {
    const whole = read("p2p.seed.plist");
    for (const broken of [
      whole.replace("</array>", ""),
      whole.replace("<true/>", "<yes/>"),
      `${whole}<dict>`,
    ])
      expect(() => parsePlist(broken)).toThrow();
  });

  test.skipIf(Bun.which("plutil") === null)("plutil reads them (where it is installed)", () => {
    for (const file of agents)
      expect(Bun.spawnSync(["plutil", "-lint", join(FOLDER, file)]).exitCode).toBe(0);
  });
});
