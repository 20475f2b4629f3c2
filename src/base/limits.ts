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

// --- names as people choose them (counted in UTF-8 bytes after Unicode NFC) ---

/** Short enough for one column of a list. */
export const USER_NAME_BYTES_MAX = 64;
export const GROUP_NAME_BYTES_MAX = 64;
/** One component of a file's name: what ext4, APFS and NTFS all take (255), less `.part` and a suffix of merging. */
export const FILE_NAME_BYTES_MAX = 240;
/** A file's whole name, its folders with it: a destination of some length before it still is a path that macOS takes (1,024). */
export const FILE_PATH_BYTES_MAX = 1_000;
/** Components of a file's name: deeper than what people make, and few enough to be looked at one by one. */
export const FILE_PATH_COMPONENTS_MAX = 32;
/** `~xxxxx`: merging puts it behind a name that two sides took at once, on top of the limits above. */
export const NAME_SUFFIX_BYTES = 6;
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
/** Of names in one reply, 3 bytes each at most: with what else is in 500 rows they fit a control frame. */
export const LIST_PAGE_NAME_CHARS = 200 * KiB;

/** The last moment that a date of JavaScript knows. */
export const TIME_MS_MAX = 8_640_000_000_000_000;
/** Free text that travels: a message, a search, a token. */
export const TEXT_CHARS_MAX = 1_000;

// --- connections ---

/** A TLS handshake on a slow link takes a second or two; the hello after it has as long again. */
export const HANDSHAKE_MS_MAX = 10 * second;
/** Where places are short, a handshake that takes longer than this gives way before those who have proven a key. */
export const HANDSHAKE_MS_USUAL = 2 * second;
/** Unsent bytes queued for one peer before it counts as a slow reader and is dropped. */
export const SEND_QUEUE_BYTES_MAX = 32 * MiB;
/** Silence after which a ping goes out; twice that without any byte closes the connection. */
export const IDLE_PING_MS = 15 * second;
export const IDLE_CLOSE_MS = 45 * second;
/** Pings and pongs of one connection: a client that waits sends 3 a second; a stall lets some come together. */
export const KEEP_ALIVES_AT_ONCE_MAX = 100;
export const KEEP_ALIVES_PER_SECOND_MAX = 10;
/** A connection that is finishing ends after this long without any progress of what is still to be sent. */
export const FINISH_MS_MAX = 30 * second;
/** Small frames that follow each other go out in one write of at most this: a write costs about 4 us. */
export const COALESCED_BYTES_MAX = 64 * KiB;
/** Slower than this a peer would take the silence between two pieces for the end of the line. */
export const RATE_BYTES_PER_SECOND_MIN = 16 * KiB;
/** No line is faster; whoever asks for more means no limit. */
export const RATE_BYTES_PER_SECOND_MAX = 2 ** 40;
/** What one of several that share a limited rate sends in its turn: a record of TLS. */
export const PACED_SLICE_BYTES = 16 * KiB;
/** A signed statement as text; the longest (a grant with a name of 70 bytes) has about 500. */
export const SIGNED_CHARS_MAX = 1_000;
/** Key files and the list of known trackers, read whole at start. */
export const NET_FILE_BYTES_MAX = 1 * MiB;
/** One request of a client to its tracker: more than the tracker's own slowest step (a queued password hash). */
export const RPC_MS_MAX = 20 * second;
/** Shares told in one call: one commit for all, and no pause in which a tracker on a busy machine seems to be silent. */
export const SHARES_PER_CALL_MAX = 256;
/** Of that many shares a member hears at once: a message for each costs both sides more than the news is worth. */
export const NEW_FILES_PER_NOTICE_MAX = 256;
/** Files of one piece that one call asks about: with their piece lists and sources the answer fits a frame. */
export const SMALL_FILES_PER_CALL_MAX = 256;
/** Unanswered requests of one connection: a client asks in order; pages and parts overlap a little. */
export const RPC_PENDING_MAX = 64;
/** From asking a peer for a file to its answer, which needs no disk. */
export const CHANNEL_OPEN_MS_MAX = 10 * second;
/** A link between peers without any channel is closed after this; the next need dials again. */
export const LINK_IDLE_MS = 60 * second;
export const DIAL_MS_MAX = 5 * second;
export const TRACKER_CONNECTIONS_MAX = 10_000;
export const TRACKER_CONNECTIONS_PER_ADDRESS_MAX = 1_000;
export const PEER_CONNECTIONS_MAX = 500;
export const PEER_CONNECTIONS_PER_ADDRESS_MAX = 100;

