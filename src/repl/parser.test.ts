import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../base/failure.ts";
import { COMMAND_LINE_BYTES_MAX } from "../base/limits.ts";
import { quoteWord, splitCommands, splitWords } from "./parser.ts";

const posix = { home: "/home/ann", windows: false };
const windows = { home: "C:\\Users\\ann", windows: true };

function words(line: string, options = posix): readonly string[] | string {
  const found = splitWords(line, options);
  return found instanceof Failure ? found.message : found;
}

describe("a line is cut into words", () => {
  const cases: readonly (readonly [line: string, words: readonly string[]])[] = [
    ["create_user alice secret", ["create_user", "alice", "secret"]],
    ["  login\t alice   secret  \r", ["login", "alice", "secret"]],
    ["upload_file '/a b/c d' math", ["upload_file", "/a b/c d", "math"]],
    ['upload_file "/a b/c" math', ["upload_file", "/a b/c", "math"]],
    ["upload_file /a\\ b/c math", ["upload_file", "/a b/c", "math"]],
    ["a'b c'd\"e f\"g", ["ab cde fg"]],
    [`'it "is"' "it's"`, ['it "is"', "it's"]],
    ['"a \\" b \\\\ c \\d"', ['a " b \\ c \\d']],
    ["'a\\'", ["a\\"]],
    ["a\\'b \\\\ \\#", ["a'b", "\\", "#"]],
    ["'' \"\"", ["", ""]],
    ["password#1 #2", ["password#1", "#2"]],
    ["~/x ~ a~/x '~/x' \\~/x ~ann/x", ["/home/ann/x", "/home/ann", "a~/x", "~/x", "~/x", "~ann/x"]],
    ["~/'a b'", ["/home/ann/a b"]],
    ["~\\/x", ["~/x"]],
    ["", []],
    ["   ", []],
    ["# login alice x", []],
    ["   # comment with ' quote", []],
    ["list\u200B_groups\uFEFF", ["list_groups"]],
    ["list_files\u00A0math", ["list_files", "math"]],
    ["naïve 数学 💡", ["naïve", "数学", "💡"]],
  ];
  for (const [line, expected] of cases) {
    test(JSON.stringify(line), () => expect(words(line)).toEqual([...expected]));
  }

  test("on Windows a backslash is part of a path, in quotes too", () => {
    expect(words('upload_file C:\\data\\x.iso "D:\\a b\\" ~\\y ~/z', windows)).toEqual([
      "upload_file",
      "C:\\data\\x.iso",
      "D:\\a b\\",
      "C:\\Users\\ann\\y",
      "C:\\Users\\ann/z",
    ]);
  });
});

describe("a line that cannot be cut is refused", () => {
  test("when a quote is not closed", () => {
    expect(words("upload_file 'a b")).toBe(
      "the quote ' is not closed; close it, or put a word that holds it between \"",
    );
    expect(words('upload_file "a b')).toBe(
      "the quote \" is not closed; close it, or put a word that holds it between '",
    );
    expect(words("'a")).toContain("not closed");
    expect(words('"a\\"')).toContain("not closed");
  });

  test("when it ends with a backslash, but not on Windows", () => {
    expect(words("a\\")).toBe("the line ends with \\; write \\\\ for the character itself");
    expect(words("C:\\", windows)).toEqual(["C:\\"]);
  });

  test("when it holds a control character", () => {
    for (const char of ["\u0000", "\u001b", "\u0007", "\u009b"])
      expect(words(`login a${char}b`)).toBe("the line holds a control character; type it anew");
  });

  test("when it is too long, by one byte", () => {
    expect(words("x".repeat(COMMAND_LINE_BYTES_MAX))).toHaveLength(1);
    expect(words("x".repeat(COMMAND_LINE_BYTES_MAX + 1))).toBe("the line is longer than 65536 bytes");
    expect(words("é".repeat(COMMAND_LINE_BYTES_MAX / 2 + 1))).toBe("the line is longer than 65536 bytes");
  });
});

test("a quoted word is read back as it was", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "é", " ", "~", "#", "/", "'") });
  fc.assert(fc.property(word, (text) => expect(words(`x ${quoteWord(text)}`)).toEqual(["x", text])));
  for (const text of ["", "a b", "~", "#x", "it's", "C:\\x"]) {
    expect(words(`x ${quoteWord(text)}`, windows)).toEqual(["x", text]);
    expect(words(`x ${quoteWord(text)}`)).toEqual(["x", text]);
  }
});

describe("a text is cut into commands", () => {
  const cases: readonly (readonly [text: string, commands: readonly string[]])[] = [
    ["login ann pw; list_groups", ["login ann pw", "list_groups"]],
    [";; a ;\n; b;", ["a", "b"]],
    ["a\nb\r\nc", ["a", "b", "c"]],
    ["search 'a; b'; c", ["search 'a; b'", "c"]],
    ['search "a; \\" ; b"; c', ['search "a; \\" ; b"', "c"]],
    ["search a\\;b; c", ["search a\\;b", "c"]],
    ["search it\\'s; c", ["search it\\'s", "c"]],
    ["search 'a\\'; c", ["search 'a\\'", "c"]],
    ["# a; b\nc; # d; e\nf", ["# a; b", "c", "# d; e", "f"]],
    ["a #b; c", ["a #b", "c"]],
    ["search 'not closed; b\nc", ["search 'not closed; b", "c"]],
    ["", []],
  ];
  for (const [text, commands] of cases)
    test(JSON.stringify(text), () => expect(splitCommands(text, posix)).toEqual(commands));

  test("on Windows a \\ is part of a path", () =>
    expect(splitCommands("upload_file C:\\; b", windows)).toEqual(["upload_file C:\\", "b"]));

  test("commands of quoted words come back, whatever is in the words", () => {
    const wordsOf = (command: string) => splitWords(command, posix);
    const word = fc
      .string({ minLength: 1 })
      .filter((text) => !/[\p{C}\u2028\u2029\p{Zs}]/u.test(text) && !text.includes("'"));
    fc.assert(
      fc.property(fc.array(fc.array(word, { minLength: 1 }), { minLength: 1 }), (lists) => {
        const commands = lists.map((each) => each.map((text) => `'${text}'`).join(" "));
        const cut = splitCommands(commands.join(" ;"), posix);
        expect(cut.map(wordsOf)).toEqual(lists);
      }),
    );
  });
});
