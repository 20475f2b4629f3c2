/**
 * The sources of one download and when to dial which.
 *
 * Owns what is known of each source and the state of the connection to it: idle, connecting, connected, backing off until a
 * time, or dropped, which is for ever. It dials nobody and hears of every outcome. Back-off doubles with each failure in a row; a
 * connection that outlived its last back-off, or word that the source is there again, is a fresh start.
 */
import type { Address } from "../../base/address.ts";
import { assert } from "../../base/assert.ts";
import type { Fingerprint, UserName } from "../../base/ids.ts";
import { SOURCE_RETRY_MS_MAX, SOURCE_RETRY_MS_MIN, SOURCES_KNOWN_MAX } from "../../base/limits.ts";

/** One that can be asked for pieces: where it listens and which key must be there. */
export interface KnownSource {
  readonly fingerprint: Fingerprint;
  readonly user: UserName;
  readonly address: Address;
  /** Whether it has the whole file. */
  readonly complete: boolean;
}

/** Why a source is left alone for a while: nobody answered the dial, it answered and does not serve, the connection ended. */
type Trouble = "unreachable" | "refused" | "gone";

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "connecting" }
  | { readonly kind: "connected"; readonly sinceMs: number }
  | { readonly kind: "backing-off"; readonly untilMs: number; readonly trouble: Trouble }
  | { readonly kind: "dropped" };

export interface SourceRow<S extends KnownSource> {
  readonly source: S;
  readonly state: "idle" | "connecting" | "connected" | Trouble | "dropped";
  /** What went wrong last, for people; undefined while it is connected. */
  readonly trouble: string | undefined;
}

interface Entry<S extends KnownSource> {
  source: S;
  state: State;
  trouble: string | undefined;
  /** In a row. */
  failures: number;
}

export class SourceBook<S extends KnownSource> {
  readonly #entries = new Map<Fingerprint, Entry<S>>();
  readonly #peersMax: number;

  /** @param options.peersMax connections at once, those being made included */
  constructor(options: { readonly peersMax: number }) {
    this.#peersMax = options.peersMax;
  }

  /** Heard of it (again): it is worth a dial now, whatever was before, unless it was dropped. */
  learned(source: S): void {
    const entry = this.#entries.get(source.fingerprint);
    if (entry === undefined) {
      this.#entries.set(source.fingerprint, {
        source,
        state: { kind: "idle" },
        trouble: undefined,
        failures: 0,
      });
      if (this.#entries.size > SOURCES_KNOWN_MAX) this.#forgetWorst();
      return;
    }
    entry.source = source;
    if (entry.state.kind !== "backing-off") return;
    entry.state = { kind: "idle" };
    entry.failures = 0;
  }

  /** undefined if it is not known (any more). */
  source(peer: Fingerprint): S | undefined {
    return this.#entries.get(peer)?.source;
  }

  all(): readonly S[] {
    return [...this.#entries.values()].map(({ source }) => source);
  }

  /** Whether any known source (dropped ones aside) is itself still downloading. */
  get hasIncomplete(): boolean {
    for (const { source, state } of this.#entries.values())
      if (!source.complete && state.kind !== "dropped") return true;
    return false;
  }

  /** The sources to dial now, no more than there is room for: those that failed least first, complete ones before others. */
  next(now: number): readonly S[] {
    const ready = [...this.#entries.values()].filter(({ state }) => dueMs(state) <= now);
    ready.sort(
      (left, right) =>
        left.failures - right.failures || Number(right.source.complete) - Number(left.source.complete),
    );
    return ready.slice(0, this.#room()).map((entry) => entry.source);
  }

  /** A dial began that `next` asked for. */
  dialing(peer: Fingerprint): void {
    const entry = this.#entries.get(peer);
    assert(entry !== undefined && Number.isFinite(dueMs(entry.state)), "only what may be dialled is dialled");
    entry.state = { kind: "connecting" };
  }

  /** Dialled or come in by itself; unknown ones (incoming) are ignored. */
  connected(peer: Fingerprint, now: number): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined || entry.state.kind === "dropped") return;
    entry.state = { kind: "connected", sinceMs: now };
    entry.trouble = undefined;
  }

  /** The dial did not succeed. */
  failed(peer: Fingerprint, now: number, message: string): void {
    this.#backOff(peer, now, "unreachable", message);
  }

  /** It answered and does not want to serve. */
  refused(peer: Fingerprint, now: number, message: string): void {
    this.#backOff(peer, now, "refused", message);
  }

  /** The connection ended. */
  lost(peer: Fingerprint, now: number, message: string): void {
    this.#backOff(peer, now, "gone", message);
  }

  /** Never again for this download. */
  dropped(peer: Fingerprint, message: string): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined) return;
    entry.state = { kind: "dropped" };
    entry.trouble = message;
  }

  /** When `next` will have something to say without any other input; undefined: not before something happens. */
  nextRetryMs(): number | undefined {
    if (this.#room() === 0) return undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const { state } of this.#entries.values()) next = Math.min(next, dueMs(state));
    return Number.isFinite(next) ? next : undefined;
  }

  rows(): readonly SourceRow<S>[] {
    return [...this.#entries.values()].map(({ source, state, trouble }) => ({
      source,
      state: state.kind === "backing-off" ? state.trouble : state.kind,
      trouble,
    }));
  }

  #count(kind: State["kind"]): number {
    let count = 0;
    for (const { state } of this.#entries.values()) if (state.kind === kind) count++;
    return count;
  }

  #room(): number {
    return Math.max(0, this.#peersMax - this.#count("connecting") - this.#count("connected"));
  }

  #backOff(peer: Fingerprint, now: number, trouble: Trouble, message: string): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined || entry.state.kind === "dropped") return;
    if (entry.state.kind === "connected" && now - entry.state.sinceMs > backOffMs(entry.failures))
      entry.failures = 0;
    entry.failures++;
    entry.state = { kind: "backing-off", untilMs: now + backOffMs(entry.failures), trouble };
    entry.trouble = message;
  }

  /** Dropped ones are remembered, or they would be dialled again; connected ones are in use. */
  #forgetWorst(): void {
    let worst: Entry<S> | undefined;
    for (const entry of this.#entries.values()) {
      if (!Number.isFinite(dueMs(entry.state))) continue;
      if (worst === undefined || entry.failures > worst.failures) worst = entry;
    }
    if (worst !== undefined) this.#entries.delete(worst.source.fingerprint);
  }
}

/** When a source in this state may be dialled. */
function dueMs(state: State): number {
  switch (state.kind) {
    case "idle":
      return 0;
    case "backing-off":
      return state.untilMs;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function backOffMs(failures: number): number {
  return Math.min(SOURCE_RETRY_MS_MAX, SOURCE_RETRY_MS_MIN * 2 ** Math.max(0, failures - 1));
}
