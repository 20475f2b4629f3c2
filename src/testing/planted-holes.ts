/**
 * Variants of the program without one of its defences, each with the test that must fail then. For tests.
 *
 * `docs/SECURITY.md` names these tests in its table of threats: a defence whose hole no test notices is only a claim. As
 * with the planted bugs, the program itself holds no switch; the source is changed while it is loaded.
 */
import type { SourceChange } from "./planted-bugs.ts";

export interface PlantedHole {
  /** What the program does then. */
  readonly name: string;
  readonly changes: readonly SourceChange[];
  /** The test file, from `src`, and the title of the test in it. */
  readonly caughtBy: { readonly file: string; readonly test: string };
}

/** A hole of one change. */
function hole(
  name: string,
  file: string,
  [find, replace]: readonly [find: string, replace: string],
  [testFile, test]: readonly [testFile: string, test: string],
): PlantedHole {
  return { name, changes: [{ file, find, replace }], caughtBy: { file: testFile, test } };
}

const HANDSHAKE = "net/handshake.ts";
const QUOTA = "net/connection-quota.ts";
const SIGNED = "wire/signed.ts";
const SERVER = "transfer/peer-server.ts";
const PASSWORDS = "tracker/passwords.ts";
const ACCOUNT_TESTS = "tracker/account-methods.test.ts";
const SERVER_TESTS = "transfer/peer-server.test.ts";

const CONNECTIONS: readonly PlantedHole[] = [
  hole(
    "takes a certificate whose key was not proven",
    HANDSHAKE,
    ["if (verdict !== PROVEN_SELF_SIGNED)", "if (false)"],
    ["net/tls-tcp-impostor.test.ts", "is refused with any other"],
  ),
  hole(
    "talks over TLS 1.2",
    HANDSHAKE,
    ['if (tlsVersion !== "TLSv1.3")', "if (tlsVersion === undefined)"],
    ["net/tls-tcp.test.ts", "a client that speaks TLS 1.2 at most is refused"],
  ),
  hole(
    "takes a client without a certificate",
    HANDSHAKE,
    [
      "if (fingerprint256 === undefined)\n    return",
      'if (fingerprint256 === undefined)\n    return "0".repeat(64) as Fingerprint;\n  if (false)\n    return',
    ],
    ["net/tls-tcp.test.ts", "a client without a certificate is refused"],
  ),
  hole(
    "talks to another key than the expected one",
    HANDSHAKE,
    ["if (expected !== undefined && presented !== expected)", "if (false)"],
    ["net/tls-tcp.test.ts", "another key than expected is refused, and the message names both"],
  ),
  hole(
    "waits for ever for a handshake",
    "net/tls-tcp.ts",
    ["dependencies.clock.after(HANDSHAKE_MS_MAX, () => {", "dependencies.clock.after(2 ** 31 - 1, () => {"],
    ["net/tls-tcp.test.ts", "somebody who connects and says nothing is dropped at the deadline"],
  ),
  hole(
    "lets one address take all connections",
    QUOTA,
    ["if (own !== undefined && sizeOf(own) >= this.#options.perAddressMax) return own;", ""],
    ["net/connection-quota.test.ts", "has its share, and what it releases it may take again"],
  ),
  hole(
    "turns honest newcomers away while strangers have all the places",
    QUOTA,
    ["if (crowd !== undefined && evicted === undefined) return", "if (crowd !== undefined) return"],
    [
      "net/connection-quota.test.ts",
      "have a bound: beyond it the address that holds most strangers gives up its oldest",
    ],
  ),
  hole(
    "lets each newcomer cut the handshake of the one before",
    QUOTA,
    [
      "if (oldest !== undefined && this.#hasHadTime(oldest, nowMs)) return oldest;",
      "if (oldest !== undefined) return oldest;",
    ],
    [
      "net/connection-quota.test.ts",
      "does not cut a handshake that has just begun while a stranger could go, and then the oldest of them",
    ],
  ),
  hole(
    "keeps the connection of who had to give way",
    "net/tls-tcp.ts",
    ["if (outcome.evicted !== undefined) outcome.evicted.#life?.evict();", ""],
    [
      "net/tls-tcp.test.ts",
      "an address beyond its share takes the place of its own oldest stranger, never that of one vouched for",
    ],
  ),
  hole(
    "answers pings without end",
    "net/keep-alive.ts",
    ["if (!this.#allowance.take(this.#heardMs))", "if (false)"],
    ["net/keep-alive.test.ts", "of pings or pongs is a breach, while as many as honest ones make are none"],
  ),
  hole(
    "buffers without end for a slow reader",
    "net/send-queue.ts",
    ["if (this.#queuedBytes > SEND_QUEUE_BYTES_MAX)", "if (false)"],
    ["net/tls-tcp.test.ts", "a slow reader costs its queue and is dropped at the bound"],
  ),
  hole(
    "takes frames of any length",
    "wire/frame.ts",
    ["if (bodyBytes > bodyBytesMax)", "if (false)"],
    ["wire/frame.test.ts", "a body that is too long is refused from its header alone"],
  ),
  hole(
    "takes any number of requests at once",
    "net/rpc.ts",
    ["if (this.#answering >= RPC_PENDING_MAX)", "if (false)"],
    ["net/rpc.test.ts", "who sends more requests than accepted is cut off"],
  ),
];

