import { expect, test } from "bun:test";
import { failureOf } from "../../testing/failure-of.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { manifestOf } from "../../testing/service-clients.ts";
import { ReplicaLink, type ReplicaLinkDependencies } from "./replica-link.ts";

test("a tracker that is not met, or has gone meanwhile, is asked for no piece list", async () => {
  const entry = { no: 2, address: { host: "127.0.0.1", port: 5002 }, pin: undefined };
  const link = new ReplicaLink(entry, { clock: new ManualClock() } as unknown as ReplicaLinkDependencies);
  const { digest } = manifestOf("film.mkv").summary;
  for (const asked of [link.getBlob(digest, 0), link.keepBlob(digest)])
    expect(await failureOf(asked)).toMatchObject({
      code: "tracker-unreachable",
      message: "tracker 2 at 127.0.0.1:5002 is out of reach",
    });
});