// --- tracker ---

/** A tracker that ends waits this long for its last answers to go out. */
export const TRACKER_CLOSE_MS_MAX = 1 * second;
/** OWASP password storage cheat sheet, argon2id: 19 MiB, two passes, one lane. */
export const ARGON2_MEMORY_KIB = 19_456;
export const ARGON2_PASSES = 2;
/** Hashes at once: each takes 19 MiB and 17 ms of a core. */
export const PASSWORD_HASHES_AT_ONCE_MAX = 2;
/** Those who log in or are logged in and wait for a hash; they go before accounts being made: some 2 s of work. */
export const PASSWORD_QUEUE_MAX = 256;
/** Accounts being made that wait for a hash: some 1 s of work. */
export const ACCOUNT_QUEUE_MAX = 128;
/** Accounts in the making from one address: a class that begins together fits, and no address fills the line. */
export const ACCOUNTS_AT_ONCE_PER_ADDRESS_MAX = 32;
/** Accounts made from one address: a whole school at once; then as few as no person needs more. */
export const ACCOUNTS_PER_ADDRESS_AT_ONCE_MAX = 500;
export const ACCOUNTS_PER_ADDRESS_PER_SECOND_MAX = 1;
/** Addresses whose making of accounts is remembered; the oldest are forgotten first. */
export const ACCOUNT_ADDRESSES_MAX = 20_000;
/** Machines on which one user is online: keys are free, and each is told of to others and has shares of its own. */
export const DEVICES_PER_USER_MAX = 100;
/** Wrong tries before the next answer is delayed, per user and address, and the longest delay. */
export const WRONG_LOGINS_FREE = 5;
export const LOGIN_DELAY_MS_MAX = 30 * second;
/** The first delay; it doubles with each wrong try. */
export const LOGIN_DELAY_MS_MIN = 1 * second;
/** Many people may sit behind one address. */
export const WRONG_LOGINS_FREE_PER_ADDRESS = 100;
/** Guesses at one user from everywhere; the delay for one who has erred once stays short, so that nobody is locked out. */
export const WRONG_LOGINS_FREE_PER_USER = 100;
export const LOGIN_DELAY_PER_USER_MS_MAX = 2 * second;
/** Wrong tries are forgotten after this long without another. */
export const WRONG_LOGINS_KEPT_MS = 15 * minute;
/** Users, addresses and pairs whose wrong tries are remembered, of each; the oldest are forgotten first. */
export const LOGIN_THROTTLE_ENTRIES_MAX = 20_000;
/** Downloads that one machine may announce; a paused one is not announced. */
export const FOLLOWS_PER_DEVICE_MAX = 1_000;
/** Machines of which it is remembered when they were online last. */
export const LAST_SEEN_DEVICES_MAX = 100_000;
/** How soon a tracker that was asked to dial back answers that it reached nobody: never sooner, so that nobody scans by it. */
export const DIAL_BACK_MS = 3 * second;
/** Dials back under way, for all who ask together: each is a socket for so long. */
export const DIAL_BACKS_AT_ONCE_MAX = 16;
/** Dials back to one address, at once after a rest and in the long run: people ask now and then. */
export const DIAL_BACKS_PER_ADDRESS_AT_ONCE_MAX = 6;
export const DIAL_BACKS_PER_ADDRESS_PER_SECOND_MAX = 0.1;
/** Addresses whose rate is remembered; the one longest untouched is forgotten first. */
export const DIAL_BACK_ADDRESSES_MAX = 20_000;
/** Piece lists that one connection may be sending at once; their bytes together stay below one largest list. */
export const BLOB_UPLOADS_PER_CONNECTION_MAX = 4;
/** Bytes of unfinished piece lists of all connections together, in memory. */
export const BLOB_UPLOAD_BYTES_MAX = 512 * MiB;
/** Accounts of one name whose password is tried at a login under the bare name; the rest need their suffix. */
export const NAMESAKES_TRIED_MAX = 4;
export const GRANT_LIFETIME_MS = 5 * minute;
/** Removals of the last minutes that are told to seeders who were not connected; of more the oldest are forgotten. */
export const REMOVALS_REMEMBERED_MAX = 20_000;
/** A grant is renewed well before it ends, so that a slow tracker interrupts nothing. */
export const GRANT_RENEW_BEFORE_MS = 2 * minute;
export const SESSION_LIFETIME_MS = 30 * 24 * 60 * minute;
/** Sources handed out for one file; of more, a fair choice of those that have all of it and of those that download it. */
export const SOURCES_MAX = 50;
export const PENDING_REQUESTS_PER_USER_MAX = 1_000;
export const GROUPS_PER_OWNER_MAX = 10_000;
export const FILES_PER_GROUP_MAX = 1_000_000;
/** Removals or join requests that one log entry may name: what one user was let in and removed in one group. */
export const ENTRY_IDS_MAX = 1_000;
/** Runs of trackers that one log entry may name: those that accepted the present members of a group. */
export const ENTRY_ORIGINS_MAX = 5_000;
/** The body of an entry whose kind is of a newer program: as much as the longest of the kinds that are known. */
export const ENTRY_BODY_CHARS_MAX = 512 * KiB;
/** A few words, as all kinds are named. */
export const ENTRY_KIND_CHARS_MAX = 64;
/** An argon2id hash in its usual text form has about 100. */
export const PASSWORD_HASH_CHARS_MAX = 256;
/** Each one is kept for ever and walked when membership is derived. */
export const TRANSFERS_PER_GROUP_MAX = 1_000;
/** Requests of one user to join one group that were closed: each is kept for ever. A tracker takes no more after these. */
export const CLOSED_REQUESTS_MAX = 1_000;
/** Closed requests, accepts or removals in one row of the state: trackers that were apart reached their limits each. */
export const ROW_IDS_MAX = 10_000;
/** Requests of one user to join one group that wait at once: one for each tracker that saw no other. */
export const ROW_OPEN_REQUESTS_MAX = 1_000;
/** Handovers in the row of a group: as for ids, trackers that were apart reached their limits each. */
export const ROW_TRANSFERS_MAX = 10 * TRANSFERS_PER_GROUP_MAX;
/** Commands whose repetition is answered without doing them again; a repetition comes within minutes. */
export const REQUESTS_REMEMBERED_MAX = 100_000;
/** A stamp further ahead of this machine's clock is applied, but does not drag the clock along. */
export const CLOCK_AHEAD_MS_MAX = 1 * minute;
/** File names looked at for one page of a search, about 10 ms: the page then ends early and the next goes on. */
export const SEARCH_NAMES_PER_PAGE_MAX = 50_000;
/** Log entries read at once, at start and for a tracker that follows. */
export const LOG_PAGE_ENTRIES_MAX = 1_000;
/** State rows read at once at start: some 300 KiB. */
export const ROW_PAGE_ROWS_MAX = 1_000;
/** Changed rows are written this long after the first, or after so many entries: what a start reads twice, some 0.2 s. */
export const CHECKPOINT_AFTER_MS = 10 * second;
export const CHECKPOINT_ENTRIES = 20_000;
/** Rows written in one turn of the event loop, and entries forgotten: some 3 ms, which no command notices. */
export const ROW_SLICE_ROWS = 100;
export const TRIM_SLICE_ENTRIES = 1_000;
/** A repetition of a request comes within this time of it; so long the newest entries of its origin stay in the log. */
export const REPEATABLE_MS = 10 * minute;
export const REPEATABLE_ENTRIES_KEPT = 10_000;
/** A copy of the database for the operator: what may be lost with the disk is an hour, unless another tracker has it. */
export const SNAPSHOT_EVERY_MS = 60 * minute;
/** After a start, when the last copy is older than that: by then the others have given what was missed. */
export const SNAPSHOT_FIRST_MS = 1 * minute;
/** One that is whole while the next is made. */
export const SNAPSHOTS_KEPT = 2;
/** Piece lists of which some parts have come; beginning another drops the one begun first. */
export const BLOBS_UNFINISHED_MAX = 64;
/** Notices kept for somebody who is offline. */
export const NOTICES_KEPT_MAX = 100;