const DIAL_BACK = "tracker/dial-back.ts";
const DIAL_BACK_TESTS = "tracker/dial-back.test.ts";
const DIAL_BACKS: readonly PlantedHole[] = [
  hole(
    "dials back whoever is there",
    DIAL_BACK,
    ["await this.#transport.dial(...to)", "await this.#transport.dial(to[0], undefined)"],
    [
      DIAL_BACK_TESTS,
      "cannot tell what else is there: a free port, another machine or a firewall, nor by the time that it takes",
    ],
  ),
  hole(
    "tells at once that nothing listens there",
    DIAL_BACK,
    ["reached.catch(() => late.promise)", "reached.catch(() => false)"],
    [
      DIAL_BACK_TESTS,
      "cannot tell what else is there: a free port, another machine or a firewall, nor by the time that it takes",
    ],
  ),
  hole(
    "dials back as often as it is asked",
    DIAL_BACK,
    ["!this.#rates.take(remote.host, this.#clock.monotonicMs())", "false"],
    [DIAL_BACK_TESTS, "is dialled a few times at once and then seldom, and others are dialled as before"],
  ),
  hole(
    "dials back without a bound on how many at once",
    DIAL_BACK,
    ["this.#running >= DIAL_BACKS_AT_ONCE_MAX ||", ""],
    [DIAL_BACK_TESTS, "shares with all others a bound on what runs at once"],
  ),
];

const TRACKER_KEYS: readonly PlantedHole[] = [
  hole(
    "trusts a tracker whose key has changed",
    "net/known-trackers.ts",
    ['if (known === presented) return "known";', 'return "known";'],
    ["net/known-trackers.test.ts", "a changed key is refused, and the message says where to correct it"],
  ),
  hole(
    "believes what is remembered before what is pinned",
    "net/known-trackers.ts",
    ["const known = pinned ?? remembered;", "const known = remembered ?? pinned;"],
    ["net/known-trackers.test.ts", "a key other than the pinned one is refused even if it is remembered"],
  ),
  hole(
    "takes anybody for another tracker",
    "tracker/replication/replicator.ts",
    [
      "return this.links.some(({ entry }) => (entry.pin ?? known.recall(entry.address)) === fingerprint);",
      "return true;",
    ],
    ["tracker/replication/cluster.test.ts", "gets nothing of what trackers tell each other"],
  ),
];

