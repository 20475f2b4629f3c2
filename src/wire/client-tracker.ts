/**
 * What a client and a tracker say to each other: one table of methods, one union of notices. No I/O.
 *
 * A request carries the method's name, its parameters and, for some, a tail of raw bytes; the tracker answers each with
 * the method's result or a failure, in any order. A notice comes from the tracker unasked and is not answered. Methods
 * that change something carry the command's `id`: the same id again, at whatever tracker, is answered and not redone.
 */
import * as v from "valibot";
import {
  BLOB_BYTES_MAX,
  LIST_PAGE_ROWS,
  NEW_FILES_PER_NOTICE_MAX,
  SHARES_PER_CALL_MAX,
  SMALL_FILES_PER_CALL_MAX,
  SOURCES_MAX,
  TRACKERS_MAX,
} from "../base/limits.ts";
import * as s from "./schema.ts";

export const CLIENT_TRACKER_VERSION = 1;

const nothing = v.object({});
const byId = { id: s.requestId };
const inGroup = { group: s.groupName };
/** A group that the client knows is meant by its id, whatever it is called by now; the name is then for messages only. */
const ofGroup = { ...inGroup, gid: v.optional(s.gid) };
const rows = <S extends v.GenericSchema>(row: S) => v.pipe(v.array(row), v.maxLength(LIST_PAGE_ROWS));
/** A list comes in pages: `after` is the last key of the page before; `next` is absent on the last page. */
const page = { after: v.optional(v.string()) };
const paged = <S extends v.GenericSchema>(row: S) =>
  v.object({ rows: rows(row), next: v.optional(v.string()) });

/** One that can be asked for pieces: where it listens and which key must be there. */
export const source = v.object({
  user: s.userName,
  uid: s.uid,
  fingerprint: s.fingerprint,
  address: s.address,
  /** Whether it has the whole file; others are downloading it and have part. */
  complete: v.boolean(),
});
export type Source = v.InferOutput<typeof source>;

export const fileView = v.object({
  name: s.fileName,
  /** Of this content under this name. */
  listingId: s.listingId,
  ...s.fileSummary.entries,
  attributes: v.optional(s.attributes),
  /** Machines online now that share it. */
  sources: s.whole,
  /** When it came to the group; absent from trackers of before. */
  addedMs: v.optional(s.whole),
});
export type FileView = v.InferOutput<typeof fileView>;

export const STANDINGS = ["owner", "member", "requested", "none"] as const;
export const groupView = v.object({
  name: s.groupName,
  owner: s.userName,
  members: s.whole,
  standing: v.picklist(STANDINGS),
});
export type GroupView = v.InferOutput<typeof groupView>;

export const memberView = v.object({ name: s.userName, owner: v.boolean(), online: v.boolean() });
export type MemberView = v.InferOutput<typeof memberView>;

/** Another tracker of the list, as the one that is asked sees it. Entries are counted, not told. */
export const trackerStanding = v.object({
  tracker: s.whole,
  reachable: v.boolean(),
  /** That the one asked has and the other is not known to have. */
  lacks: s.whole,
  /** The other way round. */
  ahead: s.whole,
});
export type TrackerStanding = v.InferOutput<typeof trackerStanding>;

/** A share of this user on this machine, as the tracker knows it. */
export const ownShare = v.object({
  group: s.groupName,
  gid: s.gid,
  name: s.fileName,
  /** Of this content under this name. */
  listingId: s.listingId,
  ...s.fileSummary.entries,
  shared: v.boolean(),
  /** Counts this machine's changes of this share; the next change carries a greater one. */
  counter: s.whole,
});
export type OwnShare = v.InferOutput<typeof ownShare>;

/** What is said of a content by a machine that shares it from now on. */
const oneShare = v.object({
  ...byId,
  name: s.fileName,
  file: s.fileSummary,
  counter: s.whole,
  attributes: v.optional(s.attributes),
});
export type OneShare = v.InferOutput<typeof oneShare>;

