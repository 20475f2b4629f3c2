/**
 * A downloader in a process of its own, to be killed at any moment: the real engine on real sockets, threads and disk,
 * without tracker and prompt, which would only make it start more slowly.
 *
 * It says on standard output, each line written before anything else happens: `ready`, `resumed N`, `piece N` once the
 * N-th piece of this run is on its way to the journal, `phase <kind>`, `ended <how>`. Then it ends; it never ends otherwise by itself.
 */

import { writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { defined } from "../base/assert.ts";
import { orThrow } from "../base/failure.ts";
import type { Fingerprint, Gid, Sha1, Uid, UserName } from "../base/ids.ts";
import { PEER_CONNECTIONS_MAX } from "../base/limits.ts";
import { Manifest } from "../base/manifest.ts";
import { randomSeed } from "../base/random.ts";
import { systemClock } from "../base/system-clock.ts";
import { parseIdentity } from "../net/certificate.ts";
import { TlsTcpTransport } from "../net/tls-tcp.ts";
import type { DownloadFile, OpenDownload } from "../transfer/disk/contract.ts";
import { discardDownload, downloadOpener } from "../transfer/disk/download-opener.ts";
import { HashPool } from "../transfer/disk/hash-pool.ts";
import { createTransferEngine } from "../transfer/engine.ts";
import { realDownloaderOrder } from "./real-downloader-order.ts";

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/** Says of each piece that it was recorded. */
function telling(open: OpenDownload): OpenDownload {
  let pieces = 0;
  return async (...args) => {
    const opened = await open(...args);
    if (opened.kind !== "open") return opened;
    say(`resumed ${opened.download.resumed.count}`);
    const recordWritten: DownloadFile["recordWritten"] = (piece) => {
      const recorded = opened.download.recordWritten(piece);
      say(`piece ${++pieces}`);
      return recorded;
    };
    const download = new Proxy(opened.download, {
      get: (target, key) => {
        if (key === "recordWritten") return recordWritten;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    return { ...opened, download };
  };
}

async function run(): Promise<void> {
  const order = v.parse(realDownloaderOrder, JSON.parse(defined(process.argv[2], "an order is given")));
  const identity = orThrow(parseIdentity(order.identity));
  const manifest = Manifest.make(order.size, order.sha1 as Sha1, await readFile(order.rowsPath));
  const workers = new HashPool({ workers: 1, buffers: order.buffers });
  const clock = systemClock;
  const report = (error: unknown) => {
    throw error;
  };
  const engine = createTransferEngine({
    transport: new TlsTcpTransport(
      { identity, clock, report },
      { connectionsMax: PEER_CONNECTIONS_MAX, perAddressMax: PEER_CONNECTIONS_MAX },
    ),
    workers,
    openDownload: telling(downloadOpener({ workers, clock })),
    discardDownload,
    clock,
    authority: {
      fingerprint: identity.fingerprint,
      keys: () => [],
      clockAheadMs: () => 0,
      grant: async () => order.grant,
    },
    events: {
      changed: (download) => say(`phase ${download.snapshot().phase.kind}`),
      offerBroken: () => {},
      notice: (message) => say(`notice ${message}`),
    },
    seed: randomSeed(),
  });
  say("ready");
  const { gid, path, journalPath, source } = order;
  const download = engine.download({ gid: gid as Gid, manifest, path, base: dirname(path), journalPath });
  const { host, port } = source;
  download.addSource({
    user: source.user as UserName,
    uid: source.uid as Uid,
    fingerprint: source.fingerprint as Fingerprint,
    address: { host, port },
    complete: true,
  });
  say(`ended ${await download.ended}`);
  process.exit(0);
}

await run();