const ACCOUNTS: readonly PlantedHole[] = [
  hole(
    "answers without a session",
    "tracker/desk.ts",
    [
      'if (session === undefined) throw new Failure("not-logged-in", "not logged in; login <user_id> <passwd>");',
      'if (session === undefined) return method(desk, { link, session, uid: "0".repeat(32), fingerprint } as never, params, tail);',
    ],
    [ACCOUNT_TESTS, "without a session nothing but hello, ping and the ways in is answered"],
  ),
  hole(
    "tells an unknown user by the time that it takes",
    "tracker/account-methods.ts",
    ["if (accounts.length === 0) await passwords.verify(password, undefined);", ""],
    [ACCOUNT_TESTS, "an unknown user costs one hash, as a known one does"],
  ),
  hole(
    "hashes as many passwords at once as are asked for",
    PASSWORDS,
    ["if (this.#running >= PASSWORD_HASHES_AT_ONCE_MAX)", "if (false)"],
    [
      "tracker/passwords.test.ts",
      "only so many hashes run at once, all of them get their turn, and later ones go on",
    ],
  ),
  hole(
    "lets passwords wait in a line without end",
    PASSWORDS,
    ["if (waiting.length >= LINE_MAX[line])", "if (false)"],
    [
      "tracker/passwords.test.ts",
      "beyond the line the answer is try-later, and those in line are still served",
    ],
  ),
  hole(
    "lets passwords be guessed without delay",
    "tracker/account-methods.ts",
    ["if (waitMs > 0) {", "if (false) {"],
    [ACCOUNT_TESTS, "guesses are slowed down, the rightful user elsewhere is not, and time heals"],
  ),
  hole(
    "locks the rightful user out with guesses from elsewhere",
    "tracker/login-throttle.ts",
    [
      "const pair = pairKey(user, address);\n    const erred",
      'const pair = pairKey(user, "");\n    const erred',
    ],
    [
      "tracker/login-throttle.test.ts",
      "guesses from elsewhere do not delay the rightful user, nor its first mistake for long",
    ],
  ),
  hole(
    "takes a session token from another machine",
    "tracker/session-tokens.ts",
    ["if (session.fingerprint !== fingerprint)", "if (false)"],
    [ACCOUNT_TESTS, "a token opens a session again, also after a restart, on this machine alone"],
  ),
  hole(
    "takes a session token for ever",
    "tracker/session-tokens.ts",
    ["if (session.expiresMs <= clock.nowMs())", "if (false)"],
    [ACCOUNT_TESTS, "a token expires"],
  ),
  hole(
    "takes a session token of before the change of the password",
    "tracker/session-tokens.ts",
    ["if (account.passwordStamp !== session.passwordStamp)", "if (false)"],
    [ACCOUNT_TESTS, "ends the other sessions and their tokens; this one goes on with its new token"],
  ),
  hole(
    "makes accounts without end for one address",
    "tracker/account-quota.ts",
    ["if (!this.#rates.take(host, nowMs))", "if (false)"],
    [
      "tracker/account-quota.test.ts",
      "an address makes many accounts at once, then few, and takes nothing from another",
    ],
  ),
  hole(
    "lets one user be online on machines without end",
    "tracker/account-methods.ts",
    ["  refuseAnotherDevice(desk, device, name);\n", ""],
    [
      ACCOUNT_TESTS,
      "a user is online on so many machines and no more; one of them may always come back, and one that leaves makes room",
    ],
  ),
];

const GROUPS: readonly PlantedHole[] = [
  hole(
    "shows files to who is no member",
    "tracker/core/queries.ts",
    ["if (gid instanceof Failure || state.groups.isMember(gid, by)) return gid;", "return gid;"],
    ["tracker/file-methods.test.ts", "a piece list comes back as it was given, to members alone"],
  ),
  hole(
    "grants files to who is no member",
    "tracker/known-group.ts",
    ["if (isMember(state, gid, uid)) return;", "return;"],
    ["tracker/file-methods.test.ts", "following needs membership and a file that is known"],
  ),
  hole(
    "does not tell of a removal",
    "tracker/announcer.ts",
    ["for (const listener of [uid, ...this.#onlineMembers(gid)])", "for (const listener of [] as Uid[])"],
    [
      "tracker/group-methods.test.ts",
      "a removal is told to the user and cuts it off everywhere in the group",
    ],
  ),
];

