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

type Trouble =
  | { readonly kind: "unreachable" }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "lost" };

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "connecting" }
  | { readonly kind: "connected"; readonly sinceMs: number }
  | { readonly kind: "backing-off"; readonly untilMs: number; readonly trouble: Trouble }
  | { readonly kind: "dropped" };

export type SourceState = State["kind"];

export interface SourceRow {
  readonly source: KnownSource;
  readonly state: SourceState;
}

/** Why nobody is asked, for people. */
export interface SourceWait {
  /** Sources known, dropped ones included. */
  readonly known: number;
  readonly connected: number;
  /** Addresses whose last dial failed. */
  readonly unreachable: readonly Address[];
  /** What the latest refusal said that still stands. */
  readonly refused: string | undefined;
}

interface Entry {
  source: KnownSource;
  state: State;
  /** In a row. */
  failures: number;
}

export class SourceBook {
  readonly #entries = new Map<Fingerprint, Entry>();
  readonly #peersMax: number;

  /** @param options.peersMax connections at once, those being made included */
  constructor(options: { readonly peersMax: number }) {
    this.#peersMax = options.peersMax;
  }

  /** Heard of it (again): it is worth a dial now, whatever was before, unless it was dropped. */
  learned(source: KnownSource): void {
    const entry = this.#entries.get(source.fingerprint);
    if (entry === undefined) {
      this.#entries.set(source.fingerprint, { source, state: { kind: "idle" }, failures: 0 });
      if (this.#entries.size > SOURCES_KNOWN_MAX) this.#forgetWorst();
      return;
    }
    entry.source = source;
    if (entry.state.kind !== "backing-off") return;
    entry.state = { kind: "idle" };
    entry.failures = 0;
  }

  has(peer: Fingerprint): boolean {
    return this.#entries.has(peer);
  }

  /** Whether any known source (dropped ones aside) is itself still downloading. */
  get hasIncomplete(): boolean {
    for (const { source, state } of this.#entries.values())
      if (!source.complete && state.kind !== "dropped") return true;
    return false;
  }

  /** The sources to dial now, no more than there is room for: those that failed least first, complete ones before others. */
  next(now: number): readonly KnownSource[] {
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
    if (entry !== undefined && entry.state.kind !== "dropped")
      entry.state = { kind: "connected", sinceMs: now };
  }

  /** The dial did not succeed. */
  failed(peer: Fingerprint, now: number): void {
    this.#backOff(peer, now, { kind: "unreachable" });
  }

  /** It answered and does not want to serve. */
  refused(peer: Fingerprint, now: number, message: string): void {
    this.#backOff(peer, now, { kind: "refused", message });
  }

  /** The connection ended. */
  lost(peer: Fingerprint, now: number): void {
    this.#backOff(peer, now, { kind: "lost" });
  }

  /** Never again for this download. */
  dropped(peer: Fingerprint): void {
    const entry = this.#entries.get(peer);
    if (entry !== undefined) entry.state = { kind: "dropped" };
  }

  /** When `next` will have something to say without any other input; undefined: not before something happens. */
  nextRetryMs(): number | undefined {
    if (this.#room() === 0) return undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const { state } of this.#entries.values()) next = Math.min(next, dueMs(state));
    return Number.isFinite(next) ? next : undefined;
  }

  wait(): SourceWait {
    const unreachable: Address[] = [];
    let refused: { untilMs: number; message: string } | undefined;
    for (const { source, state } of this.#entries.values()) {
      if (state.kind !== "backing-off") continue;
      if (state.trouble.kind === "unreachable") unreachable.push(source.address);
      if (state.trouble.kind === "refused" && state.untilMs > (refused?.untilMs ?? -1))
        refused = { untilMs: state.untilMs, message: state.trouble.message };
    }
    return {
      known: this.#entries.size,
      connected: this.#count("connected"),
      unreachable,
      refused: refused?.message,
    };
  }

  rows(): readonly SourceRow[] {
    return [...this.#entries.values()].map(({ source, state }) => ({ source, state: state.kind }));
  }

  #count(kind: SourceState): number {
    let count = 0;
    for (const { state } of this.#entries.values()) if (state.kind === kind) count++;
    return count;
  }

  #room(): number {
    return Math.max(0, this.#peersMax - this.#count("connecting") - this.#count("connected"));
  }

  #backOff(peer: Fingerprint, now: number, trouble: Trouble): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined || entry.state.kind === "dropped") return;
    if (entry.state.kind === "connected" && now - entry.state.sinceMs > backOffMs(entry.failures))
      entry.failures = 0;
    entry.failures++;
    entry.state = { kind: "backing-off", untilMs: now + backOffMs(entry.failures), trouble };
  }

  /** Dropped ones are remembered, or they would be dialled again; connected ones are in use. */
  #forgetWorst(): void {
    let worst: Entry | undefined;
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
