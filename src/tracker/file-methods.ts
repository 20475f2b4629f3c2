/**
 * Files: piece lists, who shares what, who downloads, and the grants that downloads need.
 *
 * Whatever names a group is held against the caller's membership first. A piece list is known by its digest alone: who
 * can name one has seen the file it belongs to.
 */
import { Failure, orThrow, toFailure } from "../base/failure.ts";
import type { Digest, FileName, Gid, ListingId } from "../base/ids.ts";
import { BLOB_PART_BYTES, GRANT_LIFETIME_MS, PIECE_BYTES, TEXT_CHARS_MAX } from "../base/limits.ts";
import { listingIdOf } from "../base/listing-id.ts";
import { type FileSummary, Manifest, pieceCount, SHA1_BYTES, SHA256_BYTES } from "../base/manifest.ts";
import type { FileView, OneShare, Result } from "../wire/client-tracker.ts";
import { sign } from "../wire/signed.ts";
import { carryOut } from "./carry-out.ts";
import { listedSame } from "./core/decide-shares.ts";
import { stampMs } from "./core/hybrid-time.ts";
import {
  type FileRow,
  findFile as fileNamed,
  listFiles as filesPage,
  groupName,
  listedContent,
  listedFile,
  memberGroupNamed,
  ownShares as ownSharesPage,
  searchFiles,
  sharersOf,
  userName,
} from "./core/queries.ts";
import { type CallerMethod, type Desk, WithTail } from "./desk.ts";
import { mapRows } from "./group-methods.ts";
import { nameNow, requireMember } from "./known-group.ts";
import type { FileRef } from "./presence.ts";
import { SourceTable } from "./source-table.ts";
import { sourcesOf } from "./sources.ts";

interface ListingNow {
  readonly listingId: ListingId;
  readonly name: FileName;
}

type Outcome = Result<"share_many">["outcomes"][number];

// --- lists ---

export const listFiles: CallerMethod<"list_files"> = (desk, { uid }, { after, ...meant }) => {
  const group = nameNow(desk.state, uid, meant);
  const page = orThrow(filesPage(desk.state, uid, group, after));
  return {
    ...mapRows(page, (row) => fileView(desk, row)),
    gid: orThrow(memberGroupNamed(desk.state, uid, group)),
  };
};

export const search: CallerMethod<"search"> = (desk, { uid }, { text, after }) =>
  mapRows(searchFiles(desk.state, uid, text, after), ({ group, file }) => ({
    group,
    file: fileView(desk, file),
  }));

export const findFile: CallerMethod<"find_file"> = ({ state }, { uid }, { name, ...group }) =>
  orThrow(fileNamed(state, uid, nameNow(state, uid, group), name));

export const ownShares: CallerMethod<"own_shares"> = ({ state }, { uid, fingerprint }, { after }) =>
  ownSharesPage(state, { uid, device: fingerprint }, after);

// --- piece lists ---

export const hasBlob: CallerMethod<"has_blob"> = ({ state, store }, { uid }, { digest, ...group }) => {
  orThrow(memberGroupNamed(state, uid, nameNow(state, uid, group)));
  return { has: store.hasBlob(digest) };
};

export const putBlob: CallerMethod<"put_blob"> = (desk, { link, uid }, params, tail) => {
  const { digest, offset, total } = params;
  orThrow(memberGroupNamed(desk.state, uid, nameNow(desk.state, uid, params)));
  if (total % (SHA1_BYTES + SHA256_BYTES) !== 0)
    throw new Failure("invalid-input", `no piece list is ${total} bytes long`);
  if (desk.store.hasBlob(digest)) return {};
  const whole = orThrow(desk.uploads.add(link, { digest, offset, total, bytes: tail }));
  if (whole === undefined) return {};
  for (let at = 0; at === 0 || at < total; at += BLOB_PART_BYTES)
    desk.store.putBlob(digest, at, whole.subarray(at, at + BLOB_PART_BYTES), total);
  return {};
};

/** One that was put at another tracker may not be here yet. */
export const getBlob: CallerMethod<"get_blob"> = async (desk, { uid }, { digest, offset, ...group }) => {
  const { state, store, cluster } = desk;
  orThrow(memberGroupNamed(state, uid, nameNow(state, uid, group)));
  await cluster.blobs.ensure(digest);
  const total = store.blobTotal(digest);
  const bytes = store.getBlob(digest, offset, BLOB_PART_BYTES);
  if (total === undefined || bytes === undefined)
    throw new Failure("unknown-file", `this tracker does not hold the piece list ${digest}`);
  return new WithTail({ total }, bytes);
};

// --- sharing ---