const GRANTS: readonly PlantedHole[] = [
  hole(
    "takes a statement that nobody signed",
    SIGNED,
    ["if (!isSigned)", "if (false)"],
    ["wire/signed.test.ts", "a change of any single character is noticed"],
  ),
  hole(
    "takes a grant from another machine",
    SIGNED,
    ["if (found.fingerprint !== expected.fingerprint)", "if (false)"],
    [
      "transfer/grant-gate.test.ts",
      "refuses a grant of another group, another machine or an unknown tracker, and no grant at all",
    ],
  ),
  hole(
    "takes a grant of another group",
    SIGNED,
    ["if (found.gid !== expected.gid)", "if (false)"],
    [
      "transfer/grant-gate.test.ts",
      "refuses a grant of another group, another machine or an unknown tracker, and no grant at all",
    ],
  ),
  hole(
    "takes a grant that has expired",
    SIGNED,
    ["if (found.expiresMs <= expected.nowMs)", "if (false)"],
    ["wire/signed.test.ts", "expired, from the very millisecond on"],
  ),
  hole(
    "serves on when the grant has ended",
    SERVER,
    ["if (this.#gate.leftMs(channel.admission) > 0) return true;", "return true;"],
    [SERVER_TESTS, "without renewal ends the channel with the next request"],
  ),
  hole(
    "leaves a channel open on which nothing is said when its grant ends",
    SERVER,
    ["if (this.#isAdmitted(channel)) this.#watchExpiry(channel);", ""],
    [
      SERVER_TESTS,
      "ends the channel though nothing is said on it, and throws away what waits for a slow reader",
    ],
  ),
  hole(
    "sends what waits for a slow reader after its access has ended",
    SERVER,
    ["if (unsent > 0) link.close(refusal);", "void unsent;"],
    [SERVER_TESTS, "throws away what waits for a reader that is slow, and ends the link"],
  ),
  hole(
    "judges grants by its own clock",
    "transfer/engine.ts",
    ["nowMs: () => clock.nowMs() + authority.clockAheadMs(),", "nowMs: () => clock.nowMs(),"],
    [
      "transfer/engine.test.ts",
      "a seeder whose clock is wrong by 10 minutes serves a former member until its grant ends, and no longer",
    ],
  ),
  hole(
    "takes a grant that was signed in the moment of the removal",
    "transfer/grant-gate.ts",
    ["voidUntilMs + CLOCK_APART_WARN_MS", "voidUntilMs"],
    [
      "transfer/grant-gate.test.ts",
      "a revocation voids a grant of the same moment from a tracker whose clock is ahead, too",
    ],
  ),
  hole(
    "takes the grants of a stolen session after the change of the password",
    "transfer/grant-gate.ts",
    ['if (expiresMs <= this.#outdatedUntilMs(key, fingerprint)) return this.refuse("outdated");', ""],
    [
      "transfer/grant-gate.test.ts",
      "one that spares a machine voids what the user's other machines hold, and nothing of that one",
    ],
  ),
  hole(
    "does not tell a seeder that was away who was removed meanwhile",
    "tracker/account-methods.ts",
    ["desk.announcer.tellRemovals(device, link);", ""],
    [
      "tracker/group-methods.test.ts",
      "a seeder that was not connected hears at its login who was removed meanwhile, as long as a grant may run",
    ],
  ),
  hole(
    "serves a deleted group until everything else of it has ended",
    "client/tracker-news.ts",
    ["this.#engine.withdrawGroup(gid);", ""],
    ["client/client-app.test.ts", "a deleted group is served to nobody any more, before anything else ends"],
  ),
  hole(
    "looks at grants without end that do not count",
    "transfer/peer-link.ts",
    ["if (!this.#badGrants.take(this.#clock.monotonicMs()))", "if (false)"],
    [
      "transfer/peer-link.test.ts",
      "a peer that shows grants without end that do not count is dropped after some",
    ],
  ),
  hole(
    "hears messages without end that move nothing",
    "transfer/peer-link.ts",
    ["if (!this.#futile.take(this.#clock.monotonicMs()))", "if (false)"],
    ["transfer/peer-link.test.ts", "is dropped when it asks for what it is refused without end"],
  ),
  hole(
    "waits for ever for the hello of a peer",
    "transfer/peer-link.ts",
    ["if (!this.#greeted) this.close(", "if (false) this.close("],
    ["transfer/peer-link.test.ts", "and says no hello in time is dropped"],
  ),
  hole(
    "keeps a place for a peer that is admitted nowhere any more",
    "transfer/peer-link.ts",
    ["this.#connection.vouch(false);", ""],
    [
      "transfer/peer-link.test.ts",
      "is not vouched for: only while a channel is open that was admitted, or that is wanted from here",
    ],
  ),
  hole(
    "serves ranges that reach beyond a piece",
    SERVER,
    ["range.begin + range.length > served.table.pieceLength(piece)", "false"],
    [SERVER_TESTS, "beyond the end of a short last piece close the link"],
  ),
  hole(
    "takes a removed member's grant again",
    "transfer/grant-gate.ts",
    ['if (expiresMs <= (this.#removed.get(key) ?? 0)) return this.refuse("revoked");', ""],
    [
      SERVER_TESTS,
      "refuses the grants signed before it, for new channels and for those renewed, and admits the member again when that is told",
    ],
  ),
  hole(
    "lets a removed member's channels stand",
    SERVER,
    ["this.#cut(channel, this.#gate.refuse(why));", "void channel;"],
    [SERVER_TESTS, "cuts that user's channels of that group at once, and nobody else's"],
  ),
  hole(
    "sends the piece that it was reading when the member was removed",
    SERVER,
    ["if (!this.#isOpen(channel) || !this.#isAdmitted(channel)) {", "if (false) {"],
    [SERVER_TESTS, "while a piece is being read lets no byte of it leave"],
  ),
  hole(
    "tells strangers which files are here",
    SERVER,
    [
      "if (admission instanceof Failure) {\n      link.refuseGrant(number, admission);",
      'if (admission instanceof Failure) {\n      link.refuseGrant(number, this.find(gid, fileId) === undefined ? new Failure("unknown-file", "no") : admission);',
    ],
    [
      SERVER_TESTS,
      "not with a grant that has ended: refused with a reason, whether the file is there or not",
    ],
  ),
  hole(
    "takes any number of requests for pieces",
    "transfer/core/upload-slots.ts",
    ["if ((waiting ?? 0) >= REQUESTS_QUEUED_PER_CHANNEL_MAX)", "if (false)"],
    ["transfer/core/upload-slots.test.ts", "on what waits for each channel"],
  ),
  hole(
    "waits for ever for the word that a piece has arrived",
    "transfer/core/upload-slots.ts",
    ["if (now < one.beganMs + lateMs) return;", "return;"],
    [
      "transfer/core/upload-slots.test.ts",
      "is not held by a reader that never says that anything arrived: what is late counts no more",
    ],
  ),
  hole(
    "takes back requests as often as a source says that it gives pieces away",
    "transfer/core/peer-table.ts",
    [">= TAKE_BACK_MS_MIN", ">= 0"],
    [
      "transfer/core/download.test.ts",
      "moves nothing when it is said again, of all pieces, or by a stranger; and a flood of it costs few cancels",
    ],
  ),
];

