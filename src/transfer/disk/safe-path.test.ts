import { describe, expect, test } from "bun:test";
import { posix } from "node:path";
import fc from "fast-check";
import { Failure } from "../../base/failure.ts";
import { FILE_NAME_BYTES_MAX, LOCAL_NAME_BYTES_MAX, NAME_SUFFIX_BYTES } from "../../base/limits.ts";
import { LINUX, MACOS, WINDOWS } from "../../base/platform.ts";
import { utf8Length } from "../../base/text.ts";
import { refuseTypedName, safeFileName, safeFilePath } from "./safe-path.ts";

/** Of a name and the suffix that merging may give it. */
const LONGEST = FILE_NAME_BYTES_MAX + NAME_SUFFIX_BYTES;

const REFUSED: Record<string, readonly string[]> = {
  "that climbs to another folder": ["..", ".", "../x", "../../etc/passwd", "a/../../x", "..\\x", "a\\..\\x"],
  "that is absolute": ["/etc/passwd", "/", "\\\\server\\share", "\\x", "C:\\Windows\\x", "c:/x"],
  "that leads into a folder": ["a/b", "a\\b", "a/", "a\\"],
  "with a control character": ["a\0b", "a\nb", "a\rb", "\u001b[31mred", "a\u007f", "a\u0085b", "a\u2028b"],
  "that reverses its text": ["a\u202egpj.exe", "\u2066a", "a\u200fb", "a\u061cb"],
  "with invisible characters": ["a\u200bb", "\ufeffa", "a\u2060b", "a\u00adb"],
  "with half of a character": ["a\ud800", "\udc00a"],
  "that is empty": [""],
  "that is too long": ["x".repeat(LONGEST + 1), "\u00e9".repeat(LONGEST / 2 + 1)],
};

const MAPPED: Record<string, readonly (readonly [name: string, here: string])[]> = {
  "a device of Windows, in any case and with any ending": [
    ["CON", "_CON"],
    ["con", "_con"],
    ["NUL.txt", "_NUL.txt"],
    ["nul.tar.gz", "_nul.tar.gz"],
    ["COM1.txt", "_COM1.txt"],
    ["LPT\u00b3", "_LPT\u00b3"],
    ["aux .txt", "_aux .txt"],
    ["PRN:x", "_PRN_x"],
    ["CONIN$", "_CONIN$"],
    ["CLOC\u212a$", "_CLOCK$"],
  ],
  "another stream of a file, or a drive": [
    ["a:b", "a_b"],
    ["a.txt::$DATA", "a.txt__$DATA"],
    ["C:x", "C_x"],
  ],
  "trailing dots and spaces": [
    ["a.", "a_"],
    ["a. .", "a___"],
    ["a ", "a_"],
    ["...", "___"],
    [" ", "_"],
    ["CON.", "_CON_"],
  ],
  "characters that Windows reserves": [['<a>"b|c?d*', "_a__b_c_d_"]],
  "another normal form": [
    ["e\u0301.txt", "\u00e9.txt"],
    ["\u212b", "\u00c5"],
  ],
};

const KEPT = [
  "holiday film.mkv",
  ".hidden",
  "-rf",
  "a..b",
  "console.log",
  "COM10.txt",
  "nul-byte",
  "Überraschung.pdf",
  "日本語.txt",
  "🎉.gif",
  "~",
];

describe("a name from another machine is refused", () => {
  for (const [kind, names] of Object.entries(REFUSED)) {
    test(kind, () => {
      for (const name of names) {
        const refusal = safeFileName(name);
        expect([name, refusal instanceof Failure && refusal.code]).toEqual([name, "invalid-name"]);
        expect(refusal instanceof Failure && refusal.message).not.toMatch(
          /[\u0000-\u001f\u007f-\u009f\u202e\u200f\u2066]/,
        );
      }
    });
  }
});

describe("a name from another machine is made portable", () => {
  for (const [kind, names] of Object.entries(MAPPED)) {
    test(kind, () => {
      for (const [name, here] of names) expect(safeFileName(name)).toBe(here);
    });
  }

  test("and kept as it is where nothing is wrong", () => {
    for (const name of KEPT) expect(safeFileName(name)).toBe(name);
  });
});