/** Something that happened to this user. */
export const news = v.variant("kind", [
  v.object({ kind: v.literal("join-request"), group: s.groupName, user: s.userName }),
  v.object({ kind: v.literal("accepted"), group: s.groupName }),
  v.object({ kind: v.literal("rejected"), group: s.groupName }),
  v.object({ kind: v.literal("removed"), group: s.groupName, gid: s.gid }),
  /** Who let this user in did not own the group any more: the request waits for the new owner's answer. */
  v.object({ kind: v.literal("accept-void"), group: s.groupName, gid: s.gid }),
  v.object({ kind: v.literal("ownership"), group: s.groupName, from: s.userName }),
  /** It was handed over twice at once, and not to this user in the end. */
  v.object({ kind: v.literal("ownership-lost"), group: s.groupName, to: s.userName }),
  v.object({ kind: v.literal("group-deleted"), group: s.groupName, gid: s.gid }),
  v.object({
    kind: v.literal("new-file"),
    group: s.groupName,
    name: s.fileName,
    user: s.userName,
    size: s.fileSize,
  }),
  /** An earlier claim to the name of this account, of a group or of a shared file came to light, or went. */
  v.object({ kind: v.literal("user-renamed"), from: s.userName, name: s.userName }),
  v.object({ kind: v.literal("group-renamed"), gid: s.gid, from: s.groupName, group: s.groupName }),
  v.object({
    kind: v.literal("file-renamed"),
    gid: s.gid,
    listingId: s.listingId,
    group: s.groupName,
    from: s.fileName,
    name: s.fileName,
  }),
  /** The password was changed twice, on trackers that could not see each other: one of the two does not count. */
  v.object({ kind: v.literal("password-lost") }),
]);
export type News = v.InferOutput<typeof news>;

const session = v.object({
  uid: s.uid,
  name: s.userName,
  /** Signed by a tracker, bound to this client's key; opens a session at any tracker without the password. */
  token: s.shortText,
  /** What happened while this user was offline, oldest first. */
  news: v.array(news),
});

/** Ed25519 public keys (SPKI DER, base64url) of the trackers whose signatures count at this one. */
const keys = v.pipe(v.array(s.shortText), v.maxLength(TRACKERS_MAX));

/** Where this client listens for peers. The tracker puts the address that it sees in place of a wildcard host. */
const listening = s.address;

