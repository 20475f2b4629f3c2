/** Which descriptors running jobs use, so that none is closed under them. A count is kept only while it is not zero. */
import { defined } from "../../base/assert.ts";

interface Use {
  jobs: number;
  readonly waiting: (() => void)[];
}

export class DescriptorUse {
  readonly #uses = new Map<number, Use>();

  begin(file: number): void {
    const use = this.#uses.get(file) ?? { jobs: 0, waiting: [] };
    use.jobs++;
    this.#uses.set(file, use);
  }

  end(file: number): void {
    const use = defined(this.#uses.get(file), `a job on descriptor ${file} ended that never began`);
    use.jobs--;
    if (use.jobs > 0) return;
    this.#uses.delete(file);
    for (const tell of use.waiting) tell();
  }

  /** Resolves when no job uses the descriptor: at once, or when the last one has ended. */
  settled(file: number): Promise<void> {
    const use = this.#uses.get(file);
    if (use === undefined) return Promise.resolve();
    return new Promise((resolve) => use.waiting.push(resolve));
  }
}
