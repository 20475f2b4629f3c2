import { describe, expect, test } from "bun:test";
import { LINUX, MACOS, WINDOWS } from "../base/platform.ts";
import { defaultDataFolder } from "./data-folder.ts";

const address = { host: "127.0.0.1", port: 5000 };
const linux = { platform: LINUX, env: {}, home: "/home/ann" } as const;
const mac = { platform: MACOS, env: {}, home: "/Users/ann" } as const;
const windows = { platform: WINDOWS, env: {}, home: "C:\\Users\\ann" } as const;

describe("the default data folder", () => {
  test("is where Linux wants it", () => {
    expect(defaultDataFolder(linux, "client", address)).toBe(
      "/home/ann/.local/share/p2p/client-127.0.0.1-5000",
    );
    const xdg = { ...linux, env: { XDG_DATA_HOME: "/data" } };
    expect(defaultDataFolder(xdg, "tracker", address)).toBe("/data/p2p/tracker-127.0.0.1-5000");
  });

  test("ignores an empty or relative XDG_DATA_HOME, as its specification asks", () => {
    for (const XDG_DATA_HOME of ["", "data", "./data"])
      expect(defaultDataFolder({ ...linux, env: { XDG_DATA_HOME } }, "client", address)).toBe(
        "/home/ann/.local/share/p2p/client-127.0.0.1-5000",
      );
  });

  test("is where macOS wants it, whatever XDG_DATA_HOME says", () => {
    expect(defaultDataFolder({ ...mac, env: { XDG_DATA_HOME: "/data" } }, "client", address)).toBe(
      "/Users/ann/Library/Application Support/p2p/client-127.0.0.1-5000",
    );
  });

  test("is where Windows wants it", () => {
    const env = { LOCALAPPDATA: "D:\\Local" };
    expect(defaultDataFolder({ ...windows, env }, "client", address)).toBe(
      "D:\\Local\\p2p\\client-127.0.0.1-5000",
    );
    expect(defaultDataFolder(windows, "tracker", address)).toBe(
      "C:\\Users\\ann\\AppData\\Local\\p2p\\tracker-127.0.0.1-5000",
    );
  });

  test("differs for each role, host, port and copy, and is the same however a host is written", () => {
    const folder = (role: "client" | "tracker", host: string, port: number, copy?: number) =>
      defaultDataFolder(linux, role, { host, port }, copy);
    const all = [
      folder("client", "127.0.0.1", 5000),
      folder("tracker", "127.0.0.1", 5000),
      folder("client", "127.0.0.1", 5001),
      folder("client", "::1", 5000),
      folder("client", "__1", 5000),
      folder("client", "127.0.0.1", 5000, 2),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(folder("client", "Host.Example", 1)).toBe(folder("client", "host.example", 1));
  });

  test("is a name that Windows takes, for IPv6 too", () => {
    const folder = defaultDataFolder(windows, "client", { host: "fe80::1%eth0", port: 5000 });
    expect(folder.split("\\").at(-1)).toBe("client-fe80++1%eth0-5000");
  });
});