// --- between trackers ---

/** Entries or rows of one message: few enough that receiving them blocks nothing for long. */
export const PUSH_ENTRIES_MAX = 1_000;
/** Characters of its text: at most three bytes each, so that it fits a frame. */
export const PUSH_CHARS_MAX = 256 * KiB;
/** Pushes on their way to one tracker: while one is made durable there, the next is read here. */
export const PUSHES_AT_ONCE_MAX = 2;
/** Machines of which one presence message tells. */
export const PRESENCE_DEVICES_MAX = 500;
/** A client that another tracker told of is taken to be gone when this is over without a renewal. */
export const PRESENCE_LEASE_MS = 30 * second;
export const PRESENCE_RENEW_MS = 10 * second;
/** How long a command waits for the other trackers in reach to have it on their disks. */
export const SPREAD_MS_MAX = 250;
/** How often the others are asked how far they are. */
export const LOOK_MS = 2 * second;
/** How often the hashes of equal states are compared. */
export const HASH_COMPARE_MS = 1 * minute;
/** Another tracker that answers nothing for this long counts as out of reach. */
export const REPLICA_SILENT_MS_MAX = 3 * second;
/** A tracker that is out of reach is told of in the log when that has lasted this long. */
export const REPLICA_TROUBLE_TOLD_MS = 2 * second;
/** Back-off between dials of another tracker: one that comes back is met soon, since it waits for that to serve. */
export const REPLICA_RETRY_MS_MIN = 100;
export const REPLICA_RETRY_MS_MAX = 500;
/** How long a tracker that starts waits for one of the others before it serves. */
export const START_WAIT_MS = 2 * second;
/** A client that greets a tracker which starts waits this long before it is sent elsewhere. */
export const HELLO_WAIT_MS_MAX = 3 * second;
/** An empty one that has found another waits this long for all that is there. */
export const START_CATCH_UP_MS_MAX = 60 * second;
/** A clock this far from another tracker's is worth a warning: sessions and grants carry times. */
export const CLOCK_APART_WARN_MS = 30 * second;
/** Piece lists fetched from other trackers at once. */
export const BLOB_FETCHES_AT_ONCE_MAX = 2;
/** Files looked at in one turn of the event loop when a tracker looks for piece lists that it lacks. */
export const BLOB_SCAN_FILES = 200;

