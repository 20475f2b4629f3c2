/**
 * Every bound of the program, each with its unit (last word of the name) and its reason.
 *
 * Whatever comes from a socket, a file or a prompt is held against one of these before it is kept.
 */

const KiB = 1024;
const MiB = 1024 * KiB;
const second = 1000;
const minute = 60 * second;

// --- files ---

/** The size of every piece but the last of a file. */
export const PIECE_BYTES = 512 * KiB;
/** 1 TiB: its piece list is 104 MiB, which a tracker can still hand out in parts. */
export const FILE_BYTES_MAX = 2 ** 40;
export const PIECES_MAX = FILE_BYTES_MAX / PIECE_BYTES;

// --- names (counted in UTF-8 bytes after Unicode NFC) ---

/** Short enough for one column of a list. */
export const USER_NAME_BYTES_MAX = 64;
export const GROUP_NAME_BYTES_MAX = 64;
/** What ext4, APFS and NTFS all take as one component, less `.part` and a collision suffix. */
export const FILE_NAME_BYTES_MAX = 240;
/** A password is bounded before it is hashed: argon2 over a long one takes long. */
export const PASSWORD_BYTES_MAX = 1024;

// --- framing ---

/** A control frame holds at most one part of a piece list, one page of a list, or one bitfield (256 KiB at 1 TiB). */
export const CONTROL_FRAME_BYTES_MAX = 1 * MiB;
/** A data frame carries at most one piece, behind its own small header. */
export const DATA_FRAME_BYTES_MAX = PIECE_BYTES + 64;
/** A piece list travels in parts of this size. */
export const BLOB_PART_BYTES = 512 * KiB;
export const BLOB_BYTES_MAX = PIECES_MAX * 52 + 64;
/** Rows of one reply (list_files, list_groups ...): more are asked for page by page. */
export const LIST_PAGE_ROWS = 500;

// --- connections ---

/** A TLS handshake on a slow link takes a second or two. */
export const HANDSHAKE_MS_MAX = 10 * second;
/** Unsent bytes queued for one peer before it counts as a slow reader and is dropped. */
export const SEND_QUEUE_BYTES_MAX = 32 * MiB;
/** Silence after which a ping goes out; twice that without any byte closes the connection. */
export const IDLE_PING_MS = 15 * second;
export const IDLE_CLOSE_MS = 45 * second;
/** One request of a client to its tracker: more than the tracker's own slowest step (a queued password hash). */
export const RPC_MS_MAX = 20 * second;
/** Unanswered requests of one connection: a client asks in order; pages and parts overlap a little. */
export const RPC_PENDING_MAX = 64;
export const DIAL_MS_MAX = 5 * second;
export const TRACKER_CONNECTIONS_MAX = 10_000;
export const TRACKER_CONNECTIONS_PER_ADDRESS_MAX = 1_000;
export const PEER_CONNECTIONS_MAX = 500;
export const PEER_CONNECTIONS_PER_ADDRESS_MAX = 100;

// --- tracker ---

/** OWASP password storage cheat sheet, argon2id: 19 MiB, two passes, one lane. */
export const ARGON2_MEMORY_KIB = 19_456;
export const ARGON2_PASSES = 2;
/** Hashes at once: each takes 19 MiB and 17 ms of a core. */
export const PASSWORD_HASHES_AT_ONCE_MAX = 2;
export const PASSWORD_QUEUE_MAX = 256;
/** Wrong tries before the next answer is delayed, per user and address, and the longest delay. */
export const WRONG_LOGINS_FREE = 5;
export const LOGIN_DELAY_MS_MAX = 30 * second;
export const GRANT_LIFETIME_MS = 5 * minute;
/** A grant is renewed well before it ends, so that a slow tracker interrupts nothing. */
export const GRANT_RENEW_BEFORE_MS = 2 * minute;
export const SESSION_LIFETIME_MS = 30 * 24 * 60 * minute;
/** Sources handed out for one file; a random subset when there are more. */
export const SOURCES_MAX = 50;
export const PENDING_REQUESTS_PER_USER_MAX = 1_000;
export const GROUPS_PER_OWNER_MAX = 10_000;
export const FILES_PER_GROUP_MAX = 1_000_000;
/** Notices kept for somebody who is offline. */
export const NOTICES_KEPT_MAX = 100;

// --- transfer ---

/** Piece buffers shared with the hash workers, for all transfers together: 64 MiB. */
export const PIECE_BUFFERS = 128;
/** Requests to one peer in flight, least and most; between them the pipeline follows the peer's measured rate. */
export const PIPELINE_PIECES_MIN = 2;
export const PIPELINE_PIECES_MAX = 32;
/** Unanswered requests that a server keeps for one channel before it rejects more. */
export const REQUESTS_QUEUED_PER_CHANNEL_MAX = 64;
export const CHANNELS_PER_CONNECTION_MAX = 1_024;
/** Copies of one piece in flight in the endgame. */
export const ENDGAME_COPIES_MAX = 2;
/** Wrong pieces after which a peer is not asked again for this file. */
export const WRONG_PIECES_MAX = 2;
/** Peers that one download talks to at once. */
export const PEERS_PER_DOWNLOAD_MAX = 30;
/** Floor and ceiling of the time a requested piece may take; between them it follows the peer's own speed. */
export const REQUEST_MS_MIN = 5 * second;
export const REQUEST_MS_MAX = 60 * second;
/** A dropped or unreachable source is tried again after this, doubled each time up to the ceiling. */
export const SOURCE_RETRY_MS_MIN = 1 * second;
export const SOURCE_RETRY_MS_MAX = 2 * minute;
/** Downloads that run at once; further ones wait in line. */
export const DOWNLOADS_AT_ONCE_MAX = 8;

// --- prompt and files read at start ---

export const COMMAND_LINE_BYTES_MAX = 64 * KiB;
export const TRACKER_INFO_BYTES_MAX = 1 * MiB;
export const TRACKERS_MAX = 64;
export const TRACKER_PORT_DEFAULT = 8001;
