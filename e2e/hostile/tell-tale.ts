/** Counts what an attack does, and writes it to standard output some times a second. */
import type { Tally } from "./order.ts";

const EVERY_MS = 50;

export class TellTale implements Tally {
  open = 0;
  begun = 0;
  ended = 0;
  sent = 0;
  heardBytes = 0;
  leaks = 0;

  constructor() {
    setInterval(() => this.tell(), EVERY_MS);
  }

  tell(): void {
    const { open, begun, ended, sent, heardBytes, leaks } = this;
    process.stdout.write(`${JSON.stringify({ open, begun, ended, sent, heardBytes, leaks })}\n`);
  }
}