const CONTENT: readonly PlantedHole[] = [
  hole(
    "writes a piece whose SHA-256 is wrong",
    "transfer/disk/piece-hash.ts",
    ["return startsWith(scratch, row.subarray(SHA1_BYTES, PIECE_HASH_BYTES));", "return true;"],
    [
      "transfer/disk/piece-jobs.test.ts",
      "writes nothing if the SHA-1 is right and the SHA-256 wrong, or the other way round",
    ],
  ),
  hole(
    "writes a piece whose SHA-1 is wrong",
    "transfer/disk/piece-hash.ts",
    ["if (!startsWith(scratch, row.subarray(0, SHA1_BYTES))) return false;", ""],
    [
      "transfer/disk/piece-jobs.test.ts",
      "writes nothing if the SHA-1 is right and the SHA-256 wrong, or the other way round",
    ],
  ),
  hole(
    "lists a file whose piece list is another's",
    "base/manifest.ts",
    ['if (fileIdOf(summary.size, rows) !== summary.fileId) return refuse("belongs to another file");', ""],
    ["tracker/file-methods.test.ts", "a share is refused unless its piece list is there and is that file's"],
  ),
  hole(
    "goes on asking one who sends wrong pieces",
    "transfer/core/peer-table.ts",
    ["wrong.size >= WRONG_PIECES_MAX", "wrong.size < 0"],
    [
      "transfer/core/download.test.ts",
      "too often ends with the peer: its requests go to others and it stays out",
    ],
  ),
];

