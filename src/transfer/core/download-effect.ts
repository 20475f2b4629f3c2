/** What the download machine says and is told, as closed unions; no behaviour. */
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";

/** Why a peer is of no more use to this download. */
export type DropReason =
  | "wrong-pieces" // too many pieces with a wrong hash
  | "refuses" // says that it has pieces and then refuses them
  | "protocol"; // said what makes no sense here

/** Why a server does not answer a request with the piece. */
export type RequestRefusal =
  | "not-held" // it does not have that piece (any more)
  | "busy"; // its queue is full: the same request may succeed later

/** What the shell does next, in this order. */
export type Effect =
  /** Ask that peer for that piece. */
  | { readonly kind: "request"; readonly peer: Fingerprint; readonly piece: PieceIndex }
  /** Tell that peer that the piece is not needed from it any more; what still comes is reported as before. */
  | { readonly kind: "cancel"; readonly peer: Fingerprint; readonly piece: PieceIndex }
  /** Verify and write the piece just received; report `verified`, then `written`, or `rejected`, or `storeFailed`. */
  | { readonly kind: "store"; readonly peer: Fingerprint; readonly piece: PieceIndex }
  /** The piece just received is of no use: free its buffer. */
  | { readonly kind: "discard"; readonly peer: Fingerprint; readonly piece: PieceIndex }
  /** Tell all peers that these pieces can be had here. */
  | { readonly kind: "announce"; readonly pieces: readonly PieceIndex[] }
  /** Talk no more with that peer about this file; the machine has already forgotten its requests. */
  | { readonly kind: "drop"; readonly peer: Fingerprint; readonly reason: DropReason }
  /** All pieces are on disk. Said once. */
  | { readonly kind: "done" };

/** One peer of a download, for showing. */
export interface PeerRow {
  readonly peer: Fingerprint;
  /** `snubbed`: it let its requests time out and is only probed. */
  readonly state: "connected" | "snubbed" | "gone" | "dropped";
  /** Bytes of pieces from it that are verified and written. */
  readonly verifiedBytes: number;
  readonly wrongPieces: number;
  /** Measured bytes a second; 0 before the first measurement and when gone. */
  readonly rate: number;
  readonly requestsInFlight: number;
  /** Until then it is left alone: it said that it is busy. */
  readonly restsUntilMs: number;
}

export interface DownloadSnapshot {
  readonly pieces: number;
  readonly havePieces: number;
  /** Bytes of `have` pieces. */
  readonly haveBytes: number;
  /** Bytes fetched and thrown away: wrong, or a copy too many. */
  readonly wastedBytes: number;
  /** Received pieces that are being verified or written. */
  readonly storing: number;
  /** Pieces that may be asked for or stored at once. */
  readonly budget: number;
  readonly peers: readonly PeerRow[];
}
