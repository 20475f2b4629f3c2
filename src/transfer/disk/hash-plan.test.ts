import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HashPlan, type HashStep } from "./hash-plan.ts";

const OPTIONS = { stepBytes: 10, windowBytes: 40 };

/** Hashes the whole file with `workers`, which end their steps in an order that `choose` gives. */
function walk(size: number, workers: number, choose: (count: number) => number, piecesFrom = 0) {
  const plan = new HashPlan(size, { ...OPTIONS, piecesFrom });
  const steps: HashStep[] = [];
  const running = new Map<number, HashStep>();
  let farthestApart = 0;
  const at = { chain: 0, pieces: piecesFrom };
  for (;;) {
    for (let worker = 0; worker < workers; worker++) {
      if (running.has(worker)) continue;
      const step = plan.next(worker === 0);
      if (step === undefined) continue;
      running.set(worker, step);
      steps.push(step);
      at[step.walk] = step.offset + step.length;
      farthestApart = Math.max(farthestApart, Math.abs(at.chain - at.pieces));
    }
    if (running.size === 0) return { plan, steps, farthestApart };
    const workersRunning = [...running.keys()];
    const ended = workersRunning[choose(workersRunning.length)] ?? 0;
    plan.finished(running.get(ended) as HashStep);
    running.delete(ended);
    const open = [...running.values()].filter((step) => step.walk === "pieces").map((step) => step.offset);
    expect(plan.piecesWhole).toBe(Math.min(at.pieces, ...open));
  }
}

describe("the plan of hashing a file", () => {
  test("covers each byte once by the chain, in order, and once by pieces, with any number of workers", () => {
    fc.assert(
      fc.property(
        fc.nat(300),
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(fc.nat()),
        (size, workers, dice) => {
          const { plan, steps } = walk(size, workers, (count) => (dice.next().value ?? 0) % count);
          for (const kind of ["chain", "pieces"]) {
            const own = steps.filter((step) => step.walk === kind);
            let end = 0;
            for (const step of own) {
              expect(step.offset).toBe(end);
              end += step.length;
            }
            expect(end).toBe(size);
          }
          expect(plan.isDone).toBe(true);
          expect(plan.doneBytes).toBe(size);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("leaves out the pieces that an earlier run has hashed, and nothing else", () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), fc.infiniteStream(fc.nat()), (size, most, dice) => {
        const piecesFrom = Math.min(size, most);
        const { plan, steps } = walk(size, 3, (count) => (dice.next().value ?? 0) % count, piecesFrom);
        const lengths = (kind: HashStep["walk"]) =>
          steps.filter(({ walk: of }) => of === kind).reduce((sum, { length }) => sum + length, 0);
        expect([lengths("chain"), lengths("pieces")]).toEqual([size, size - piecesFrom]);
        expect(
          Math.min(size, ...steps.filter((step) => step.walk === "pieces").map((step) => step.offset)),
        ).toBe(piecesFrom);
        expect([plan.isDone, plan.doneBytes, plan.piecesWhole]).toEqual([true, size, size]);
      }),
      { numRuns: 100 },
    );
  });

  test("keeps the two walks within the window, however slow one worker is", () => {
    const slowChain = walk(1000, 3, (count) => count - 1);
    const slowPieces = walk(1000, 3, () => 0);
    expect(slowChain.farthestApart).toBeLessThanOrEqual(OPTIONS.windowBytes + OPTIONS.stepBytes);
    expect(slowPieces.farthestApart).toBeLessThanOrEqual(OPTIONS.windowBytes + OPTIONS.stepBytes);
  });

  test("gives only one step of the chain at a time, and none to other workers", () => {
    const plan = new HashPlan(100, OPTIONS);
    const first = plan.next(true);
    expect(first?.walk).toBe("chain");
    expect(plan.next(true)?.walk).toBe("pieces");
    expect(plan.next(false)?.walk).toBe("pieces");
    plan.finished(first as HashStep);
    expect(plan.next(true)).toEqual({ walk: "chain", offset: 10, length: 10 });
  });

  test("of an empty file is done at once", () => {
    const plan = new HashPlan(0, OPTIONS);
    expect(plan.isDone).toBe(true);
    expect(plan.next(true)).toBeUndefined();
  });
});
