import { describe, expect, test } from "bun:test";
import { HERE, LINUX, MACOS, placeKey, platformOf, WINDOWS } from "./platform.ts";

describe("a platform", () => {
  test("is known by the name that the runtime has for it, and what is neither goes the ways of Linux", () => {
    expect(platformOf("linux")).toBe(LINUX);
    expect(platformOf("darwin")).toBe(MACOS);
    expect(platformOf("win32")).toBe(WINDOWS);
    for (const other of ["freebsd", "openbsd", "android", "sunos"] as const)
      expect(platformOf(other)).toBe(LINUX);
    expect(HERE).toBe(platformOf(process.platform));
  });

  test("knows the folder for a user's data, whatever of the environment is missing or odd", () => {
    expect(LINUX.userDataFolder({}, "/home/ann")).toBe("/home/ann/.local/share");
    expect(LINUX.userDataFolder({ XDG_DATA_HOME: "/data" }, "/home/ann")).toBe("/data");
    expect(MACOS.userDataFolder({ XDG_DATA_HOME: "/data" }, "/Users/ann")).toBe(
      "/Users/ann/Library/Application Support",
    );
    const home = "C:\\Users\\ann";
    expect(WINDOWS.userDataFolder({ LOCALAPPDATA: "D:\\Local" }, home)).toBe("D:\\Local");
    expect(WINDOWS.userDataFolder({ LOCALAPPDATA: "\\\\nas\\ann" }, home)).toBe("\\\\nas\\ann");
    for (const LOCALAPPDATA of [undefined, "", "Local", "\\Local", "/Local", "C:Local"])
      expect(WINDOWS.userDataFolder({ LOCALAPPDATA }, home)).toBe("C:\\Users\\ann\\AppData\\Local");
  });

  test("is asked to end by signals that it has", () => {
    for (const { endSignals } of [LINUX, MACOS])
      expect([...endSignals]).toEqual(["SIGINT", "SIGTERM", "SIGHUP"]);
    expect(WINDOWS.endSignals).toContain("SIGBREAK");
    expect(WINDOWS.endSignals).not.toContain("SIGTERM");
  });

  test("has one place for names that it takes for the same", () => {
    const [composed, apart] = ["/films/Caf\u00e9.mkv", "/films/cafe\u0301.MKV"];
    for (const platform of [MACOS, WINDOWS])
      expect(placeKey(composed, platform)).toBe(placeKey(apart, platform));
    expect(placeKey(composed, LINUX)).not.toBe(placeKey(apart, LINUX));
    expect(placeKey("/films/A", LINUX)).not.toBe(placeKey("/films/a", LINUX));
    expect(placeKey("/films/a", WINDOWS)).not.toBe(placeKey("/films/b", WINDOWS));
  });
});