test("whatever comes out is one harmless component, with room for .part, and would come out again", () => {
  const nasty = fc.constantFrom(...'./\\: <>|?*"\0\u202e\u0301CONcon1aé', "COM1", "..");
  fc.assert(
    fc.property(fc.array(nasty, { maxLength: 12 }), fc.string({ unit: "grapheme" }), (parts, more) => {
      const name = safeFileName(parts.join("") + more);
      if (name instanceof Failure) return;
      expect(name).not.toMatch(/[/\\<>:"|?*\u0000-\u001f\u007f\u202e]/);
      expect(name).not.toMatch(/[. ]$|^$/);
      expect(name).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)([. ]|$)/i);
      expect(utf8Length(`${name}.part`)).toBeLessThanOrEqual(255);
      expect(safeFileName(name)).toBe(name);
    }),
    { numRuns: 500 },
  );
});

describe("a name that leads through folders", () => {
  test("becomes one safe component for each of its own", () => {
    expect(safeFilePath("runs/may/a.h5")).toEqual(["runs", "may", "a.h5"]);
    expect(safeFilePath("a.h5")).toEqual(["a.h5"]);
    expect(safeFilePath("CON/nul.txt/C:/e\u0301. ")).toEqual(["_CON", "_nul.txt", "C_", "\u00e9__"]);
  });

  test("is refused if any part of it leads elsewhere", () => {
    const hostile = [
      "../x",
      "a/../../x",
      "a/..",
      "./a",
      "/etc/passwd",
      "a//b",
      "a/",
      "/",
      "",
      "a/..\\..\\x",
      "C:\\x/a",
      "a/\0/b",
      "a/\u202eb",
      `a/${"x".repeat(LONGEST + 1)}`,
      `${"a/".repeat(32)}b`,
      "x".repeat(200).concat("/").repeat(6),
    ];
    for (const name of hostile) {
      const refusal = safeFilePath(name);
      expect([name, refusal instanceof Failure && refusal.code]).toEqual([name, "invalid-name"]);
    }
  });

  test("stays below the folder that it is put in, whatever it is made of", () => {
    const part = fc.constantFrom(
      "..",
      ".",
      "",
      "a",
      "C:",
      "..\\..",
      "con",
      "~",
      "a ",
      "\u002e\u002e",
      "\uff0f..",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const safe = safeFilePath(parts.join("/"));
        if (safe instanceof Failure) return;
        const path = posix.join("/destination", ...safe);
        expect(path).toStartWith("/destination/");
        expect(path.split("/").slice(2)).toEqual([...safe]);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a name that the user typed", () => {
  const refusal = (name: string) => refuseTypedName(name, WINDOWS)?.message;

  test("has to leave room for .part", () => {
    for (const platform of [LINUX, MACOS, WINDOWS]) {
      expect(refuseTypedName("x".repeat(LOCAL_NAME_BYTES_MAX), platform)).toBeUndefined();
      const tooLong = "é".repeat(LOCAL_NAME_BYTES_MAX / 2 + 1);
      expect(refuseTypedName(tooLong, platform)?.code).toBe("invalid-name");
    }
  });

  test("may be no device, stream or pattern on Windows, and nothing that is cut short there", () => {
    for (const name of ["CON", "nul.txt", "com1.part", "a:b", "a?", "film.", "film ", "Lpt9 .mkv"])
      expect(refuseTypedName(name, WINDOWS)?.code).toBe("invalid-name");
    expect(refusal("nul.txt")).toBe(
      'this system takes no file of the name "nul.txt"; choose another, such as "_nul.txt"',
    );
    for (const name of ["console", "my film.mkv", ".hidden", "é", "~x"])
      expect(refusal(name)).toBeUndefined();
  });

  test("is anything else where those are names like others", () => {
    for (const name of ["CON", "nul.txt", "a:b", "a?", "film.", "film "])
      for (const platform of [LINUX, MACOS]) expect(refuseTypedName(name, platform)).toBeUndefined();
  });
});
