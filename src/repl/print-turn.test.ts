import { expect, test } from "bun:test";
import { Writable } from "node:stream";
import { PrintTurn } from "./print-turn.ts";
import { Printer } from "./printer.ts";

function printers(): { readonly written: string[]; readonly output: Printer; readonly errors: Printer } {
  const written: string[] = [];
  const stream = (name: string) =>
    new Writable({
      write(chunk, _, done) {
        written.push(`${name}: ${chunk}`);
        done();
      },
    });
  return { written, output: new Printer(stream("out")), errors: new Printer(stream("err")) };
}

test("lines of one turn are one write, and two streams are written to in the order of their lines", async () => {
  const { written, output, errors } = printers();
  const turn = new PrintTurn();
  turn.print(output, ["a"]);
  turn.print(output, ["b", "c"]);
  turn.print(errors, ["oops"]);
  turn.print(output, ["d"]);
  expect(written).toEqual([]);
  await Promise.resolve();
  expect(written).toEqual(["out: a\nb\nc\n", "err: oops\n", "out: d\n"]);
  turn.print(output, ["e"]);
  await Promise.resolve();
  expect(written.at(-1)).toBe("out: e\n");
});

test("what is due can be had at once, and comes once", async () => {
  const { written, output } = printers();
  const turn = new PrintTurn();
  turn.print(output, ["a"]);
  turn.end();
  expect(written).toEqual(["out: a\n"]);
  await Promise.resolve();
  expect(written).toHaveLength(1);
});
