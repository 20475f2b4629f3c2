/**
 * Rows by key where there are mostly one or two: a plain array until there are more, then a `Map`.
 *
 * A `Map` of one row costs several times as much memory, and a tracker keeps millions of such collections.
 */
const FEW = 8;

export class FewRows<Row extends object> {
  readonly #keyOf: (row: Row) => string;
  #held: Row[] | Map<string, Row> = [];

  /** @param keyOf the same for the same row at all times */
  constructor(keyOf: (row: Row) => string) {
    this.#keyOf = keyOf;
  }

  get size(): number {
    return Array.isArray(this.#held) ? this.#held.length : this.#held.size;
  }

  get(key: string): Row | undefined {
    if (!Array.isArray(this.#held)) return this.#held.get(key);
    return this.#held.find((row) => this.#keyOf(row) === key);
  }

  /** Takes the place of the row of the same key. */
  put(row: Row): void {
    const key = this.#keyOf(row);
    if (Array.isArray(this.#held)) {
      const at = this.#held.findIndex((other) => this.#keyOf(other) === key);
      if (at >= 0) this.#held[at] = row;
      else this.#held.push(row);
      if (this.#held.length > FEW) this.#held = new Map(this.#held.map((each) => [this.#keyOf(each), each]));
    } else {
      this.#held.set(key, row);
    }
  }

  delete(key: string): void {
    if (!Array.isArray(this.#held)) {
      this.#held.delete(key);
    } else {
      const at = this.#held.findIndex((row) => this.#keyOf(row) === key);
      if (at >= 0) this.#held.splice(at, 1);
    }
  }

  [Symbol.iterator](): Iterator<Row> & Iterable<Row> {
    return this.#held.values();
  }
}
