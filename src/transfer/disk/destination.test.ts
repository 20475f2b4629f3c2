import { describe, expect, test } from "bun:test";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { Failure } from "../../base/failure.ts";
import { LINUX, MACOS, type Platform, WINDOWS } from "../../base/platform.ts";
import { HAS_LINKS } from "../../testing/links.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import { type PathKind, resolveDestination, resolveDestinations, resolveFolder } from "./destination.ts";

const KINDS = new Map<string, PathKind>([
  ["/", "folder"],
  ["/home", "folder"],
  ["/home/ada", "folder"],
  ["/home/ada/films", "folder"],
  ["/home/ada/notes.txt", "file"],
]);

const context = {
  workingFolder: "/home/ada",
  kindOf: async (path: string) => KINDS.get(path) ?? "nothing",
  platform: LINUX,
};

const resolved = (typed: string, name = "film.mkv") =>
  resolveDestination(typed, name, context).then(({ path }) => path);

async function refusal(typed: string, name?: string): Promise<Failure> {
  try {
    throw new Error(`it was taken: ${await resolved(typed, name)}`);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

describe("a destination", () => {
  test("that is a folder gets the file inside, under its own name", async () => {
    expect(await resolved("films")).toBe("/home/ada/films/film.mkv");
    expect(await resolved("films/")).toBe("/home/ada/films/film.mkv");
    expect(await resolved("/home/ada/films")).toBe("/home/ada/films/film.mkv");
    expect(await resolved(".")).toBe("/home/ada/film.mkv");
    expect(await resolved("..")).toBe("/home/film.mkv");
    expect(await resolved("/")).toBe("/film.mkv");
  });

  test("that is no folder is the file's own path", async () => {
    expect(await resolved("films/best.mkv")).toBe("/home/ada/films/best.mkv");
    expect(await resolved("new name")).toBe("/home/ada/new name");
    expect(await resolved("notes.txt")).toBe("/home/ada/notes.txt");
    expect(await resolved("films/../x")).toBe("/home/ada/x");
    expect(await resolved("films..")).toBe("/home/ada/films..");
  });

  test("keeps the folders of a name below it, and knows where they begin", async () => {
    const { path, base } = await resolveDestination("films", "2026/CON/a.mkv", context);
    expect([path, base]).toEqual(["/home/ada/films/2026/_CON/a.mkv", "/home/ada/films"]);
    const named = await resolveDestination("films/best.mkv", "2026/CON/a.mkv", context);
    expect([named.path, named.base]).toEqual(["/home/ada/films/best.mkv", "/home/ada/films"]);
    for (const name of ["2026/../../x", "/x", "2026//x", "2026/", "..\\x/y"])
      expect((await refusal("films", name)).code).toBe("invalid-name");
  });

  test("of many is one folder, looked at once, whatever its name ends with", async () => {
    const looks: string[] = [];
    const kindOf = (path: string) => {
      looks.push(path);
      return context.kindOf(path);
    };
    for (const typed of ["films", "films/"]) {
      looks.length = 0;
      const of = await resolveDestinations(typed, { ...context, kindOf });
      expect([of("a/1"), of("CON")]).toEqual([
        { path: "/home/ada/films/a/1", base: "/home/ada/films" },
        { path: "/home/ada/films/_CON", base: "/home/ada/films" },
      ]);
      expect(() => of("../x")).toThrow(Failure);
      expect(looks).toEqual(["/home/ada/films"]);
    }
    const made = await resolveDestinations("new", context);
    expect(made("a/1")).toEqual({ path: "/home/ada/new/a/1", base: "/home/ada" });
    for (const typed of ["notes.txt", "no/x", ""])
      await expect(resolveDestinations(typed, context)).rejects.toThrow(
        typed === "" ? "not a destination" : "no such folder",
      );
  });

  test("gets a hostile name made harmless, or not at all", async () => {
    expect(await resolved("films", "CON")).toBe("/home/ada/films/_CON");
    expect((await refusal("films", "../../etc/passwd")).code).toBe("invalid-name");
    expect(await resolved("films/best.mkv", "../../etc/passwd")).toBe("/home/ada/films/best.mkv");
  });

  test("in a folder that does not exist is refused with that folder's path", async () => {
    expect((await refusal("no/x")).message).toBe(
      "no such folder: /home/ada/no; make it first or name another one",
    );
    expect((await refusal("no/such/")).message).toContain("/home/ada/no;");
    expect((await refusal("notes.txt/")).code).toBe("file-missing");
    expect((await refusal("notes.txt/x")).code).toBe("file-missing");
    expect((await refusal("no/..x/.")).code).toBe("file-missing");
  });

  test("that ends like a folder is one, of which the last may have to be made", async () => {
    for (const typed of ["new/", "new/.", "films/../new/"])
      expect(await resolveDestination(typed, "2026/a.mkv", context)).toEqual({
        path: "/home/ada/new/2026/a.mkv",
        base: "/home/ada",
      });
    expect((await refusal("new/", "../x")).code).toBe("invalid-name");
    expect((await refusal(`${"x".repeat(251)}/`)).code).toBe("invalid-name");
    await expect(resolveFolder("new/", context)).rejects.toThrow("no such folder: /home/ada/new;");
    expect(await resolveFolder("films/", context)).toBe("/home/ada/films");
  });

  test("that is empty, impossible or too long is refused", async () => {
    expect((await refusal("")).code).toBe("usage");
    expect((await refusal("a\0b")).code).toBe("usage");
    expect((await refusal("x".repeat(251))).code).toBe("invalid-name");
  });
});

describe("a destination on Windows", () => {
  const folders = new Set(["C:\\", "C:\\Users\\ada", "C:\\Users\\ada\\my films", "D:\\", "\\\\nas\\share\\"]);
  const there = {
    workingFolder: "C:\\Users\\ada",
    kindOf: async (path: string): Promise<PathKind> => (folders.has(path) ? "folder" : "nothing"),
    platform: WINDOWS,
  };
  const at = (typed: string, name = "film.mkv") => resolveDestination(typed, name, there);

  test("is a path with either separator, with a drive or a server", async () => {
    for (const typed of ["my films", "my films\\", "my films/", "C:\\Users/ada\\my films"])
      expect((await at(typed)).path).toBe("C:\\Users\\ada\\my films\\film.mkv");
    expect((await at("my films\\x.mkv")).path).toBe("C:\\Users\\ada\\my films\\x.mkv");
    expect((await at("D:\\")).path).toBe("D:\\film.mkv");
    expect((await at("D:\\x.mkv")).base).toBe("D:\\");
    expect((await at("\\\\nas\\share")).path).toBe("\\\\nas\\share\\film.mkv");
  });

  test("that ends with a separator is a folder", async () => {
    for (const typed of ["new\\", "new/", "new\\."])
      expect((await at(typed)).path).toBe("C:\\Users\\ada\\new\\film.mkv");
    await expect(at("none\\new\\")).rejects.toThrow("no such folder");
    await expect(at("aux\\")).rejects.toThrow("this system takes no file of the name");
  });

  test("keeps the folders of a name, as folders there", async () => {
    expect((await at("my films", "2026/aux/a.mkv")).path).toBe("C:\\Users\\ada\\my films\\2026\\_aux\\a.mkv");
    await expect(at("my films", "..\\..\\x")).rejects.toThrow("file name refused");
    await expect(at("my films", "D:\\x")).rejects.toThrow("file name refused");
  });

  test("that is a device or another stream of a file is refused", async () => {
    for (const typed of ["NUL", "my films\\aux.txt", "my films\\x.mkv:hidden", "my films\\x."])
      await expect(at(typed)).rejects.toThrow("this system takes no file of the name");
  });
});

test("a backslash is a character of a name wherever it parts no folders", async () => {
  for (const platform of [LINUX, MACOS] satisfies Platform[]) {
    const { path } = await resolveDestination("films\\x", "film.mkv", { ...context, platform });
    expect(path).toBe("/home/ada/films\\x");
  }
});

describe("on the disk", () => {
  test.skipIf(!HAS_LINKS)("a folder may be reached over a link", async () => {
    await using folder = await TempFolder.make();
    await mkdir(folder.join("real"));
    await symlink(folder.join("real"), folder.join("link"));
    await writeFile(folder.join("file"), "");
    const here = { workingFolder: folder.path };
    expect((await resolveDestination("link", "a", here)).path).toBe(folder.join("link", "a"));
    expect((await resolveDestination("file", "a", here)).path).toBe(folder.join("file"));
    await expect(resolveDestination("file/b", "a", here)).rejects.toThrow("no such folder");
    await expect(resolveDestination("none/b", "a", here)).rejects.toThrow("no such folder");
  });
});
