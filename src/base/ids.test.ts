import { describe, expect, test } from "bun:test";
import type { Failure } from "./failure.ts";
import {
  parseFileName,
  parseGroupName,
  parsePassword,
  parseUserName,
  refuseNoRoom,
  refuseSuffix,
} from "./ids.ts";
import {
  FILE_NAME_BYTES_MAX,
  GROUP_NAME_BYTES_MAX,
  PASSWORD_BYTES_MAX,
  USER_NAME_BYTES_MAX,
} from "./limits.ts";

const messageOf = (refused: unknown) => (refused as Failure).message;

describe("what people may call things", () => {
  test("names are put into one form and are one word", () => {
    expect(parseUserName("Jose\u0301") as string).toBe("Jos\u00e9");
    expect(messageOf(parseUserName(""))).toBe('user id is empty: ""');
    expect(messageOf(parseUserName("a b"))).toBe('user id must be one word, without spaces: "a b"');
    expect(messageOf(parseGroupName("a/b"))).toBe('group id must not hold / or \\: "a/b"');
    expect(messageOf(parseGroupName("-x"))).toBe('group id must not start with -: "-x"');
    expect(messageOf(parseUserName("a\u202eb"))).toBe(
      'user id holds a character that changes the direction of text: "a\\u{202e}b"',
    );
    expect(messageOf(parseUserName("a\u200bb"))).toBe('user id holds an invisible character: "a\\u{200b}b"');
    expect(messageOf(parseUserName("a\ud800"))).toBe('user id holds half of a character: "a\\ud800"');
    expect(messageOf(parseUserName("a\tb"))).toBe('user id holds a control character: "a\\tb"');
  });

  test("a file name may lead through folders, each a name of its own", () => {
    expect(parseFileName("runs/2026 may/a.h5") as string).toBe("runs/2026 may/a.h5");
    expect(parseFileName("e\u0301/x") as string).toBe("\u00e9/x");
    for (const name of ["/etc/passwd", "/", "a/", "a//b", "//", "a/b/"])
      expect(messageOf(parseFileName(name))).toBe(
        `file name must not begin or end with /, nor hold two of them together: ${JSON.stringify(name)}`,
      );
    for (const name of ["../x", "a/../b", "a/..", "./a", "a/./b"])
      expect(messageOf(parseFileName(name))).toBe(
        `file name must not hold . or .. between /: ${JSON.stringify(name)}`,
      );
    for (const name of ["a /b", "a/ b", "a/b ", " a/b"])
      expect(messageOf(parseFileName(name))).toBe(
        `file name must not hold a part that begins or ends with a blank: ${JSON.stringify(name)}`,
      );
    for (const name of ["a\\b", "a/b\\..\\c", "a/\0/b", "a/\n"])
      expect((parseFileName(name) as Failure).code).toBe("invalid-name");
  });

  test("a file name is bounded in each part, in their number, and as a whole", () => {
    const part = "n".repeat(FILE_NAME_BYTES_MAX);
    expect(parseFileName(`${part}/${part}/x`) as string).toHaveLength(2 * FILE_NAME_BYTES_MAX + 3);
    expect(parseFileName(`a/${part}~ab234`) as string).toEndWith("~ab234");
    expect(messageOf(parseFileName(`${part}~ab234/x`))).toStartWith(
      'a part of the file name is longer than 240 bytes (it has 246): "nnn',
    );
    expect(parseFileName(`${"a/".repeat(31)}b`) as string).toHaveLength(63);
    expect(messageOf(parseFileName(`${"a/".repeat(32)}b`))).toStartWith(
      "file name has more than 32 parts (it has 33)",
    );
    expect(messageOf(parseFileName(`${part}/${part}/${part}/${part}/${part}`))).toStartWith(
      "file name is longer than 1000 bytes (it has 1204)",
    );
  });

  test("a file name can be seen whole in a list", () => {
    expect(parseFileName("My notes.txt") as string).toBe("My notes.txt");
    for (const name of [" notes.txt", "notes.txt ", " ", "\u3000notes", "notes\u00a0"])
      expect(messageOf(parseFileName(name))).toBe(
        `file name must not begin or end with a blank: ${JSON.stringify(name)}`,
      );
    for (const name of ["", ".", "..", "a\\b", "a\nb"])
      expect((parseFileName(name) as Failure).code).toBe("invalid-name");
  });

  test("a password is neither empty nor endless", () => {
    expect(parsePassword("x".repeat(PASSWORD_BYTES_MAX))).toHaveLength(PASSWORD_BYTES_MAX);
    expect(messageOf(parsePassword("x".repeat(PASSWORD_BYTES_MAX + 1)))).toBe(
      "the password is longer than 1024 bytes (it has 1025)",
    );
    expect(messageOf(parsePassword(""))).toBe("the password is empty");
  });
});

const KINDS = [
  ["user id", USER_NAME_BYTES_MAX, parseUserName],
  ["group id", GROUP_NAME_BYTES_MAX, parseGroupName],
  ["file name", FILE_NAME_BYTES_MAX, parseFileName],
] as const;
for (const [what, bytesMax, parse] of KINDS) {
  describe(`how long a ${what} may be`, () => {
    const longest = "n".repeat(bytesMax);

    test("its limit is what it says, in bytes", () => {
      expect(parse(longest) as string).toBe(longest);
      expect(parse("\u00e9".repeat(bytesMax / 2)) as string).toHaveLength(bytesMax / 2);
      const shown = `"${"n".repeat(Math.min(80, bytesMax + 1))}${bytesMax < 80 ? '"' : '..."'}`;
      expect(messageOf(parse(`${longest}n`))).toBe(
        `${what} is longer than ${bytesMax} bytes (it has ${bytesMax + 1}): ${shown}`,
      );
    });

    test("the suffix of a name that two sides took at once comes on top of it", () => {
      expect(parse(`${longest}~ab234`) as string).toBe(`${longest}~ab234`);
      expect((parse(`${longest}n~ab234`) as Failure).code).toBe("invalid-name");
      expect((parse(`${longest}~ab23`) as Failure).code).toBe("invalid-name");
      expect((parse(`${longest}~AB234`) as Failure).code).toBe("invalid-name");
    });
  });
}

describe("names for something new", () => {
  test("a user or group cannot be given a suffix", () => {
    expect(messageOf(refuseSuffix(parseUserName("ann~abcde")))).toBe(
      'a new name must not hold ~: "ann~abcde"',
    );
    expect(refuseSuffix(parseUserName("ann")) as string).toBe("ann");
  });

  test("what looks like the suffix of a file name is part of the name that was chosen", () => {
    const named = (text: string) => refuseNoRoom(parseFileName(text) as never);
    expect(named("notes~draft")).toBeUndefined();
    expect(named("n".repeat(FILE_NAME_BYTES_MAX))).toBeUndefined();
    expect(named(`a/${"n".repeat(FILE_NAME_BYTES_MAX)}`)).toBeUndefined();
    expect(messageOf(named(`a/${"n".repeat(FILE_NAME_BYTES_MAX)}~draft`))).toBe(
      `a part of the file name is longer than 240 bytes (it has 246): "${"n".repeat(80)}..."`,
    );
    expect(messageOf(named(`${"n".repeat(FILE_NAME_BYTES_MAX)}~draft`))).toBe(
      `file name is longer than 240 bytes (it has 246): "${"n".repeat(80)}..."`,
    );
  });
});
