import { expect, test } from "bun:test";
import type { StyledRow } from "../e2e/harness/screen.ts";
import { renderSession, rowSpans, type Session } from "./session-svg.ts";

const row = (text: string): StyledRow => [{ column: 0, text }];

function session(...shown: readonly (readonly [atMs: number, rows: readonly StyledRow[]])[]): Session {
  return {
    windows: [{ title: "ann", columns: 20, rows: 2 }],
    moments: shown.map(([atMs, rows]) => ({ atMs, windows: [rows] })),
    lengthMs: 1000,
  };
}

test("a row that stays is one span, from when it came to when another took its place", () => {
  const of = session([0, [row("a")]], [200, [row("a"), row("b")]], [600, [row("c"), row("b")]]);
  expect(rowSpans(of, 0, 0)).toEqual([
    { row: row("a"), fromMs: 0, toMs: 600 },
    { row: row("c"), fromMs: 600, toMs: 1000 },
  ]);
  expect(rowSpans(of, 0, 1)).toEqual([{ row: row("b"), fromMs: 200, toMs: 1000 }]);
});

test("a row that goes leaves nothing behind, and may come again", () => {
  const of = session([0, [row("a")]], [300, []], [700, [row("a")]]);
  expect(rowSpans(of, 0, 0).map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
    [0, 300],
    [700, 1000],
  ]);
});

test("without motion the last moment is seen, and what is always there has no animation", () => {
  const svg = renderSession(session([0, [row("stays"), row("first")]], [400, [row("stays"), row("last")]]));
  const classOf = (text: string) => new RegExp(`(?:<g class="(m\\d)">)?<text[^>]*>${text}<`).exec(svg)?.[1];
  expect(classOf("stays")).toBeUndefined();
  const moving = svg.slice(svg.indexOf("@media (prefers-reduced-motion:no-preference){"));
  const still = svg.slice(0, svg.length - moving.length);
  expect(still).toContain(`.${classOf("first")}{visibility:hidden}`);
  expect(still).not.toContain(`.${classOf("last")}`);
  for (const name of ["first", "last"].map(classOf))
    expect(moving).toContain(`.${name}{animation:${name} 1000ms`);
  expect(svg).toContain("40%{visibility:hidden}");
});

test("what was printed is text in the picture, whatever it holds", () => {
  const svg = renderSession(session([0, [[{ column: 3, text: "a<b>&c", color: 1, inverse: true }]]]));
  expect(svg).toContain(">a&lt;b&gt;&amp;c</text>");
});
