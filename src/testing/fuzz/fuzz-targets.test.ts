/** The table of targets is complete: whatever decodes, of every protocol and file, has one. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../base/failure.ts";
import { entryBody } from "../../wire/entry.ts";
import { FrameDecoder, frameHeader } from "../../wire/frame.ts";
import { stateRow } from "../../wire/state-row.ts";
import { fuzz } from "./fuzz-run.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { FUZZ_TARGETS } from "./fuzz-targets.ts";
import { RULE_SETS } from "./targets/frames.ts";
import { kindOf, METHOD_TABLES } from "./targets/methods.ts";

const SOURCE = join(import.meta.dir, "..", "..");
const TARGETS = join(import.meta.dir, "targets");
const DECODER =
  /export (?:async )?function\*? ((?:decode|parse|check|verify|read|safe|refuse)[A-Z]\w*|verify)\b/g;

/** What reads nothing from outside, or is fuzzed through what calls it. */
const NO_DECODERS: ReadonlyMap<string, string> = new Map([
  ["checkInvariants", "for tests"],
  ["checkOrigins", "through the databases of a tracker"],
  ["checkTotals", "through the databases of a tracker"],
  ["parseSharePlace", "reads what the program wrote in memory"],
  ["readJournal", "decodeJournal behind a file"],
  ["readTrackerInfo", "readTrackers without what was read"],
  ["readSmallFile", "hands on a text"],
  ["verifyClaims", "hashes pieces of a file"],
]);

const names = FUZZ_TARGETS.map(({ name }) => name);
const targetTexts = readdirSync(TARGETS).map((file) => readFileSync(join(TARGETS, file), "utf8"));

function decoders(): string[] {
  return readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/\.(test|contract)\.ts$|^testing/.test(path))
    .flatMap((path) =>
      [...readFileSync(join(SOURCE, path), "utf8").matchAll(DECODER)].map(([, name = ""]) => name),
    );
}

describe("the table of fuzz targets", () => {
  test("has each name once", () => {
    expect(new Set(names).size).toBe(names.length);
  });

  test("calls every function that decodes, parses, checks, verifies or reads", () => {
    const found = decoders();
    expect(found.length).toBeGreaterThan(30);
    const missing = found.filter(
      (name) => !NO_DECODERS.has(name) && !targetTexts.some((text) => new RegExp(`\\b${name}\\b`).test(text)),
    );
    expect(missing).toEqual([]);
  });

  test("has parameters and result of every method, and every kind of entry and row", () => {
    for (const [protocol, table] of Object.entries(METHOD_TABLES))
      for (const method of Object.keys(table))
        for (const part of ["params", "result"]) expect(names).toContain(`${protocol} ${method} ${part}`);
    for (const body of entryBody.options) expect(names).toContain(`entry ${kindOf(body)}`);
    for (const row of stateRow.options) expect(names).toContain(`state row ${kindOf(row)}`);
  });

  test("knows every table of methods and every set of rules of frames", () => {
    const wire = readdirSync(join(SOURCE, "wire")).map((file) =>
      readFileSync(join(SOURCE, "wire", file), "utf8"),
    );
    const tables = wire.flatMap((text) => [...text.matchAll(/export const (\w*(?:METHODS|_RULES))\b/g)]);
    expect(tables.length).toBeGreaterThan(3);
    for (const [, table = ""] of tables) expect(targetTexts.join("")).toContain(table);
  });

  test("says why where a target has fewer inputs", () => {
    for (const { fewer } of FUZZ_TARGETS) if (fewer !== undefined) expect(fewer.because).not.toBe("");
  });
});

describe("a run", () => {
  const target: FuzzTarget<string> = {
    name: "sample",
    generate: (draw) => ({ input: "a".repeat(draw.below(50)) + draw.pick(["b", "c"]) }),
    check(input) {
      if (input.includes("b")) throw new Error("a b");
      return input.length > 10;
    },
  };

  test("gives what is wrong with the seed that shows it again and the smallest input", async () => {
    const { finding } = await fuzz(target, 5, 1_000);
    expect(finding?.input).toBe("b");
    const again = await fuzz(target, finding?.seed ?? 0, 1);
    expect(again.finding?.input).toBe("b");
  });

  test("finds what pollutes a prototype, refuses a valid input, or takes too long", async () => {
    const wrong = async (check: (input: string) => boolean, inputMsMax?: number) => {
      const sample = { ...target, generate: () => ({ input: "x", isValid: true }), check };
      const { finding } = await fuzz(sample, 1, 1, inputMsMax);
      Reflect.deleteProperty(Object.prototype, "polluted");
      return String(finding?.error);
    };
    const hidden = { value: 1, enumerable: false, configurable: true };
    expect(await wrong(() => Reflect.set(Object.prototype, "polluted", 1))).toContain("prototypes stay");
    expect(await wrong(() => Reflect.defineProperty(Object.prototype, "polluted", hidden))).toContain(
      "prototypes stay",
    );
    expect(await wrong(() => false)).toContain("a valid input is accepted");
    const busy = (ms: number) => () => {
      const from = process.cpuUsage();
      while (process.cpuUsage(from).user < ms * 1_000) for (let left = 1_000_000; left > 0; left--);
      return true;
    };
    expect(await wrong(busy(40), 20)).toContain("takes more than 20 ms");
    expect(await wrong(busy(5), 5_000)).toBe("undefined");
  });
});

test("a frame that has only begun keeps no memory for what has not come, by any rules", () => {
  const sink = { frame() {}, begin() {}, part() {}, end() {} };
  for (const rules of Object.values(RULE_SETS)) {
    const before = process.memoryUsage().arrayBuffers;
    const waiting = [...rules].map(([kind, { bodyBytesMax }]) =>
      Array.from({ length: 200 }, () => {
        const decoder = new FrameDecoder(sink, rules);
        decoder.push(frameHeader(kind, bodyBytesMax));
        if (bodyBytesMax > 0) decoder.push(Uint8Array.of(1));
        return decoder;
      }),
    );
    const kept = process.memoryUsage().arrayBuffers - before;
    expect(kept).toBeLessThan(waiting.length * 200 * 32_768 + 2 ** 20);
    for (const [kind, { bodyBytesMax }] of rules)
      expect(() => new FrameDecoder(sink, rules).push(frameHeader(kind, bodyBytesMax + 1))).toThrow(Failure);
  }
});