// --- transfer ---

/** Piece buffers shared with the hash workers, for all transfers together: 32 MiB. */
export const PIECE_BUFFERS = 64;
/** Requests to one peer in flight, least and most; between them the pipeline follows the peer's measured rate. */
export const PIPELINE_PIECES_MIN = 2;
export const PIPELINE_PIECES_MAX = 32;
/** Unanswered requests that a server keeps for one channel before it rejects more. */
export const REQUESTS_QUEUED_PER_CHANNEL_MAX = 64;
/** Pieces being read or sent at once, for all peers together: their buffers are never those that downloads wait for. */
export const UPLOADS_AT_ONCE_MAX = 8;
/** Pieces on the line at once, at least: one goes out while the word that the last one has arrived comes back. */
export const UPLOADS_ON_LINE_MIN = 2;
/** Pieces on their way to one peer: enough for the next to be read while the last goes out. */
export const UNSENT_BYTES_PER_PEER_MAX = 4 * PIECE_BYTES;
export const CHANNELS_PER_CONNECTION_MAX = 1_024;
/**
 * Messages of one peer that move no data: channels opened, cancels, what is refused, what is about no channel. One that comes
 * back opens all its channels at once.
 */
export const FUTILE_MESSAGES_AT_ONCE_MAX = 4 * CHANNELS_PER_CONNECTION_MAX;
export const FUTILE_MESSAGES_PER_SECOND_MAX = 200;
/** Between two requests taken back from one peer for something better: a quarter of what a server bears. */
export const TAKE_BACK_MS_MIN = 20;
/** Grants of one peer that do not count: a removed member tries a few before it knows; to verify one takes 35 us. */
export const BAD_GRANTS_AT_ONCE_MAX = 32;
export const BAD_GRANTS_PER_SECOND_MAX = 1;
/** Pieces named in one message that tells of new ones: more go into several. */
export const HAVE_PIECES_MAX = 16_384;
/**
 * Stretch of a file within which equally rare pieces are fetched in shuffled order, 128 MiB: wide enough that thirty who
 * begin together ask for different ones, and what the whole-file SHA-1 has left to do at the end is some stretches at most.
 */
