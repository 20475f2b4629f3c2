import { describe, expect, test } from "bun:test";
import { type ProgressItem, renderProgress } from "./render-progress.ts";

const MiB = 1024 * 1024;
const film: ProgressItem = {
  name: "lecture 1.mp4",
  doing: "downloading",
  doneBytes: 512 * MiB,
  total: 1200 * MiB,
  rate: 11.3 * MiB,
  sources: 3,
  waits: undefined,
  isBrief: false,
};
const song: ProgressItem = { ...film, name: "song.flac", doneBytes: 3 * MiB, total: 30 * MiB, sources: 1 };
const lost: ProgressItem = {
  ...film,
  name: "notes.pdf",
  doneBytes: 0,
  rate: 0,
  waits: { kind: "no-source", lastSeenMs: 1 },
};
const screen = (columns: number, rows = 24) => ({ columns, rows });
const render = (items: readonly ProgressItem[], columns: number, rows = 24) =>
  renderProgress(items, screen(columns, rows), 60_001);

describe("rows of progress", () => {
  test("on a screen of the usual width: name, percent, speed, time left, bytes, sources", () => {
    expect(render([film, song, lost], 80)).toEqual([
      "lecture 1.mp4   42%  11.3 MiB/s  1m01s left  512 MiB of 1.2 GiB   3 sources",
      "song.flac       10%  11.3 MiB/s  2s left     3.0 MiB of 30.0 MiB  1 source",
      "notes.pdf        0%  waiting for a source: nobody online shares it, last see...",
    ]);
  });

  test("on a wide one with a bar", () => {
    expect(render([film, song], 120)).toEqual([
      "lecture 1.mp4  [############------------------]   42%  11.3 MiB/s  1m01s left  512 MiB of 1.2 GiB   3 sources",
      "song.flac      [###---------------------------]   10%  11.3 MiB/s  2s left     3.0 MiB of 30.0 MiB  1 source",
    ]);
  });

  test("on a narrow one without what matters least", () => {
    expect(render([film], 50)).toEqual(["lecture 1.mp4   42%  11.3 MiB/s  1m01s left"]);
    expect(render([film], 20)).toEqual(["lecture 1.mp4   42%"]);
  });

  test("of many files that are shared in one step, how many are", () => {
    const sharing: ProgressItem = { ...film, doing: "sharing", name: "runs/a.h5", doneBytes: 3, total: 12 };
    expect(
      renderProgress([{ ...sharing, rate: 0, sources: undefined }], { columns: 80, rows: 24 }, 0),
    ).toEqual(["runs/a.h5  [#######-----------------------]   25%  sharing  3 of 12 files"]);
  });

  test("hashing and verifying say so", () => {
    const hashing: ProgressItem = { ...film, doing: "hashing", sources: undefined, rate: 900 * MiB };
    const verifying: ProgressItem = { ...film, doing: "verifying", rate: 0, waits: { kind: "verifying" } };
    expect(render([hashing], 80)).toEqual([
      "lecture 1.mp4   42%  hashing  900 MiB/s  1s left  512 MiB of 1.2 GiB",
    ]);
    expect(render([verifying], 60)).toEqual(["lecture 1.mp4   42%  verifying  512 MiB of 1.2 GiB"]);
  });

  test("what has not begun to move has no speed, what is empty is done", () => {
    expect(render([{ ...film, rate: 0 }], 50)).toEqual(["lecture 1.mp4   42%  512 MiB of 1.2 GiB"]);
    expect(render([{ ...film, total: 0, doneBytes: 0, rate: 0 }], 40)).toEqual([
      "lecture 1.mp4  100%  0 B of 0 B",
    ]);
  });

  test("take a third of the screen at most; what moves is shown before what waits", () => {
    const many = Array.from({ length: 6 }, (_, index) => ({ ...lost, name: `w${index}` }));
    expect(render([...many, film], 34, 9)).toEqual([
      "lecture 1.mp4   42%  11.3 MiB/s",
      "w0               0%  waiting f...",
      "... and 5 more",
    ]);
    expect(render(many, 30, 2)).toHaveLength(2);
  });

  test("tell of more than fit in one row for all, then of what takes its time", () => {
    const brief = Array.from({ length: 8 }, (_, index) => ({ ...film, name: `b${index}`, isBrief: true }));
    const queued: ProgressItem = { ...lost, name: "q", waits: { kind: "queued" } };
    const all: ProgressItem = { ...film, name: "3 of 1001 files", sources: undefined };
    expect(renderProgress([...brief, queued, film], screen(80), 0, all)).toEqual([
      "3 of 1001 files   42%  11.3 MiB/s  1m01s left  512 MiB of 1.2 GiB",
      "lecture 1.mp4     42%  11.3 MiB/s  1m01s left  512 MiB of 1.2 GiB  3 sources",
    ]);
    expect(renderProgress(Array(9).fill(film), screen(80), 0, all)).toHaveLength(8);
    expect(renderProgress([film], screen(80), 0, all)).toHaveLength(1);
  });

  test("of a folder that is looked through, how many files were found", () => {
    const looking: ProgressItem = { ...film, name: "runs", doing: "looking", doneBytes: 0, total: 12345 };
    expect(render([looking], 80)).toEqual(["runs  looking through it: 12345 files so far"]);
  });

  test("never reach the edge of the screen, whatever the name and the width", () => {
    const names = ["x".repeat(300), "日本語".repeat(40), "a\u001b[2Jb", "👩‍👩‍👧".repeat(20), "é"];
    for (const name of names) {
      for (let columns = 10; columns <= 220; columns++) {
        for (const row of render(
          [
            { ...film, name },
            { ...lost, name },
          ],
          columns,
        )) {
          expect(Bun.stringWidth(row)).toBeLessThan(columns);
          expect(row).not.toContain("\u001b");
        }
      }
    }
  });

  test("a long name keeps its beginning and its end", () => {
    expect(render([{ ...film, name: `the first lecture ${"x".repeat(60)} of May.mp4` }], 50)).toEqual([
      "the firs... May.mp4   42%  11.3 MiB/s  1m01s left",
    ]);
  });
});
