/**
 * The id of a listing: one content under one name in a group. Pure.
 *
 * It is made of both, so that trackers which list the same content under the same name without seeing each other make one
 * listing. A listing of before, when a content had one name in a group, is known by its file id: what is stored of it holds no
 * listing id, and what is stored of others never holds one that is their file id.
 */
import { type FileId, type FileName, type ListingId, nameKey } from "./ids.ts";

/** How a listing is stored. */
export interface ListingRef {
  readonly fileId: FileId;
  readonly listingId?: ListingId;
}

export function listingIdOf(fileId: FileId, name: FileName): ListingId {
  const text = `p2p-listing-1\n${fileId}\n${nameKey(name)}`;
  return new Bun.CryptoHasher("sha256").update(text).digest("hex") as ListingId;
}

export function listingOf({ fileId, listingId }: ListingRef): ListingId {
  return listingId ?? (fileId as string as ListingId);
}

/** Its fields, in the order in which rows and entries have them. */
export function listingRef(fileId: FileId, listingId: ListingId): ListingRef {
  return (listingId as string) === fileId ? { fileId } : { fileId, listingId };
}
