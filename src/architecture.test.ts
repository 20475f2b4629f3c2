/**
 * Holds the source against the plan of `docs/ARCHITECTURE.md`: who may import whom, and which few files own the clock,
 * randomness, sockets, the database, the process and the disk. It reads the files as text; nothing is run.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

const source = import.meta.dir;

interface SourceFile {
  /** From `src`, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly isTest: boolean;
  readonly imports: readonly string[];
}

function read(): SourceFile[] {
  return readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => {
      const absolute = join(entry.parentPath, entry.name);
      const text = readFileSync(absolute, "utf8");
      const path = relative(source, absolute).split(sep).join("/");
      const isTest = /\.(test|contract)\.ts$/.test(path) || path.startsWith("testing/");
      return { path, text, isTest, imports: importsOf(absolute, text) };
    });
}

/** What a file imports of `src`, types and lazy imports too, as paths from `src`. */
function importsOf(absolute: string, text: string): string[] {
  const found = text.matchAll(/(?:from|import|new URL)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g);
  return [...found].map(([, target]) =>
    relative(source, resolve(dirname(absolute), target ?? ""))
      .split(sep)
      .join("/"),
  );
}

/** The text without its comments, which may well speak of a process or a clock. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

const files = read();
const program = files.filter((file) => !file.isTest);

/** For each place, first match first: the places that it may import besides itself. */
const MAY_IMPORT: readonly (readonly [place: RegExp, allowed: RegExp])[] = [
  [/^base\//, /^$/],
  [/^wire\//, /^base\//],
  [/^net\//, /^(base|wire)\//],
  [/^tracker\/core\//, /^base\/|^wire\/(entry|state-row)\.ts$/],
  [/^transfer\/core\//, /^base\//],
  [/^tracker\//, /^(base|wire|net)\//],
  [/^transfer\//, /^(base|wire|net)\//],
  [/^client\//, /^(base|wire|net|transfer)\//],
  [/^repl\//, /^base\/|^client\/(client-app|views)\.ts$/],
  [
    /^cli\//,
    /^base\/|^tracker\/tracker-server\.ts$|^client\/(client-app|probe)\.ts$|^repl\/(repl|terminal|script-terminal|download-progress|said)\.ts$/,
  ],
  [/^main\.ts$/, /^cli\/|^\.\.\/package\.json$/],
];

/** The room a file is in: a core is a room of its own inside its program. */
function room(path: string): string {
  return /^(tracker\/core|transfer\/core|[^/]+)\//.exec(path)?.[1] ?? path;
}

function mayImport(from: string, to: string): boolean {
  const rule = MAY_IMPORT.find(([place]) => place.test(from));
  if (rule === undefined) return false;
  const [, allowed] = rule;
  const ownRooms = room(from).endsWith("/core") ? [room(from)] : [room(from), `${room(from)}/core`];
  return allowed.test(to) || ownRooms.includes(room(to));
}

describe("who imports whom", () => {
  test("each file imports only what its place allows", () => {
    const wrong = program.flatMap((file) =>
      file.imports.filter((to) => !mayImport(file.path, to)).map((to) => `${file.path} imports ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test("what is only for tests is imported by tests only", () => {
    const wrong = program.flatMap((file) =>
      file.imports
        .filter((to) => /^testing\/|\.(test|contract)\.ts$/.test(to))
        .map((to) => `${file.path}: ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test("no file reaches itself through its imports", () => {
    const importsByPath = new Map(program.map((file) => [file.path, file.imports]));
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
        return;
      }
      if (done.has(path)) return;
      for (const to of importsByPath.get(path) ?? []) visit(to, [...trail, path]);
      done.add(path);
    };
    for (const file of program) visit(file.path, []);
    expect(cycles).toEqual([]);
  });

  test("no barrels, and no file named for having no name", () => {
    const unnamed = /(^|\/)(index|utils?|helpers?|types|misc|common)\.ts$/;
    expect(files.map((file) => file.path).filter((path) => unnamed.test(path))).toEqual([]);
  });
});

/** What few files own, so that all others can be tested without it. */
const OWNERS: readonly (readonly [what: string, use: RegExp, owners: readonly RegExp[]])[] = [
  [
    "the clock",
    /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bset(?:Timeout|Interval)\(/,
    [/^base\/system-clock\.ts$/],
  ],
  [
    "randomness",
    /\bMath\.random\(|\brandomBytes\(|\bgetRandomValues\(|\brandomUUID\(/,
    [/^base\/random\.ts$/],
  ],
  ["sockets", /\bBun\.(?:listen|connect|serve|udpSocket)\b|"node:(?:net|tls|http|dgram)"/, [/^net\/tls-tcp/]],
  [
    "the database",
    /"bun:sqlite"/,
    [
      /^tracker\/store\/(sqlite-store|sqlite-statements|snapshot)\.ts$/,
      /^client\/library/,
      /^cli\/folder-lock\.ts$/,
    ],
  ],
  ["foreign functions", /"bun:ffi"/, [/^base\/drive-sync\.ts$/, /^transfer\/disk\/file-system-sync\.ts$/]],
  [
    "the process",
    /\bprocess\.(?!platform\b)/,
    [/^main\.ts$/, /^cli\//, /^repl\/(terminal|.*-terminal)\.ts$/],
  ],
  [
    "the difference between systems",
    /\bprocess\.platform\b|\{[^}]*\bplatform\b[^}]*\} = process\b|"(?:win32|darwin)"|\b(?:posix|win32)\b/,
    [/^base\/platform\.ts$/],
  ],
  [
    "the disk",
    /"node:fs(?:\/promises)?"|\bBun\.(?:file|write)\(/,
    [
      /^transfer\/disk\//,
      /^client\/(library|piece-list-cache|compose)\.ts$/,
      /^net\/(identity|known-trackers|.*-file)/,
      /^cli\//,
      /^tracker\/store\//,
    ],
  ],
];

describe("who owns what is outside", () => {
  for (const [what, use, owners] of OWNERS) {
    test(`${what} is used only where it is owned`, () => {
      const users = program.filter((file) => use.test(code(file.text))).map((file) => file.path);
      expect(users.filter((path) => !owners.some((owner) => owner.test(path)))).toEqual([]);
    });
  }
});
