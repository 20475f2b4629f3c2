/**
 * The line up of one simulated machine, with a connection to each of the others, as TCP shares it.
 *
 * Connections with something to send take turns of a few packets; on each of them bytes and words leave in the order in
 * which they were given, so that a word waits behind the bytes before it. A socket takes bytes ahead of the line: `taken`
 * comes when what is left fits its buffer, `left` when they are really gone. A lost packet holds up its own connection alone.
 */
import { PIECE_BYTES } from "../base/limits.ts";

/** What a connection sends before it is the next one's turn. */
export const TURN_BYTES = PIECE_BYTES / 8;
/** Until a lost packet is sent again. */
const RESEND_MS = 200;

export interface SimUplinkOptions {
  readonly bytesPerSecond: number;
  /** What the system buffers for each connection. */
  readonly socketBytes: number;
  /** Whether the packets of this turn get lost. */
  readonly loses: () => boolean;
  /** Runs it at that time. */
  readonly at: (ms: number, run: () => void) => void;
}

interface Parcel {
  bytes: number;
  /** Of all that the connection was ever given, up to its end. */
  readonly endsAt: number;
  readonly left: (bytes: number, delayMs: number) => void;
  taken: (() => void) | undefined;
}

class Connection {
  readonly waiting: Parcel[] = [];
  readonly untaken: Parcel[] = [];
  givenBytes = 0;
  leftBytes = 0;
  /** In order: nothing arrives before what was sent again. */
  heldUpUntilMs = 0;
}

export class SimUplink<Peer> {
  readonly #options: SimUplinkOptions;
  readonly #connections = new Map<Peer, Connection>();
  /** Those with bytes to send, the next first. */
  readonly #turns: Connection[] = [];
  #now = 0;
  #isBusy = false;

  constructor(options: SimUplinkOptions) {
    this.#options = options;
  }

  /**
   * @param left for each part that has left: its bytes, and how much later than usual it arrives
   * @param taken when the socket has taken it all
   */
  send(
    to: Peer,
    bytes: number,
    now: number,
    left: (bytes: number, delayMs: number) => void,
    taken?: () => void,
  ): void {
    this.#now = now;
    const connection = this.#connections.get(to) ?? new Connection();
    this.#connections.set(to, connection);
    connection.givenBytes += bytes;
    const parcel = { bytes, endsAt: connection.givenBytes, left, taken };
    if (taken !== undefined) connection.untaken.push(parcel);
    connection.waiting.push(parcel);
    if (connection.waiting.length === 1) this.#turns.push(connection);
    this.#take(connection);
    if (!this.#isBusy) this.#serve();
  }

  #take({ untaken, leftBytes }: Connection): void {
    while (untaken[0] !== undefined && untaken[0].endsAt - leftBytes <= this.#options.socketBytes) {
      const { taken } = untaken.shift() as Parcel;
      if (taken !== undefined) this.#options.at(this.#now, taken);
    }
  }

  #serve(): void {
    const connection = this.#turns.shift();
    this.#isBusy = connection !== undefined;
    if (connection === undefined) return;
    this.#tellWords(connection);
    const parcel = connection.waiting[0];
    if (parcel === undefined) {
      this.#serve();
      return;
    }
    const bytes = Math.min(TURN_BYTES, parcel.bytes);
    const leavesMs = this.#now + (bytes / this.#options.bytesPerSecond) * 1_000;
    this.#options.at(leavesMs, () => {
      this.#now = leavesMs;
      parcel.bytes -= bytes;
      connection.leftBytes += bytes;
      if (this.#options.loses()) connection.heldUpUntilMs = leavesMs + RESEND_MS;
      parcel.left(bytes, this.#delayMs(connection));
      if (parcel.bytes === 0) connection.waiting.shift();
      this.#take(connection);
      this.#tellWords(connection);
      if (connection.waiting.length > 0) this.#turns.push(connection);
      this.#serve();
    });
  }

  /** Words are so short that they take no time once nothing is before them. */
  #tellWords(connection: Connection): void {
    while (connection.waiting[0]?.bytes === 0) connection.waiting.shift()?.left(0, this.#delayMs(connection));
  }

  #delayMs({ heldUpUntilMs }: Connection): number {
    return Math.max(0, heldUpUntilMs - this.#now);
  }
}
