/** What the replies to chunks of hashing mean, for all who make chunks. */
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

export function digestOfReply(reply: JobReply): Sha1 | Failure {
  return reply.kind === "digest"
    ? parseSha1(reply.sha1)
    : new Failure("internal", `a worker answered ${reply.kind} instead of a digest`);
}