export const SHUFFLED_PIECES = 256;
/** Copies of one piece in flight in the endgame. */
export const ENDGAME_COPIES_MAX = 2;
/** Wrong pieces after which a peer is not asked again for this file. */
export const WRONG_PIECES_MAX = 2;
/** Peers that one download talks to at once. */
export const PEERS_PER_DOWNLOAD_MAX = 30;
/** Floor and ceiling of the time a requested piece may take; between them it follows the peer's own speed. */
export const REQUEST_MS_MIN = 5 * second;
export const REQUEST_MS_MAX = 60 * second;
/** Pieces that a peer may refuse after having offered them; beyond this it is not asked again for this file. */
export const REFUSED_PIECES_MAX = 64;
/** A peer whose queue is full is asked again after this. */
export const BUSY_REST_MS = 500;
/** A dropped or unreachable source is tried again after this, doubled each time up to the ceiling. */
export const SOURCE_RETRY_MS_MIN = 1 * second;
export const SOURCE_RETRY_MS_MAX = 2 * minute;
/** How often a file that is being served is looked at for changes. */
export const SOURCE_CHECK_MS = 1 * second;
/** A disk that was full is tried again after this. */
export const DISK_RETRY_MS = 5 * second;
/** Sources of one download that are remembered: of more, those that failed most often are forgotten. */
export const SOURCES_KNOWN_MAX = 1_000;
/** Downloads that run at once; further ones wait in line. */
export const DOWNLOADS_AT_ONCE_MAX = 8;
/** Of files of one piece, beside those: the bundles that run, and one for which the tracker is being asked. */
export const SMALL_DOWNLOADS_AT_ONCE_MAX = 1_024;
/** Hash workers: with more, the bytes come slower than they are hashed. */
export const HASH_WORKERS_MAX = 8;
/**
 * What must wait at the hash workers that run before one more begins. A worker costs 20 ms of a core to begin, its own
 * warming up and some MB; on a line that fills no core it would never earn that.
 */
export const WORKER_START_BYTES = 4 * PIECE_BYTES;
/** Files of one piece that one job of a worker hashes or writes: of usual ones about 2 ms. */
export const SMALL_FILES_PER_JOB_MAX = 16;
/**
 * A bundle: files of one piece that are fetched, brought to the disk and placed together. 10 ms of syncing are little for
 * so many; and no more bytes, because a kill costs all of a bundle that is not placed.
 */
