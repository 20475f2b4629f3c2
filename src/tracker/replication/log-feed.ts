/**
 * Brings one other tracker, over one connection, to where this one is: entries in sequence, rows of the state where the
 * log has been trimmed beyond what the other has.
 *
 * Invariant: `acked` is what the other has said it holds durably; what is sent is never below it. Nothing is sent twice
 * on one connection. Whatever goes wrong ends the connection: the next one begins with what the other says it holds, so
 * that a claim of ours can never leave a hole there.
 */
import { type Failure, toFailure } from "../../base/failure.ts";
import { PUSH_CHARS_MAX, PUSH_ENTRIES_MAX, PUSHES_AT_ONCE_MAX } from "../../base/limits.ts";
import type { Origin } from "../../wire/entry.ts";
import { encodeList } from "../../wire/tracker-tracker.ts";
import type { VersionVector } from "../core/version-vector.ts";
import { nextStep } from "./sync-plan.ts";

/** What there is to give. */
export interface FeedSource {
  readonly held: VersionVector;
  /** Entries at or below it are in the rows alone. */
  readonly floor: VersionVector;
  /** Entries of the origin above a sequence, rising, each as JSON text. */
  entryTexts(origin: Origin, after: number, limit: number): readonly string[];
  /** The rows of the state as JSON texts; may be read while the state changes, each row is then as it is at that moment. */
  rowTexts(): Iterable<string>;
}

/** The other tracker's methods. */
export interface FeedCalls {
  push(tail: Uint8Array): Promise<VersionVector>;
  rows(tail: Uint8Array): Promise<void>;
  adopt(vector: VersionVector): Promise<VersionVector>;
}

export interface FeedEvents {
  /** The other has more than before. */
  acked(): void;
  failed(failure: Failure): void;
}

export class LogFeed {
  readonly #source: FeedSource;
  readonly #calls: FeedCalls;
  readonly #events: FeedEvents;
  /** How far the other is to be brought. */
  readonly #goal = new Map<Origin, number>();
  readonly #acked = new Map<Origin, number>();
  readonly #sent = new Map<Origin, number>();
  #pushing = 0;
  #isGivingState = false;
  #isOver = false;

  /** @param theirs what the other holds */
  constructor(source: FeedSource, calls: FeedCalls, events: FeedEvents, theirs: VersionVector) {
    this.#source = source;
    this.#calls = calls;
    this.#events = events;
    raise(this.#acked, theirs);
    raise(this.#sent, theirs);
  }

  get acked(): VersionVector {
    return this.#acked;
  }

  /** Everything up to there is to reach the other. */
  offer(vector: VersionVector): void {
    raise(this.#goal, vector);
    this.#pump();
  }

  /** The other has said how far it is. */
  heard(theirs: VersionVector): void {
    raise(this.#acked, theirs);
    raise(this.#sent, theirs);
    this.#events.acked();
  }

  /** Gives all rows, whatever the other holds: joining them mends what differs. */
  mend(): void {
    if (!this.#isOver && !this.#isGivingState) void this.#giveState();
  }

  #pump(): void {
    while (!this.#isOver && !this.#isGivingState && this.#pushing < PUSHES_AT_ONCE_MAX) {
      const step = nextStep(this.#goal, this.#source.floor, this.#sent);
      if (step.kind === "nothing") return;
      if (step.kind === "state") void this.#giveState();
      else void this.#push(step.origin, step.after);
    }
  }

  async #push(origin: Origin, after: number): Promise<void> {
    this.#pushing++;
    try {
      const texts = within(PUSH_CHARS_MAX, this.#source.entryTexts(origin, after, PUSH_ENTRIES_MAX));
      this.#sent.set(origin, after + texts.length);
      this.heard(await this.#calls.push(encodeList(texts)));
    } catch (error) {
      this.#fail(error);
    }
    this.#pushing--;
    this.#pump();
  }

  /** What the rows hold for certain is what was held when the first of them was read. */
  async #giveState(): Promise<void> {
    this.#isGivingState = true;
    const held = new Map(this.#source.held);
    try {
      for (const texts of batches(this.#source.rowTexts())) await this.#calls.rows(encodeList(texts));
      this.heard(await this.#calls.adopt(held));
      this.#isGivingState = false;
      this.#pump();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.failed(toFailure(error));
  }
}

function raise(vector: Map<Origin, number>, to: VersionVector): void {
  for (const [origin, seq] of to) if (seq > (vector.get(origin) ?? 0)) vector.set(origin, seq);
}

/** The first texts that fit, one at least. */
function within(charsMax: number, texts: readonly string[]): readonly string[] {
  let chars = 0;
  const end = texts.findIndex((text, index) => {
    chars += text.length;
    return chars > charsMax && index > 0;
  });
  return end < 0 ? texts : texts.slice(0, end);
}

function* batches(texts: Iterable<string>): Generator<string[]> {
  let batch: string[] = [];
  let chars = 0;
  for (const text of texts) {
    if (batch.length > 0 && (chars + text.length > PUSH_CHARS_MAX || batch.length === PUSH_ENTRIES_MAX)) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(text);
    chars += text.length;
  }
  if (batch.length > 0) yield batch;
}
