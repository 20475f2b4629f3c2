/**
 * What happened in a simulation, a line each: a hash of all of it, which is the same if the same happens again, and the
 * last lines for whoever looks for the cause of a broken promise.
 */
const LINES_KEPT = 400;

export class SimTrace {
  readonly #lines: string[] = [];
  #hash = 0n;
  #count = 0;

  add(atMs: number, line: string): void {
    const text = `${atMs} ${line}`;
    this.#hash = Bun.hash.wyhash(text, this.#hash);
    this.#count++;
    this.#lines.push(text);
    if (this.#lines.length > 2 * LINES_KEPT) this.#lines.splice(0, LINES_KEPT);
  }

  get hash(): string {
    return `${this.#count} ${this.#hash.toString(16)}`;
  }

  get last(): readonly string[] {
    return this.#lines.slice(-LINES_KEPT);
  }
}