export const METHODS = {
  /** First on every connection. Tells who the tracker is and which keys sign grants. */
  hello: {
    params: v.object({
      version: v.literal(CLIENT_TRACKER_VERSION),
      program: s.shortText,
      /** It takes notices of the kind "new-files"; clients of before do not, and hear of each file. */
      newFiles: v.optional(v.boolean()),
    }),
    result: v.object({
      tracker: s.whole,
      clockMs: s.whole,
      keys,
    }),
  },
  ping: { params: nothing, result: nothing },
  /** How this tracker stands with the others of its list, for whoever looks after it. Numbers only: it needs no session. */
  status: {
    params: nothing,
    result: v.object({
      program: s.shortText,
      others: v.pipe(v.array(trackerStanding), v.maxLength(TRACKERS_MAX)),
    }),
  },
  /**
   * Whether this machine can be reached: the tracker dials the address that the request comes from, at this port, and
   * says whether the key of this very connection is there. Of nobody, and of anybody else, it says the same, and as late.
   */
  dial_back: { params: v.object({ port: s.port }), result: v.object({ reached: v.boolean() }) },

  create_user: { params: v.object({ ...byId, name: s.userName, password: s.password }), result: nothing },
  login: { params: v.object({ name: s.userName, password: s.password, listening }), result: session },
  /** Login by token: after a reconnect, at this or another tracker. */
  resume: { params: v.object({ token: s.shortText, listening }), result: session },
  logout: { params: nothing, result: nothing },
  /** Ends this user's other sessions; this one goes on with the token given back. */
  change_password: {
    params: v.object({ ...byId, old: s.password, new: s.password }),
    result: v.object({ token: s.shortText }),
  },

  create_group: { params: v.object({ ...byId, ...inGroup }), result: nothing },
  delete_group: { params: v.object({ ...byId, ...inGroup }), result: nothing },
  join_group: { params: v.object({ ...byId, ...inGroup }), result: nothing },
  leave_group: { params: v.object({ ...byId, ...inGroup }), result: nothing },
  accept_request: { params: v.object({ ...byId, ...inGroup, user: s.userName }), result: nothing },
  reject_request: { params: v.object({ ...byId, ...inGroup, user: s.userName }), result: nothing },
  remove_member: { params: v.object({ ...byId, ...inGroup, user: s.userName }), result: nothing },
  transfer_owner: { params: v.object({ ...byId, ...inGroup, user: s.userName }), result: nothing },

  list_groups: { params: v.object(page), result: paged(groupView) },
  list_requests: { params: v.object({ ...inGroup, ...page }), result: paged(s.userName) },
  list_members: { params: v.object({ ...inGroup, ...page }), result: paged(memberView) },
  /** Every page says which group it is, for those who mean it whatever it is called later. */
  list_files: {
    params: v.object({ ...ofGroup, ...page }),
    result: v.object({ ...paged(fileView).entries, gid: v.optional(s.gid) }),
  },
  /** Files of all my groups whose name holds the text, without regard to case. */
  search: {
    params: v.object({ text: s.shortText, ...page }),
    result: paged(v.object({ group: s.groupName, file: fileView })),
  },

  /** What this machine shared when it was last here, stopped ones too: asked once after login. */
  own_shares: { params: v.object(page), result: paged(ownShare) },
  /** Whether the tracker holds this piece list, for a member of the group. */
  has_blob: { params: v.object({ ...ofGroup, digest: s.digest }), result: v.object({ has: v.boolean() }) },
  /** One part of a piece list, in the tail; parts in order from offset 0; kept once the digest is right. */
  put_blob: {
    params: v.object({
      ...ofGroup,
      digest: s.digest,
      offset: s.whole,
      total: v.pipe(s.whole, v.maxValue(BLOB_BYTES_MAX)),
    }),
    result: nothing,
  },
  /** One part of a piece list: comes back in the tail. */
  get_blob: {
    params: v.object({ ...ofGroup, digest: s.digest, offset: s.whole }),
    result: v.object({ total: v.pipe(s.whole, v.maxValue(BLOB_BYTES_MAX)) }),
  },
  /**
   * This machine shares this content under this name from now on. The tracker must hold the piece list, or it comes whole
   * in the tail. The attributes count if it is new in the group. The answer says which listing it is, and what that is called.
   */
  share: {
    params: v.object({ ...ofGroup, ...oneShare.entries }),
    result: v.object({ gid: s.gid, listingId: s.listingId, name: s.fileName }),
  },
  /**
   * Several shares in one step, each with an id of its own and answered by itself: what is refused stops no other. The tail
   * has the piece lists of all of them, one behind the other, or is empty.
   */
  share_many: {
    params: v.object({
      ...ofGroup,
      shares: v.pipe(v.array(oneShare), v.minLength(1), v.maxLength(SHARES_PER_CALL_MAX)),
    }),
    result: v.object({
      gid: s.gid,
      /** In the order asked: which listing it is and what that is called, or why it is not shared. */
      outcomes: v.pipe(
        v.array(
          v.object({
            listingId: v.optional(s.listingId),
            name: v.optional(s.fileName),
            failure: v.optional(s.failure),
          }),
        ),
        v.maxLength(SHARES_PER_CALL_MAX),
      ),
    }),
  },
  /** Of one name alone: the content may be shared on under others. */
  stop_share: {
    params: v.object({ ...byId, ...ofGroup, listingId: s.listingId, counter: s.whole }),
    result: nothing,
  },
  /** What is known of a file, by its name. */
  find_file: {
    params: v.object({ ...ofGroup, name: s.fileName }),
    result: v.object({
      gid: s.gid,
      listingId: s.listingId,
      name: s.fileName,
      file: s.fileSummary,
      attributes: v.optional(s.attributes),
    }),
  },
  /**
   * Says that this machine downloads the content: it gets the sources, who share it under whatever name, `source` notices for new ones until `unfollow`, and
   * becomes a source itself for the others.
   */
  follow: {
    params: v.object({ gid: s.gid, fileId: s.fileId, listingId: v.optional(s.listingId) }),
    result: v.object({
      sources: v.pipe(v.array(source), v.maxLength(SOURCES_MAX)),
      /** When somebody last shared it, for "last seen"; 0 if never known. */
      lastSeenMs: s.whole,
      /** What both are called now: of the names of the content that of the listing meant, or any. */
      group: s.groupName,
      name: s.fileName,
    }),
  },
  unfollow: { params: v.object({ gid: s.gid, fileId: s.fileId }), result: nothing },
  /**
   * All that fetching these contents of one piece takes: who shares them whole, under whatever name, and, one behind the other in the tail, the piece
   * lists of those that have a source in the answer. It follows nothing. A file that is not listed, larger, or whose list is
   * not here has none.
   */
  find_small: {
    params: v.object({
      gid: s.gid,
      fileIds: v.pipe(v.array(s.fileId), v.minLength(1), v.maxLength(SMALL_FILES_PER_CALL_MAX)),
    }),
    result: v.object({
      sources: v.pipe(v.array(source), v.maxLength(SOURCES_MAX)),
      /** For each file asked about, in that order, which of the sources have it: their places in the list above. */
      sharedBy: v.pipe(
        v.array(v.pipe(v.array(v.pipe(s.whole, v.maxValue(SOURCES_MAX - 1))), v.maxLength(SOURCES_MAX))),
        v.maxLength(SMALL_FILES_PER_CALL_MAX),
      ),
    }),
  },
  /** A fresh grant to show to seeders of the group. */
  grant: { params: v.object({ gid: s.gid }), result: v.object({ grant: s.shortText, expiresMs: s.whole }) },
} as const;

