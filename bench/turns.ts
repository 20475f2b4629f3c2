/**
 * Ours and theirs in turn: ours, one of theirs, ours, the next one, ours. Each of theirs lies between two of ours and is
 * compared with those: on a machine whose speed drifts, only runs next to each other say anything about each other.
 *
 * One of theirs that fails is left out from then on, with its reason.
 */
export interface Turn<T> {
  readonly theirs: T;
  /** Right before and right after. */
  readonly ours: readonly [T, T];
}

export interface Turns<T> {
  /** All of ours, in order. */
  readonly ours: readonly T[];
  readonly byName: ReadonlyMap<string, readonly Turn<T>[]>;
  readonly failed: ReadonlyMap<string, string>;
}

export interface Taker<T> {
  readonly name: string;
  run(): Promise<T>;
}

export async function takeTurns<T>(
  ours: () => Promise<T>,
  theirs: readonly Taker<T>[],
  rounds: number,
): Promise<Turns<T>> {
  const byName = new Map<string, Turn<T>[]>();
  const failed = new Map<string, string>();
  let before = await ours();
  const all = [before];
  for (let round = 0; round < rounds; round++) {
    const left = theirs.filter(({ name }) => !failed.has(name));
    // Nobody to compare with: the rounds are ours alone.
    if (left.length === 0 && round > 0) all.push(await ours());
    for (const { name, run } of left) {
      const answer = await run().catch((error: unknown) => void failed.set(name, messageOf(error)));
      if (answer === undefined) continue;
      const after = await ours();
      all.push(after);
      byName.set(name, [...(byName.get(name) ?? []), { theirs: answer, ours: [before, after] }]);
      before = after;
    }
  }
  return { ours: all, byName, failed };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @param measure what is compared, less is better */
export function turnRatios<T>(turns: readonly Turn<T>[], measure: (run: T) => number): number[] {
  return turns.flatMap(({ theirs, ours }) => ours.map((run) => measure(run) / measure(theirs)));
}
