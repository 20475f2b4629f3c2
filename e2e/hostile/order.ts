/** What a process that attacks is told to do, and what it tells of itself: one line of JSON each. */

/** Where it hits. */
export interface Target {
  readonly port: number;
  /** Which of the two protocols is spoken there. */
  readonly listener: "tracker" | "peer";
}

/**
 * How one of a crowd idles. `mute` says nothing; `drip` sends a ClientHello a byte at a time; `keyed` finishes the
 * handshake and says nothing more; `greeted` says hello too, and answers pings.
 */
export type Idleness = "mute" | "drip" | "keyed" | "greeted";

/** Keeps up many connections that do nothing: one that ends is made anew after a while. */
export interface CrowdOrder {
  readonly attack: "crowd";
  readonly target: Target;
  readonly connections: number;
  /** From so many addresses of its own. */
  readonly addresses: number;
  /** The first of these addresses. */
  readonly from: number;
  readonly kinds: readonly Idleness[];
}

/** Sends what is nothing, in many connections one after the other, and some at once. */
export interface GarbageOrder {
  readonly attack: "garbage";
  readonly target: Target;
  readonly rounds: number;
}

/** What comes in a frame without end, over some connections of machines with keys of their own. */
export interface FloodOrder {
  readonly attack: "flood";
  readonly target: Target;
  readonly connections: number;
  /** From so many addresses of its own. */
  readonly addresses?: number;
  readonly flood: Flood;
  /** Of an account, where it takes one to do harm. */
  readonly login?: { readonly user: string; readonly password: string; readonly group: string };
  /** Whether the answers are read. */
  readonly isDeaf?: boolean;
}

export type Flood =
  | "pings"
  | "pongs"
  | "requests"
  | "unknown-methods"
  | "searches"
  | "lists"
  | "accounts"
  | "logins"
  | "sessions"
  | "join-requests"
  | "new-groups"
  | "opens"
  | "strays"
  | "giants"
  | "unknown-kinds";

export type Order = CrowdOrder | GarbageOrder | FloodOrder;

/** What it has come to so far. */
export interface Tally {
  /** Connections that stand now. */
  readonly open: number;
  /** Connections that were begun. */
  readonly begun: number;
  /** Connections that the other side ended. */
  readonly ended: number;
  /** Frames, requests or pieces of garbage that went out. */
  readonly sent: number;
  /** Bytes that came back. */
  readonly heardBytes: number;
}