const NAMES: readonly PlantedHole[] = [
  hole(
    "takes names that turn the direction of text",
    "base/text.ts",
    ['if (BIDIRECTIONAL.test(text)) return "a character that changes the direction of text";', ""],
    ["base/ids.test.ts", "names are put into one form and are one word"],
  ),
  hole(
    "takes a name that leads out of the folder",
    "transfer/disk/safe-path.ts",
    ['if (SEPARATOR.test(name)) return "leads into another folder";', ""],
    [
      "transfer/disk/safe-path.test.ts",
      "whatever comes out is one harmless component, with room for .part, and would come out again",
    ],
  ),
  hole(
    "follows a link below the destination",
    "transfer/disk/folder-chain.ts",
    ["if (there.isDirectory()) return true;", "return true;"],
    [
      "transfer/disk/download-opener.test.ts",
      "makes, reads and removes nothing where a link in the destination leads",
    ],
  ),
  hole(
    "lets one part of a name lead out of the destination",
    "transfer/disk/safe-path.ts",
    [
      'if (name instanceof Failure) return parts.length === 1 ? name : refuse("has a part that leads elsewhere");\n    safe.push(name);',
      "safe.push(name instanceof Failure ? part : name);",
    ],
    ["transfer/disk/safe-path.test.ts", "is refused if any part of it leads elsewhere"],
  ),
  hole(
    "makes a part file through a link",
    "transfer/disk/part-file.ts",
    ["open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode)", "open(path, O_RDWR | O_CREAT, mode)"],
    ["transfer/disk/part-file.test.ts", "is never made over something else, nor through a link"],
  ),
  hole(
    "overwrites what has the name of a finished download",
    "transfer/disk/exclusive-place.ts",
    [
      "if (await hasBothNames(from, to, calls)) await calls.unlink(from);",
      "if (true) await calls.rename(from, to);",
    ],
    ["transfer/disk/exclusive-place.test.ts", "never replaces a file, nor a link that leads nowhere"],
  ),
  hole(
    "serves what a link was swapped to",
    "transfer/disk/source-file.ts",
    ["if (!there.isFile() || !isSameFile(identityOf(there), now)) return replaced(path);", ""],
    ["transfer/disk/source-file.test.ts", "that was replaced, by a copy, a link or a folder, is replaced"],
  ),
  hole(
    "lets a stranger's text steer the terminal",
    "base/text.ts",
    ["return text.replace(UNSAFE_ON_TERMINAL, (found) =>", "return text.replace(/$^/gu, (found) =>"],
    ["repl/render.test.ts", "names and messages from elsewhere move no cursor"],
  ),
  hole(
    "leaves key files readable for others",
    "net/durable-file.ts",
    ["const OWNER_ONLY = 0o600;", "const OWNER_ONLY = 0o644;"],
    ["net/identity.test.ts", "is made once, for its owner's eyes only, and read from then on"],
  ),
  hole(
    "leaves a key file open that others may read",
    "net/durable-file.ts",
    ["if ((mode & OTHERS) !== 0)", "if (mode < 0)"],
    ["net/identity.test.ts", "is closed to them again at the next start, and is the same key"],
  ),
];

const HISTORY: readonly PlantedHole[] = [
  hole(
    "keeps lines with passwords in the history of the prompt",
    "repl/interactive-terminal.ts",
    ["this.#question !== undefined || this.#options.holdsPassword(line)", "this.#question !== undefined"],
    ["repl/terminal.test.ts", "a line that holds a password is not kept in the history"],
  ),
  hole(
    "keeps an answer that was typed ahead in the history of the prompt",
    "repl/interactive-terminal.ts",
    ["undefined || this.#question !== undefined || this.#options", "undefined && this.#options"],
    [
      "repl/terminal.test.ts",
      "a line typed ahead is kept when it is taken as a command, not when it answers a question",
    ],
  ),
  hole(
    "leaves the history of the prompt readable for others",
    "cli/line-history.ts",
    ["const FOR_ME_ALONE = 0o600;", "const FOR_ME_ALONE = 0o644;"],
    ["cli/line-history.test.ts", "nobody else may read it"],
  ),
];

export const PLANTED_HOLES: readonly PlantedHole[] = [
  ...CONNECTIONS,
  ...DIAL_BACKS,
  ...TRACKER_KEYS,
  ...ACCOUNTS,
  ...GROUPS,
  ...GRANTS,
  ...CONTENT,
  ...NAMES,
  ...HISTORY,
];
