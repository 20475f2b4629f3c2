/**
 * The entries of a tracker's log: what one tracker stores and every other can follow. No I/O.
 *
 * An entry is known for ever by its key (origin, sequence) and never changes. Bodies state what happened, in ids alone;
 * how they merge is for `tracker/core` to say. Piece lists are named by digest and never part of an entry. The stored
 * and sent form of a body is `encodeBody`: one body has one text, on every tracker. A body of a kind that this program
 * does not know is kept as that text, for the program that will know it.
 */
import * as v from "valibot";
import type { Failure } from "../base/failure.ts";
import type { JoinId } from "../base/ids.ts";
import {
  ENTRY_BODY_CHARS_MAX,
  ENTRY_IDS_MAX,
  ENTRY_KIND_CHARS_MAX,
  ENTRY_ORIGINS_MAX,
  PASSWORD_HASH_CHARS_MAX,
} from "../base/limits.ts";
import * as s from "./schema.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Hybrid logical time: 12 hex digits of milliseconds since 1970, 4 of a counter. Text order is time order. */
export type Stamp = Branded<"Stamp">;
/** One run of one tracker: its number (a label only), a dash, 64 random bits in hex made at that start. */
export type Origin = Branded<"Origin">;
/** `<stamp> <origin>`: text order is the order of claims. */
export type Claim = Branded<"Claim">;
/** Of one answer of an owner to a join request. */
export type AcceptId = Branded<"AcceptId">;
/** Of one removal of a member. */
export type RemovalId = Branded<"RemovalId">;

function text<T extends string>(form: RegExp, what: string) {
  return v.pipe(
    v.string(),
    v.regex(form, `not ${what}`),
    v.transform((value) => value as T),
  );
}

export const stamp = text<Stamp>(/^[0-9a-f]{16}$/, "a time stamp of 16 hex digits");
export const origin = text<Origin>(/^[1-9][0-9]{0,4}-[0-9a-f]{16}$/, "an origin (number-16 hex digits)");
export const joinId = text<JoinId>(/^[0-9a-f]{32}$/, "a join request id of 32 hex digits");
export const acceptId = text<AcceptId>(/^[0-9a-f]{32}$/, "an accept id of 32 hex digits");
export const removalId = text<RemovalId>(/^[0-9a-f]{32}$/, "a removal id of 32 hex digits");
export const passwordHash = v.pipe(v.string(), v.maxLength(PASSWORD_HASH_CHARS_MAX), v.regex(/^[ -~]+$/));
export const positive = v.pipe(s.whole, v.minValue(1));
const ids = <S extends v.GenericSchema>(id: S) => v.pipe(v.array(id), v.maxLength(ENTRY_IDS_MAX));

/** Sequences count from 1 without holes within one origin. */
export const entryKey = v.strictObject({ origin, seq: positive });
export type EntryKey = v.InferOutput<typeof entryKey>;

/** Who owned the group, as the tracker knew it: the creator at epoch 0, each transfer one more. */
const ownership = v.strictObject({ epoch: s.whole, uid: s.uid });

export const CLOSE_REASONS = ["left", "rejected", "removed"] as const;

export const entryBody = v.variant("kind", [
  v.strictObject({ kind: v.literal("account-created"), uid: s.uid, name: s.userName, passwordHash }),
  /**
   * `stamp` is above the one it replaces, at any skew of the clocks. By `replaces` a change that it has not seen shows.
   * `device` is the machine on which it was changed: what the user's others may do ends.
   */
  v.strictObject({
    kind: v.literal("password-changed"),
    uid: s.uid,
    passwordHash,
    stamp,
    replaces: v.optional(stamp),
    device: v.optional(s.fingerprint),
  }),

  v.strictObject({ kind: v.literal("group-created"), gid: s.gid, name: s.groupName, owner: s.uid }),
  v.strictObject({ kind: v.literal("group-deleted"), gid: s.gid }),
  /**
   * `from` is the owner of the epoch before; `vector` covers every accept in this group that the transfer has seen: the
   * greatest sequence for each origin that gave one.
   */
  v.strictObject({
    kind: v.literal("owner-transferred"),
    gid: s.gid,
    epoch: positive,
    from: s.uid,
    to: s.uid,
    vector: v.pipe(v.array(entryKey), v.maxLength(ENTRY_ORIGINS_MAX)),
  }),

  v.strictObject({ kind: v.literal("join-requested"), joinId, gid: s.gid, uid: s.uid }),
  /** `ownership` and `removals` are what the accepting tracker had seen of this group and this user. */
  v.strictObject({
    kind: v.literal("request-accepted"),
    joinId,
    gid: s.gid,
    uid: s.uid,
    acceptId,
    ownership,
    removals: ids(removalId),
    by: s.uid,
  }),
  v.strictObject({
    kind: v.literal("request-closed"),
    joinId,
    gid: s.gid,
    uid: s.uid,
    why: v.picklist(CLOSE_REASONS),
  }),
  /** `closes`: the requests of this user that the removing tracker knew. */
  v.strictObject({
    kind: v.literal("member-removed"),
    gid: s.gid,
    uid: s.uid,
    removalId,
    closes: ids(joinId),
  }),

  v.strictObject({
    kind: v.literal("file-added"),
    gid: s.gid,
    fileId: s.fileId,
    /** Absent where a content had one name in a group. */
    listingId: v.exactOptional(s.listingId),
    name: s.fileName,
    size: s.fileSize,
    sha1: s.sha1,
    digest: s.digest,
    attributes: v.exactOptional(s.attributes),
  }),
  /** `counter` counts the device's own changes of this share. */
  v.strictObject({
    kind: v.literal("share-set"),
    gid: s.gid,
    fileId: s.fileId,
    listingId: v.exactOptional(s.listingId),
    uid: s.uid,
    device: s.fingerprint,
    shared: v.boolean(),
    counter: s.whole,
  }),
]);
export type EntryBody = v.InferOutput<typeof entryBody>;
export type EntryKind = EntryBody["kind"];
export type BodyOf<K extends EntryKind> = Extract<EntryBody, { kind: K }>;

