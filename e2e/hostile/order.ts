/** What a process that attacks is told to do, and what it tells of itself: one line of JSON each. */

import type { Identity } from "../../src/net/certificate.ts";

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
  /** One that was ended is there again after about this. */
  readonly againMs: number;
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
  | "join-requests"
  | "new-groups"
  | "opens"
  | "strays"
  | "giants"
  | "unknown-kinds";

/** Tries to get bytes of a file that only members of a group may fetch, by all that a handshake can be. */
export interface HandshakesOrder {
  readonly attack: "handshakes";
  readonly target: Target;
  readonly kinds: readonly HandshakeAttack[];
  readonly times: number;
  readonly member: Member;
}

/** A true member, whose certificate and grant anybody may have seen, but whose key nobody has. */
export interface Member {
  /** The key is for the control alone. */
  readonly identity: Identity;
  readonly gid: string;
  readonly fileId: string;
  readonly grant: string;
}

export const HANDSHAKE_ATTACKS = [
  "plain TCP in place of TLS",
  "an HTTP request",
  "random bytes",
  "half a ClientHello, then the end",
  "TLS 1.2 at most",
  "no certificate",
  "a member's certificate without its key",
  "a key of its own and the grant of another's",
  "a valid key, but no hello",
  "data before the handshake is done",
  "a chain with the member's certificate second",
  "a resumed session without a certificate",
] as const;
export type HandshakeAttack = (typeof HANDSHAKE_ATTACKS)[number] | "the member itself";

export type Order = HandshakesOrder | CrowdOrder | GarbageOrder | FloodOrder;

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
  /** Connections over which bytes of the file came. */
  readonly leaks: number;
}
