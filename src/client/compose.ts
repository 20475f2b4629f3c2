/** Puts the real parts of a client together: key, sockets, workers, disk. The only file of the client that knows them all. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { toFailure } from "../base/failure.ts";
import { PEER_CONNECTIONS_MAX, PEER_CONNECTIONS_PER_ADDRESS_MAX } from "../base/limits.ts";
import { newRequestId, randomSeed } from "../base/random.ts";
import { systemClock } from "../base/system-clock.ts";
import { loadOrMakeIdentity } from "../net/identity.ts";
import { KnownTrackers } from "../net/known-trackers.ts";
import { TlsTcpTransport } from "../net/tls-tcp.ts";
import { discardDownload, downloadOpener } from "../transfer/disk/download-opener.ts";
import { HashJournals } from "../transfer/disk/hash-journals.ts";
import { HashPool } from "../transfer/disk/hash-pool.ts";
import { SmallFiles } from "../transfer/disk/small-files.ts";
import { createTransferEngine } from "../transfer/engine.ts";
import type { ClientOptions, ClientParts } from "./client-parts.ts";
import { trackerDialler } from "./dial-tracker.ts";
import { DiskFiles } from "./disk-files.ts";
import { Library } from "./library.ts";
import { PieceListCache } from "./piece-list-cache.ts";

/** @throws Failure if the data folder cannot be used */
export async function openClientParts({ trackers, dataFolder, log }: ClientOptions): Promise<ClientParts> {
  const clock = systemClock;
  const identity = await loadOrMakeIdentity(dataFolder);
  const known = await KnownTrackers.open(dataFolder);
  const lists = await PieceListCache.open(join(dataFolder, "piece-lists"));
  const hashJournals = await HashJournals.open(join(dataFolder, "hash-journals"));
  const journals = join(dataFolder, "journals");
  await mkdir(journals, { recursive: true, mode: 0o700 });
  const library = Library.open(join(dataFolder, "client.sqlite"), (message) => log.warn(message));
  await lists.sweep(library.digests());
  const report = (error: unknown) => log.warn(toFailure(error).message);
  const transport = new TlsTcpTransport(
    { identity, clock, report },
    { connectionsMax: PEER_CONNECTIONS_MAX, perAddressMax: PEER_CONNECTIONS_PER_ADDRESS_MAX },
  );
  const workers = new HashPool();
  const openDownload = downloadOpener({ workers, clock });
  const smallFiles = new SmallFiles((job) => workers.runSmall(job), clock);
  return {
    clock,
    fingerprint: identity.fingerprint,
    dial: trackerDialler({ transport, known, clock, log }, trackers),
    workers,
    files: new DiskFiles({ workers, workingFolder: resolve() }),
    lists,
    hashJournals,
    library,
    createEngine: (authority, events) =>
      createTransferEngine({
        transport,
        workers,
        smallFiles,
        openDownload,
        discardDownload,
        clock,
        authority,
        events,
        seed: randomSeed(),
      }),
    newRequestId,
    journalPath: (uid, gid, listingId) => join(journals, `${uid}.${gid}.${listingId}`),
    async close() {
      await workers.close();
      library.close();
    },
  };
}
