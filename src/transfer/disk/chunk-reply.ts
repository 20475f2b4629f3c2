/** What the replies to chunks of hashing mean, for all who make chunks. */
import { assert } from "../../base/assert.ts";
import { Failure } from "../../base/failure.ts";
import { parseSha1, type Sha1 } from "../../base/ids.ts";
import { failureOfCode } from "./disk-failure.ts";
import type { JobReply } from "./worker-protocol.ts";

/** What the reply says is wrong with the file; undefined if nothing is. */
export function failureOfReply(reply: JobReply): Failure | undefined {
  if (reply.kind === "failed") return failureOfCode("cannot read the file", reply.code, reply.message);
  if (reply.kind !== "short") return undefined;
  return new Failure(
    "file-changed",
    "the file became shorter while it was read; wait until nothing writes to it",
  );
}

/** @param reply to the end of a run, one that is no failure */
export function digestOfReply(reply: JobReply): Sha1 | Failure {
  assert(reply.kind === "digest", `the end of a run is answered with its digest, not with ${reply.kind}`);
  return parseSha1(reply.sha1);
}