/** Of a kind that this program does not know: its whole text as `encodeBody` gives it, kept, passed on, not applied. */
export interface OpaqueBody {
  readonly kind: "opaque";
  readonly text: string;
}

/** Found by kind, not tried one after the other as `entryBody` does: half the time of reading an entry. */
const BODY_BY_KIND: ReadonlyMap<unknown, v.GenericSchema<unknown, EntryBody>> = new Map(
  entryBody.options.map((body) => [
    body.entries.kind.literal,
    body as unknown as v.GenericSchema<unknown, EntryBody>,
  ]),
);
/** The fields of each kind, in order. */
const FIELDS_BY_KIND: ReadonlyMap<string, readonly string[]> = new Map(
  entryBody.options.map(({ entries }) => [entries.kind.literal, Object.keys(entries).sort()]),
);

const opaqueBody = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, OpaqueBody>(({ dataset, addIssue, NEVER }) => {
    const { value } = dataset;
    const kind = isRecord(value) && value["kind"];
    if (typeof kind !== "string" || kind.length > ENTRY_KIND_CHARS_MAX || !/^[a-z][a-z0-9-]*$/.test(kind)) {
      addIssue({ message: "no kind of an entry" });
      return NEVER;
    }
    const text = canonicalText(value);
    if (text !== undefined && text.length <= ENTRY_BODY_CHARS_MAX) return { kind: "opaque", text };
    addIssue({ message: `the body is longer than ${ENTRY_BODY_CHARS_MAX} characters, or nested too deeply` });
    return NEVER;
  }),
);

export const entry = v.strictObject({
  key: entryKey,
  stamp,
  /** The command that made it, so that the same command again is answered and not redone, on every tracker. */
  request: s.requestId,
  body: v.lazy(
    (body): v.GenericSchema<unknown, EntryBody | OpaqueBody> =>
      isRecord(body) ? (BODY_BY_KIND.get(body["kind"]) ?? opaqueBody) : opaqueBody,
  ),
});
export type Entry = v.InferOutput<typeof entry>;

/** @param value as `JSON.parse` gives it for the text of an entry */
export function parseEntry(value: unknown): Entry | Failure {
  return s.check(entry, value);
}

/** The text of a whole entry; `parseEntry` takes what `JSON.parse` makes of it. */
export function encodeEntry({ key, stamp, request, body }: Entry): string {
  return entryText({ origin: key.origin, seq: key.seq, stamp, request, body: encodeBody(body) });
}

/** As `encodeEntry`, of an entry whose parts lie there as text. */
export function entryText(parts: {
  readonly origin: string;
  readonly seq: number;
  readonly stamp: string;
  readonly request: string;
  readonly body: string;
}): string {
  const { origin, seq, stamp, request, body } = parts;
  return `{"key":{"origin":"${origin}","seq":${seq}},"stamp":"${stamp}","request":"${request}","body":${body}}`;
}

/** The one text of a body: JSON with its keys in order. */
export function encodeBody(body: EntryBody | OpaqueBody): string {
  if (body.kind === "opaque") return body.text;
  const values: { readonly [field: string]: unknown } = body;
  const sorted: Record<string, unknown> = {};
  for (const field of FIELDS_BY_KIND.get(body.kind) ?? []) sorted[field] = inOrder(values[field]);
  return JSON.stringify(sorted);
}

/** @returns undefined for what is nested too deeply to be written */
function canonicalText(value: unknown): string | undefined {
  try {
    return JSON.stringify(inOrder(value));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The same value with the keys of its records in order. */
function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const fields = Object.entries(value).map(([key, part]) => [key, inOrder(part)] as const);
  return Object.fromEntries(fields.sort(([left], [right]) => (left < right ? -1 : 1)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
