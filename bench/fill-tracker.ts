/**
 * Fills the data folder of a tracker that does not run, as that tracker would have left it: keys, log, rows. A program of
 * its own, so that the memory it takes is gone afterwards: `fill-tracker.ts <request as JSON>`; answers as JSON.
 */
import { join } from "node:path";
import type { Fingerprint } from "../src/base/ids.ts";
import { REPEATABLE_ENTRIES_KEPT } from "../src/base/limits.ts";
import { digestOf } from "../src/base/manifest.ts";
import { systemClock } from "../src/base/system-clock.ts";
import { loadOrMakeIdentity, loadOrMakeSigningKey } from "../src/net/identity.ts";
import { accountOf } from "../src/tracker/core/queries.ts";
import { rowsOf } from "../src/tracker/core/state-rows.ts";
import { SessionTokens } from "../src/tracker/session-tokens.ts";
import { SqliteStore } from "../src/tracker/store/sqlite-store.ts";
import type { Entry, Origin } from "../src/wire/entry.ts";
import type { StateRow } from "../src/wire/state-row.ts";
import { entryCount, type HistorySizes, hexOf, MadeHistory, madeUid, NO_PIECES } from "./made-history.ts";

const BATCH = 10_000;

export interface FillRequest {
  readonly folder: string;
  readonly sizes: HistorySizes;
  readonly log: "whole" | "trimmed";
  /** Data folders of client machines, whose keys are made there: user i shares on machine i modulo their number. */
  readonly machines: readonly string[];
}

export interface Filled {
  /** A session for each user, on the user's machine; none without machines. */
  readonly tokens: readonly string[];
}

async function fill({ folder, sizes, log, machines }: FillRequest): Promise<Filled> {
  const prints = await Promise.all(
    machines.map(async (path) => (await loadOrMakeIdentity(path)).fingerprint),
  );
  const deviceOf = (user: number) =>
    prints[user % prints.length] ?? hexOf<Fingerprint>(`machine of user ${user}`);
  await loadOrMakeIdentity(folder);
  const signing = await loadOrMakeSigningKey(folder);
  const nowMs = systemClock.nowMs();
  const history = new MadeHistory(sizes, { origin: "1-000000000000beef" as Origin, nowMs, deviceOf });
  const { core } = history;
  const store = SqliteStore.open(join(folder, "tracker.sqlite"));
  try {
    const gone = log === "whole" ? 0 : Math.max(0, entryCount(sizes) - REPEATABLE_ENTRIES_KEPT);
    const tail: Entry[] = [];
    for (const batch of batches(history.entries())) {
      if (gone === 0) store.append(batch);
      else tail.push(...batch.filter(({ key }) => key.seq > gone));
    }
    for (const batch of batches<StateRow>(rowsOf(core.state))) store.saveRows(batch);
    if (gone > 0) {
      store.adopt(new Map([[core.origin, gone]]));
      store.append(tail);
    }
    store.checkpoint(core.vector);
    store.putBlob(digestOf(NO_PIECES), 0, NO_PIECES, 0);
  } finally {
    store.close();
  }
  const issuer = new SessionTokens({
    state: core.state,
    clock: systemClock,
    signingKey: signing.privateKey,
    keys: () => [signing.publicKey],
  });
  const users = machines.length === 0 ? 0 : sizes.users;
  const tokens = Array.from({ length: users }, (_, user) => {
    const account = accountOf(core.state, madeUid(user));
    if (account === undefined) throw new Error(`user ${user} was not made`);
    return issuer.issue(account, deviceOf(user));
  });
  return { tokens };
}

function* batches<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    if (batch.push(item) < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

if (import.meta.main) {
  const request: FillRequest = JSON.parse(process.argv[2] ?? "");
  process.stdout.write(JSON.stringify(await fill(request)));
}
