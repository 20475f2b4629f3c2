import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "./failure.ts";
import { boundedLines } from "./lines.ts";

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  // Standard input gives Buffers, whose `slice` copies nothing.
  const lent = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    lent.set(part);
    yield lent.subarray(0, part.length);
  }
  lent.fill(0);
}

async function linesOf(text: string, chunkBytes: number, bytesMax = 100): Promise<(string | Failure)[]> {
  const lines: (string | Failure)[] = [];
  for await (const line of boundedLines(inChunks(Buffer.from(text), chunkBytes), bytesMax)) lines.push(line);
  return lines;
}

describe("lines of a stream", () => {
  test("end with LF, CRLF or the end of the stream", async () => {
    expect(await linesOf("one\ntwo\r\n\nlast", 5)).toEqual(["one", "two", "", "last"]);
    expect(await linesOf("one\n", 5)).toEqual(["one"]);
    expect(await linesOf("", 5)).toEqual([]);
  });

  test("are the same however the bytes are cut, also inside a character and when the chunk is reused", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom("a", "é", "💡", " ") }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 9 }),
        async (lines, size) => {
          expect(await linesOf(lines.map((line) => `${line}\n`).join(""), size, 1_000)).toEqual(lines);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("that are too long become a failure in their place, and the next ones are read", async () => {
    const lines = await linesOf(`ok\n${"x".repeat(11)}\n${"y".repeat(10)}\n`, 4, 10);
    expect(lines).toEqual(["ok", expect.any(Failure), "y".repeat(10)]);
    expect((lines[1] as Failure).message).toBe("a line is longer than 10 bytes; it was left out");
  });
});