export const BUNDLE_FILES_MAX = 256;
export const BUNDLE_BYTES_MAX = 8 * MiB;
/** Fewer are fetched one by one: there is nothing to be saved. */
export const BUNDLE_FILES_MIN = 4;
/** While one is synced and placed, the next is fetched, and the one after that waits for the tracker. */
export const BUNDLES_AT_ONCE_MAX = 3;
/** Files of one piece of a bundle: what one job of a worker reads or writes, about 3 ms. */
export const BUNDLE_PIECE_FILES_MAX = 32;
/** A sync of a whole file system that takes longer takes along what others write: files are synced by themselves for a while. */
export const SYNC_TOGETHER_MS_MAX = 1 * second;
export const SYNC_APART_MS = 1 * minute;
/** How often a bundle is looked at: one that no source can go on with is given up, and its files are fetched one by one. */
export const BUNDLE_LOOK_MS = 1 * second;
/** What was said of its sources for one of its files serves the others for so long. */
export const BUNDLE_SOURCES_FRESH_MS = 100;
/** About what one of them costs a worker, as bytes of hashing. */
export const SMALL_FILE_COST_BYTES = 64 * KiB;
/** Pieces of one job when a whole file is hashed: about 2 ms, which a piece of a running transfer may have to wait. */
export const HASH_CHUNK_PIECES = 4;
/**
 * Pieces of one job when the whole-file SHA-1 follows a download, about 16 ms: it has to keep pace with a worker's queue
 * of pieces to store, which is about as long, or all of it is left for the end, where one core does it alone.
 */
export const PREFIX_CHUNK_PIECES = 64;
/** How far the whole-file SHA-1 and the pieces may be apart, so that the second reads what the first left in memory. */
export const HASH_WINDOW_BYTES = 128 * MiB;
/** Piece rows of a file that is being hashed, kept together: what a kill costs is 256 MiB, some 0.3 s of hashing. */
export const HASH_JOURNAL_BLOCK_PIECES = 512;
/** Interrupted hashings that are kept, and their bytes: two of the largest files, or 2 TiB of smaller ones. */
export const HASH_JOURNALS_MAX = 16;
export const HASH_JOURNAL_FOLDER_BYTES_MAX = 256 * MiB;
/** Pieces verified at once when a download goes on after a crash: leaves most buffers to running transfers. */
export const VERIFY_PIECES_AT_ONCE_MAX = 8;
/** Room that a download leaves on the disk: for its journal, and so that others can still write. */
export const DISK_RESERVE_BYTES = 64 * MiB;
/**
 * Written pieces and time after which data and journal go to the disk: what a power cut may cost, and what is left to be
 * synced at the end, when nothing else is going on. 128 MiB.
 */
export const JOURNAL_SYNC_PIECES = 256;
export const JOURNAL_SYNC_MS = 2 * second;
/** Head, claims and one appended entry for each piece of the largest file. */
export const JOURNAL_BYTES_MAX = 1024 + PIECES_MAX / 8 + 4 * PIECES_MAX;
/** Between tries to rename or remove a file that another program has open: scanners and indexes are done within a second. */
export const SHARING_PAUSES_MS = [10, 40, 150, 600] as const;
/** A path component that still takes `.part`: 255 bytes is what ext4, APFS and NTFS take. */
export const LOCAL_NAME_BYTES_MAX = 250;

// --- client ---

