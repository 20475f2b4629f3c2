import { describe, expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import type { DiskEvent } from "./syscall-log.ts";

const create = (file: string): DiskEvent => ({ kind: "create", file });
const sync = (file: string): DiskEvent => ({ kind: "sync", file });
const write = (file: string, offset: number, text: string): DiskEvent => ({
  kind: "write",
  file,
  offset,
  bytes: Uint8Array.from(Buffer.from(text)),
});
const syncFolder: DiskEvent = { kind: "sync-folder" };

/** Every image that many power cuts after these events leave, as text. */
function imagesOf(events: readonly DiskEvent[], cuts = 500): Set<string> {
  const images = new Set<string>();
  for (let seed = 1; seed <= cuts; seed++) {
    const disk = new SimulatedDisk(new Prng(seed));
    for (const event of events) disk.apply(event);
    const files = Array.from(disk.image(), ([name, bytes]) => `${name}=${Buffer.from(bytes).toString()}`);
    images.add(files.sort().join(" "));
  }
  return images;
}

const made = [create("a"), syncFolder];

describe("a disk whose power goes", () => {
  test("what was synced is always there, name and bytes", () => {
    expect(imagesOf([...made, write("a", 0, "one"), sync("a")])).toEqual(new Set(["a=one"]));
    expect(imagesOf([create("a"), write("a", 0, "one"), sync("a"), syncFolder])).toEqual(new Set(["a=one"]));
  });

  test("without a sync each write is there or lost, in every combination", () => {
    const events = [...made, write("a", 0, "xx"), sync("a"), write("a", 0, "1"), write("a", 1, "2")];
    expect(imagesOf(events)).toEqual(new Set(["a=xx", "a=1x", "a=x2", "a=12"]));
  });

  test("a sync of one file is none of another, nor of the folder", () => {
    const events = [...made, create("b"), write("a", 0, "1"), write("b", 0, "2"), sync("b")];
    expect(imagesOf(events)).toEqual(new Set(["a=", "a=1", "a= b=2", "a=1 b=2"]));
  });

  test("an older write of the same bytes never comes back over a newer one that is there", () => {
    const events = [...made, write("a", 0, "1"), write("a", 0, "2"), sync("a")];
    expect(imagesOf(events)).toEqual(new Set(["a=2"]));
  });

  test("a removed file may be back, as long as the folder was not synced", () => {
    const events: DiskEvent[] = [...made, write("a", 0, "1"), sync("a"), { kind: "remove", file: "a" }];
    expect(imagesOf(events)).toEqual(new Set(["", "a=1"]));
    expect(imagesOf([...events, syncFolder])).toEqual(new Set([""]));
  });

  test("a file made anew under an old name is the old one, none, or the new one", () => {
    const old: DiskEvent[] = [...made, write("a", 0, "1"), sync("a"), { kind: "remove", file: "a" }];
    expect(imagesOf([...old, create("a"), write("a", 0, "2"), sync("a")])).toEqual(
      new Set(["a=1", "", "a=2"]),
    );
  });

  test("a change of name is there as a whole or not at all", () => {
    const events: DiskEvent[] = [
      ...made,
      write("a", 0, "1"),
      sync("a"),
      { kind: "rename", file: "a", to: "b" },
    ];
    expect(imagesOf(events)).toEqual(new Set(["a=1", "b=1"]));
  });

  test("making a file that is there changes nothing", () => {
    expect(imagesOf([...made, write("a", 0, "1"), sync("a"), create("a")])).toEqual(new Set(["a=1"]));
  });

  test("a file that was cut short may still be long, and has zeros where it grows again", () => {
    const short: DiskEvent = { kind: "resize", file: "a", size: 1 };
    expect(imagesOf([...made, write("a", 0, "123"), sync("a"), short])).toEqual(new Set(["a=123", "a=1"]));
    const grown = [...made, write("a", 0, "123"), short, write("a", 2, "4"), sync("a")];
    expect(imagesOf(grown)).toEqual(new Set(["a=1\x004"]));
  });

  test("no image shows what only another one had", () => {
    const disk = new SimulatedDisk(new Prng(1));
    for (const event of [...made, write("a", 0, "1"), write("a", 1, "2"), write("a", 2, "3")])
      disk.apply(event);
    const images = new Set<string>();
    for (let cut = 0; cut < 500; cut++)
      images.add(Buffer.from(disk.image().get("a") ?? "").toString("latin1"));
    expect(images).toEqual(new Set(["", "1", "\x002", "12", "\x00\x003", "1\x003", "\x0023", "123"]));
  });

  test("a write is torn where sectors begin, and nowhere else", () => {
    const images = imagesOf([...made, write("a", 500, "1".repeat(600)), syncFolder], 2_000);
    const lengths = new Set([...images].map((image) => image.length - "a=".length));
    expect(lengths).toEqual(new Set([0, 512, 1024, 1100]));
    const starts = new Set([...images].map((image) => image.indexOf("1")).filter((at) => at >= 0));
    expect(starts).toEqual(new Set([2 + 500, 2 + 512, 2 + 1024]));
  });

  test("a sync that failed leaves it to chance, and no later one makes it certain", () => {
    const failed: DiskEvent = { kind: "fault", call: "fsync", file: "a" };
    const events = [...made, write("a", 0, "1"), failed, write("a", 1, "2"), sync("a")];
    expect(imagesOf(events)).toEqual(new Set(["a=\x002", "a=12"]));
  });
});
