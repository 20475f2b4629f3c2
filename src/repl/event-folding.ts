/**
 * Holds events back for a moment, so that many of a kind become one notice: a folder of a thousand files is one piece of news.
 *
 * They are shown when no more have come for a moment, or when the first has waited long enough; in the order of the first of
 * each kind. What stands alone, and what is asked to wait for nothing, goes past it by `flush`. What the line says is not here.
 */
import type { Clock } from "../base/clock.ts";
import {
  FOLD_EVENTS_MAX,
  FOLD_MANY_QUIET_MS,
  FOLD_MS_MAX,
  FOLD_QUIET_MS,
  NAMES_TOLD_MAX,
} from "../base/limits.ts";
import type { ClientEvent } from "../client/views.ts";

export interface EventFoldingDependencies {
  readonly clock: Clock;
  /** @param events of one kind, one at least */
  readonly show: (events: readonly ClientEvent[]) => void;
}

export class EventFolding {
  readonly #clock: Clock;
  readonly #show: EventFoldingDependencies["show"];
  readonly #held = new Map<string, ClientEvent[]>();
  #count = 0;
  #sinceMs = 0;
  #cancel = () => {};

  constructor({ clock, show }: EventFoldingDependencies) {
    this.#clock = clock;
    this.#show = show;
  }

  /** @param kind events of one are shown together */
  add(kind: string, event: ClientEvent): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#count === 0) this.#sinceMs = nowMs;
    const alike = this.#held.get(kind);
    if (alike === undefined) this.#held.set(kind, [event]);
    else alike.push(event);
    this.#count++;
    this.#cancel();
    const leftMs = this.#sinceMs + FOLD_MS_MAX - nowMs;
    if (leftMs <= 0 || this.#count >= FOLD_EVENTS_MAX) this.flush();
    else this.#cancel = this.#clock.after(Math.min(this.#quietMs, leftMs), () => this.flush());
  }

  get #quietMs(): number {
    return this.#count > NAMES_TOLD_MAX ? FOLD_MANY_QUIET_MS : FOLD_QUIET_MS;
  }

  /** Shows what is held back. */
  flush(): void {
    this.#cancel();
    const held = [...this.#held.values()];
    this.#held.clear();
    this.#count = 0;
    for (const events of held) this.#show(events);
  }
}
