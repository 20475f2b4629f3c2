import { describe, expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { FewRows } from "./few-rows.ts";

interface Row {
  readonly key: string;
  readonly value: number;
}

describe("few rows", () => {
  test("it equals a map while it grows and shrinks", () => {
    const random = new Prng(3);
    const rows = new FewRows<Row>(({ key }) => key);
    const model = new Map<string, Row>();
    for (let step = 0; step < 3_000; step++) {
      const row = { key: `${random.below(20)}`, value: step };
      if (random.below(10) < (step % 400 < 200 ? 8 : 2)) {
        rows.put(row);
        model.set(row.key, row);
      } else {
        rows.delete(row.key);
        model.delete(row.key);
      }
      expect(rows.size).toBe(model.size);
      expect(rows.get(row.key)).toBe(model.get(row.key));
    }
    expect([...rows].sort((a, b) => a.value - b.value)).toEqual(
      [...model.values()].sort((a, b) => a.value - b.value),
    );
  });
});