export const share: CallerMethod<"share"> = async (desk, caller, params, tail) => {
  const { uid: by, fingerprint: device } = caller;
  const { id: request, name, file, counter, attributes } = params;
  const gid = orThrow(memberGroupNamed(desk.state, by, nameNow(desk.state, by, params)));
  if (isNewHere(desk, gid, file)) {
    if (tail.length > 0 && !desk.store.hasBlob(file.digest)) keepPieceList(desk, file, tail);
    checkPieceList(desk, file);
    // With the entry alone another tracker could list the file, but hand it to nobody.
    await desk.cluster.spreadBlob(file.digest);
  }
  const group = nameNow(desk.state, by, { ...params, gid });
  const command = {
    kind: "share-file",
    request,
    by,
    device,
    group,
    name,
    file,
    counter,
    attributes,
  } as const;
  return carryOut(desk, caller.link, command, (state) => ({
    gid,
    ...listingNow(state, gid, { name, file }),
  }));
};

/** All in one turn of the event loop, and so in one transaction. */
export const shareMany: CallerMethod<"share_many"> = async (desk, caller, { shares, ...meant }, tail) => {
  const { uid: by, fingerprint: device, link } = caller;
  const gid = orThrow(memberGroupNamed(desk.state, by, nameNow(desk.state, by, meant)));
  const fresh = shares.filter(({ file }) => isNewHere(desk, gid, file));
  const unlisted = keepPieceLists(desk, shares, tail, fresh);
  await Promise.all(fresh.map(({ file }) => desk.cluster.spreadBlob(file.digest)));
  const group = nameNow(desk.state, by, { ...meant, gid });
  const outcomes = shares.map(async (share): Promise<ListingNow> => {
    const failure = unlisted.get(share);
    if (failure !== undefined) throw failure;
    const { id: request, name, file, counter, attributes } = share;
    const told = { request, by, device, group, name, file, counter, attributes };
    return carryOut(desk, link, { kind: "share-file", ...told }, (state) =>
      listingNow(state, gid, { name, file }),
    );
  });
  return { gid, outcomes: (await Promise.allSettled(outcomes)).map(outcomeOf) };
};

/** What was shared, as it is called. */
function listingNow(state: Desk["state"], gid: Gid, share: Pick<OneShare, "name" | "file">): ListingNow {
  const listingId = listedSame(state, gid, share) ?? listingIdOf(share.file.fileId, share.name);
  return { listingId, name: listedFile(state, gid, listingId)?.name ?? share.name };
}

/** A refusal is the one share's own; that this tracker cannot go on is everybody's. @throws Failure */
function outcomeOf(settled: PromiseSettledResult<ListingNow>): Outcome {
  if (settled.status === "fulfilled") return settled.value;
  const failure = toFailure(settled.reason);
  if (failure.code === "disk-error" || failure.code === "try-another") throw failure;
  const { code, message } = failure;
  return { failure: { code, message: message.slice(0, TEXT_CHARS_MAX) } };
}

export const stopShare: CallerMethod<"stop_share"> = (desk, caller, params) => {
  const { uid: by, fingerprint: device, link } = caller;
  const { id: request, listingId, counter } = params;
  const group = nameNow(desk.state, by, params);
  const command = { kind: "stop-share", request, by, device, group, listingId, counter } as const;
  return carryOut(desk, link, command, () => ({}));
};

// --- downloading ---

export const follow: CallerMethod<"follow"> = (desk, caller, { gid, fileId, listingId }) => {
  const { state, presence, announcer, clock } = desk;
  const file = { gid, fileId };
  requireMember(desk.state, gid, caller.uid);
  const group = groupName(state, gid);
  const name = nameOfContent(state, file, listingId);
  if (group === undefined || name === undefined)
    throw new Failure("unknown-file", "no such file in that group");
  orThrow(presence.follow(caller, file));
  const by = { uid: caller.uid, device: caller.fingerprint };
  announcer.sourceAppeared(caller, file, state.shares.sharesContent(gid, fileId, by));
  const sources = sourcesOf(state, presence, file, caller, desk.prng);
  const isHere = sources.some(({ complete }) => complete);
  return { sources, lastSeenMs: isHere ? clock.nowMs() : lastSeenMs(desk, file), group, name };
};

/** That of the listing meant, or any that it has or had. */
function nameOfContent(
  { shares }: Desk["state"],
  { gid, fileId }: FileRef,
  meant: ListingId | undefined,
): FileName | undefined {
  const all = [...shares.ofContent(gid, fileId)];
  const [listingId] = [
    ...all.filter((each) => each === meant),
    ...all.filter((each) => shares.isListed(gid, each)),
    ...all,
  ];
  return listingId === undefined ? undefined : shares.name(gid, listingId);
}

export const unfollow: CallerMethod<"unfollow"> = ({ presence }, caller, { gid, fileId }) => {
  presence.unfollow(caller, { gid, fileId });
  return {};
};