/** Back-off between tries of one tracker: a restarted one is found again within the longest. */
export const TRACKER_RETRY_MS_MIN = 100;
export const TRACKER_RETRY_MS_MAX = 2 * second;
/** A tracker that says "later" is asked again after this: one that starts soon serves. */
export const TRACKER_LATER_MS = 250;
/** A connection that held this long makes up for the failures before it. */
export const TRACKER_STABLE_MS = 10 * second;
/** While one tracker has not answered the dial, the next one is tried beside it: a dead host does not even refuse. */
export const TRACKER_STAGGER_MS_MAX = 250;
/** All of a list are tried within this, however many: the last may be the only one that answers, within the 2 s promised. */
export const TRACKER_SEEK_MS = 400;
/** From a dialled tracker to its hello and the resumed session. */
export const TRACKER_HELLO_MS_MAX = 5 * second;
/** How long a command waits for any tracker before it fails. */
export const TRACKER_WAIT_MS = 4 * second;
/** A ping goes out when nothing is asked, and soon when an answer is awaited: only so a hung tracker shows. */
export const TRACKER_PING_IDLE_MS = 5 * second;
export const TRACKER_PING_WAITING_MS = 300;
/** A ping without answer for this long means a dead tracker. */
export const TRACKER_PONG_MS_MAX = 1_000;
/** Events of the client before anybody listens, and notices of a tracker before its link is in use. */
export const EVENTS_KEPT_MAX = 100;
/** Pages of one list that a client asks for: a tracker cannot keep it asking for ever. */
export const LIST_PAGES_MAX = 10_000;
/** Times that a piece list is put before giving up: its parts are lost with their connection. */
export const BLOB_TRIES_MAX = 3;
/** Files looked at or piece lists read at once while shares come back. */
export const RESTORES_AT_ONCE_MAX = 32;
/** How often some of the shared files are looked at for changes. */
export const SHARE_LOOK_MS = 30 * second;
/** After so many times all have been looked at: 10,000 files within twenty minutes. */
export const SHARE_LOOK_ROUNDS = 40;
/** Of one time, least and most: a look costs some 30 us, which makes it 0.025 % of a core at most. */
export const SHARES_LOOKED_AT_MIN = 50;
export const SHARES_LOOKED_AT_MAX = 250;
/** Login waits this long for the shares to be back; more than that goes on behind it. */
export const RESTORE_WAIT_MS = 3 * second;
/** What a tracker said of small files ahead of their turn counts for so long. */
export const SMALL_FILES_FRESH_MS = 10 * second;
/** How often running downloads are looked at for reasons to wait and for places in the queue. */
export const DOWNLOAD_WATCH_MS = 1 * second;
/** A download keeps its place among the running ones this long before a source must have answered. */
export const DOWNLOAD_START_MS = 5 * second;
/** A tracker that did not take a follow, or named nobody who can be reached, is asked again after this. */
export const FOLLOW_RETRY_MS = 5 * second;
/** A running download that has had no source connected for this long asks the tracker who is there. */
export const SOURCELESS_MS = 2 * second;
/** Groups that a user follows on one machine. */
export const FOLLOWS_MAX = 100;
/** Downloads in line beyond which following begins no more: enough for the small ones that run, and no matter how large a group is. */
export const FOLLOW_AHEAD_MAX = 1_000;
/** New files of one followed group that are looked for by name; of more the whole list is looked at. */
export const FOLLOWED_NAMES_MAX = 1_000;
/** Names that a tracker is asked for at the same time. */
export const FOLLOWED_NAMES_AT_ONCE = 64;
/** A reason to wait is told when it has lasted this long. */
export const WAIT_TOLD_MS = 2 * second;

/** Change counters taken from the library in one step: what a restart leaves out, which harms nobody. */
export const COUNTERS_TAKEN = 1_000;
/** What of it may be in its write-ahead log before that is brought in: pages that change often are written once. */
export const LIBRARY_LOG_BYTES = 16 * MiB;
/** Changes of the library that nobody waits for are written together: at the latest when there are so many. */
export const LIBRARY_CHANGES_UNWRITTEN_MAX = 4_000;
/** Calls under way that tell of shares of small files: while one is answered the next is filled. */
export const SHARE_CALLS_AT_ONCE_MAX = 2;
/** Files of a folder that is shared in one step: their names are held in memory. */
export const FOLDER_FILES_MAX = 100_000;
/** Of them on their way to the tracker at once: while it takes two calls of them, the next are hashed. */
export const UPLOADS_OF_FOLDER_AT_ONCE_MAX = 1_024;
/** Shares that are ended, or downloads that are paused and the like, at once: the way to the tracker and back is most of it. */
export const CHANGES_AT_ONCE_MAX = 32;
/** What became of the files of a folder is told of so many, one a line; of more, their number. */
export const REMARKS_SHOWN_MAX = 10;