export type Method = keyof typeof METHODS;
export type Params<M extends Method> = v.InferOutput<(typeof METHODS)[M]["params"]>;
export type Result<M extends Method> = v.InferOutput<(typeof METHODS)[M]["result"]>;

/** What a tracker says unasked. */
export const notice = v.variant("kind", [
  v.object({ kind: v.literal("news"), news }),
  /** The news of several new files of one user in one group. */
  v.object({
    kind: v.literal("new-files"),
    ...inGroup,
    user: s.userName,
    files: v.pipe(
      v.array(v.object({ name: s.fileName, size: s.fileSize })),
      v.minLength(1),
      v.maxLength(NEW_FILES_PER_NOTICE_MAX),
    ),
  }),
  /** A source of a followed file came online, began to download, or became complete. */
  v.object({ kind: v.literal("source"), gid: s.gid, fileId: s.fileId, source }),
  /**
   * That user has no access to that group any more: cut its transfers at once, whatever its grant says. With `except` it
   * is a member still, but has changed its password on the machine with that key, whose transfers alone go on.
   */
  v.object({ kind: v.literal("revoked"), gid: s.gid, uid: s.uid, except: v.optional(s.fingerprint) }),
  /** That user, of whom `revoked` was said not long ago, is a member again. */
  v.object({ kind: v.literal("readmitted"), gid: s.gid, uid: s.uid }),
  /** This session has ended (password changed elsewhere, log-out elsewhere by token). */
  v.object({ kind: v.literal("session-ended"), message: s.shortText }),
  /**
   * No other tracker has the command that is answered next, and so it goes on until `together`: all others of the `of`
   * trackers listed, this one among them, are out of reach.
   */
  v.object({ kind: v.literal("alone"), of: v.pipe(s.whole, v.minValue(2)) }),
  /** Another tracker has the command that is answered next, and so it goes on until `alone`. */
  v.object({ kind: v.literal("together") }),
  /** Another tracker was met: in place of those that hello named. */
  v.object({ kind: v.literal("keys"), keys }),
]);
export type Notice = v.InferOutput<typeof notice>;
