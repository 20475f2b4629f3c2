/** A tracker, and what it says of itself and of the others of its list. */
import { Program } from "./program.ts";

/** The first line of its status. */
const HEAD = /^tracker \d+ of \d+/;
const POLL_PAUSE_MS = 20;
const AGREED_MS_MAX = 60_000;

export class Tracker extends Program {
  #heads = 0;

  /** Its key, as a list pins it: what it says in its first lines. */
  async pin(): Promise<string> {
    return (await this.line(/^For tracker_info\.txt: /)).split(" ").at(-1) ?? "";
  }

  /** The lines of one `status`. They have no end mark, so it is asked twice. */
  async status(): Promise<readonly string[]> {
    const heads = this.#heads + 2;
    this.#heads = heads;
    this.write("status\nstatus\n");
    const [from, end] = await this.until("its status", () => {
      const at = this.out.flatMap((line, index) => (HEAD.test(line) ? [index] : []));
      return at.length < heads ? undefined : at.slice(heads - 2);
    });
    return this.out.slice(from, end);
  }

  /** Asks for its status again and again until it is as wanted. */
  async shows(what: string, wanted: (status: readonly string[]) => boolean): Promise<readonly string[]> {
    const deadline = performance.now() + AGREED_MS_MAX;
    for (;;) {
      const status = await this.status();
      if (wanted(status)) return status;
      if (performance.now() > deadline)
        throw new Error(
          `${this.name}: not within ${AGREED_MS_MAX} ms: ${what}\n${status.join("\n")}\n${this.err.join("\n")}`,
        );
      await Bun.sleep(POLL_PAUSE_MS);
    }
  }
}

/** Resolves when each of them says of all the others that they hold the same. Nothing else may be going on. */
export async function inStep(...trackers: readonly Tracker[]): Promise<void> {
  const others = trackers.length - 1;
  const isInStep = (status: readonly string[]) =>
    status.filter((line) => line.includes("in step")).length >= others;
  for (const tracker of trackers) await tracker.shows("in step with the others", isInStep);
}

/** Resolves when the one says that the other, by its number, is out of reach. */
export async function outOfReach(tracker: Tracker, number: number): Promise<void> {
  await tracker.shows(`tracker ${number} out of reach`, (status) =>
    status.some((line) => line.startsWith(`tracker ${number} at `) && line.includes("out of reach")),
  );
}