/** Asks no other tracker and tells nobody: whoever is not served so follows the file as any other. */
export const findSmall: CallerMethod<"find_small"> = (desk, caller, { gid, fileIds }) => {
  const { state, presence, store, prng } = desk;
  requireMember(state, gid, caller.uid);
  const table = new SourceTable();
  const lists: Uint8Array[] = [];
  const files = fileIds.map((fileId) => listedContent(state, gid, fileId));
  const digests = files.flatMap((file) => (file === undefined ? [] : [file.digest]));
  const pieceLists = store.getBlobs(digests, SHA1_BYTES + SHA256_BYTES);
  const sharedBy = files.map((file) => {
    const rows = file === undefined ? undefined : pieceLists.get(file.digest);
    if (file === undefined || rows === undefined || file.size > PIECE_BYTES) return [];
    const { fileId } = file;
    const sources = sourcesOf(state, presence, { gid, fileId }, caller, prng).filter(
      ({ complete }) => complete,
    );
    const places = table.places(sources);
    if (places.length > 0) lists.push(rows);
    return places;
  });
  return new WithTail({ sources: table.sources, sharedBy }, Buffer.concat(lists));
};

export const grant: CallerMethod<"grant"> = (desk, { uid, fingerprint }, { gid }) => {
  requireMember(desk.state, gid, uid);
  const expiresMs = desk.clock.nowMs() + GRANT_LIFETIME_MS;
  const user = userName(desk.state, uid);
  return {
    grant: sign({ purpose: "grant", gid, uid, user, fingerprint, expiresMs }, desk.signingKey),
    expiresMs,
  };
};

function isNewHere({ state }: Desk, gid: Gid, file: FileSummary): boolean {
  for (const listingId of state.shares.ofContent(gid, file.fileId)) {
    const known = state.shares.file(gid, listingId);
    if (known?.digest === file.digest && known.size === file.size) return false;
  }
  return true;
}

/** One that came with its share: of a file that is not too large for a single message. */
function keepPieceList({ store }: Desk, file: FileSummary, rows: Uint8Array): void {
  if (rows.length > BLOB_PART_BYTES)
    throw new Failure("invalid-input", `a piece list of ${rows.length} bytes comes in parts`);
  orThrow(Manifest.check(file, rows));
  store.putBlob(file.digest, 0, rows, rows.length);
}

/**
 * Those that came with shares of several files, and what is wrong with the others.
 * @throws Failure "invalid-input" for lists that are not those of all the files
 */
function keepPieceLists(
  desk: Desk,
  shares: readonly OneShare[],
  tail: Uint8Array,
  fresh: readonly OneShare[],
): ReadonlyMap<OneShare, Failure> {
  const given = tail.length === 0 ? new Map<OneShare, Uint8Array>() : cutLists(shares, tail);
  const wrong = new Map<OneShare, Failure>();
  const kept = new Map<Digest, Uint8Array>();
  for (const share of fresh) {
    const rows = given.get(share);
    const checked = rows === undefined ? pieceListOf(desk, share.file) : Manifest.check(share.file, rows);
    if (checked instanceof Failure) wrong.set(share, checked);
    else if (rows !== undefined) kept.set(share.file.digest, rows);
  }
  if (kept.size > 0) desk.store.putBlobs(kept);
  return wrong;
}

/** @throws Failure "invalid-input" */
function cutLists(shares: readonly OneShare[], tail: Uint8Array): Map<OneShare, Uint8Array> {
  let at = 0;
  const lists = new Map<OneShare, Uint8Array>();
  for (const share of shares) {
    const bytes = pieceCount(share.file.size) * (SHA1_BYTES + SHA256_BYTES);
    lists.set(share, tail.subarray(at, at + bytes));
    at += bytes;
  }
  if (at === tail.length && at <= BLOB_PART_BYTES) return lists;
  throw new Failure(
    "invalid-input",
    `${tail.length} bytes are not the piece lists of these files: those have ${at}, of ${BLOB_PART_BYTES} at most`,
  );
}

/** A new file is held against its piece list: nobody can list what nobody could verify. */
function checkPieceList(desk: Desk, file: FileSummary): void {
  orThrow(pieceListOf(desk, file));
}

function pieceListOf({ store }: Desk, file: FileSummary): Manifest | Failure {
  const total = store.blobTotal(file.digest);
  const rows = total === undefined ? undefined : store.getBlob(file.digest, 0, total);
  if (rows !== undefined) return Manifest.check(file, rows);
  return new Failure("no-piece-list", "the tracker does not hold the file's piece list: upload it first");
}

/** When a machine that shares the file whole was online last: for certain when it told of the share. */
function lastSeenMs({ state, presence }: Desk, { gid, fileId }: FileRef): number {
  let latest = 0;
  for (const { uid, device, stamp } of sharersOf(state, gid, fileId))
    latest = Math.max(latest, stampMs(stamp), presence.lastSeenMs({ uid, fingerprint: device }));
  return latest;
}

function fileView({ presence }: Desk, { sharers, ...file }: FileRow): FileView {
  let sources = 0;
  for (const { uid, device } of sharers)
    if (presence.find({ uid, fingerprint: device }) !== undefined) sources++;
  return { ...file, sources };
}