// --- prompt and files read at start ---

export const COMMAND_LINE_BYTES_MAX = 64 * KiB;
/** Between two tries of a service to log in, each of which waits for a tracker by itself. */
export const LOGIN_RETRY_MS = 1 * second;
/** A pattern for names: longer than any name. */
export const GLOB_CHARS_MAX = 300;
/** Lines typed or pasted ahead of the command that runs; the terminal holds back what comes after. */
export const LINES_AHEAD_MAX = 1_000;
/** Progress on the screen is redrawn no more often: 4 times a second. */
export const PROGRESS_LINE_MS = 250;
/** News of one kind are told together when no more have come for so long; a single one is late by no more than that. */
export const FOLD_QUIET_MS = 300;
/** Once there are more than a few, for so long: the next ones of a folder may take a moment to be hashed. */
export const FOLD_MANY_QUIET_MS = 2 * second;
/** While they go on coming, so often. */
export const FOLD_MS_MAX = 10 * second;
/** Of them held back at once: as many as a folder has in the extreme. */
export const FOLD_EVENTS_MAX = 10_000;
/** So few are told one by one; of more, so many by name. */
export const NAMES_TOLD_MAX = 3;
/** The speed of many downloads together is that of the time before, so long: small files come in bursts. */
export const BATCH_RATE_MS = 4 * second;
/** What ends sooner shows no progress. */
export const PROGRESS_AFTER_MS = 500;
/** Lines of the prompt's history that come back with the next start. */
export const HISTORY_LINES_MAX = 1_000;
/** Of the history's file that is read at start; the file is cut down when it has grown beyond. */
export const HISTORY_BYTES_MAX = 256 * KiB;
/** What Tab asks for is of no use later: the person has typed on. */
export const COMPLETION_MS_MAX = 1 * second;
/** What a tracker said for one Tab serves the next ones for so long. */
export const COMPLETION_FRESH_MS = 3 * second;
/** More choices than these are counted, not shown. */
export const CHOICES_SHOWN_MAX = 60;
/** Of a folder that a typed path leads to: entries looked at for completion. */
export const FOLDER_ENTRIES_MAX = 10_000;
/** What a person who logs out or leaves waits at most to hear that nobody else has their files. */
export const LAST_COPIES_MS_MAX = 500;
/** Groups asked for that; sharing in more is rare. */
export const LAST_COPIES_GROUPS_MAX = 16;
/** How often programs are told how far downloads are: once a second. */
export const DOWNLOAD_PROGRESS_MS = 1 * second;
/** What a client or tracker gets to end in order before its process ends anyway. */
export const CLOSE_MS_MAX = 5 * second;
/** A disk with less room than this is told of: one file of a common size fills it. */
export const FREE_BYTES_LOW = 1024 * MiB;
/** Data folders of clients that were started with one address, a tracker's. */
export const DATA_FOLDERS_PER_ADDRESS_MAX = 64;
export const TRACKER_INFO_BYTES_MAX = 1 * MiB;
export const TRACKERS_MAX = 64;
export const TRACKER_PORT_DEFAULT = 8001;

// --- the databases of trackers and clients ---

/** Pages in memory: the rows of some 10,000 files. A database takes what it needs, and only then. */
export const SQLITE_CACHE_BYTES_MAX = 16 * MiB;
/** As SQLite makes them. */
export const SQLITE_PAGE_BYTES = 4 * KiB;
