/** Events for whoever listens. What happens before the first listener is kept for it, so that nothing at start is lost. */
import { toFailure } from "../base/failure.ts";
import { EVENTS_KEPT_MAX } from "../base/limits.ts";
import type { ClientEvent } from "./views.ts";

type Listener = (event: ClientEvent) => void;

export class EventFeed {
  readonly #listeners = new Set<Listener>();
  #early: ClientEvent[] | undefined = [];

  emit(event: ClientEvent): void {
    if (this.#early !== undefined && this.#early.length < EVENTS_KEPT_MAX) this.#early.push(event);
    for (const listener of this.#listeners) listener(event);
  }

  warn(message: string): void {
    this.emit({ kind: "warning", message });
  }

  /** For what nobody waits for. */
  warnIfFails(work: Promise<void> | undefined): void {
    work?.catch((error: unknown) => this.warn(toFailure(error).message));
  }

  /** Nobody is told anything any more. */
  close(): void {
    this.#listeners.clear();
    this.#early = undefined;
  }

  /** @returns a function that ends it */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) listener(event);
    return () => this.#listeners.delete(listener);
  }
}
