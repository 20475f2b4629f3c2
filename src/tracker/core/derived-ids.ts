/**
 * The ids that a command makes, from the request id that its client chose: the same command at two trackers that
 * cannot see each other makes the same thing twice, and merging makes it one. Pure.
 *
 * A request id cannot be told from what derives of it, so no one can take another's.
 */
import type { Gid, JoinId, RequestId, Uid } from "../../base/ids.ts";
import type { AcceptId, RemovalId } from "../../wire/entry.ts";

function derive<T extends string>(what: string): (request: RequestId) => T {
  return (request) =>
    new Bun.CryptoHasher("sha256").update(`p2p-${what}-1\n${request}`).digest("hex").slice(0, 32) as T;
}

export const deriveUid = derive<Uid>("uid");
export const deriveGid = derive<Gid>("gid");
export const deriveJoinId = derive<JoinId>("join");
export const deriveAcceptId = derive<AcceptId>("accept");
export const deriveRemovalId = derive<RemovalId>("removal");
