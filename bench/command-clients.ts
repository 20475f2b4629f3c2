/**
 * Many clients in one process, each with a connection and a session of its own and one command in flight: it shares a
 * file, stops sharing it, shares it again. A program of its own: `command-clients.ts <plan as JSON>`; then each line
 * with a number of seconds on standard input is a run, answered by a line of JSON.
 */

import { readFileSync } from "node:fs";
import type { Address } from "../src/base/address.ts";
import type { Fingerprint } from "../src/base/ids.ts";
import { listingIdOf } from "../src/base/listing-id.ts";
import { newRequestId } from "../src/base/random.ts";
import { systemClock } from "../src/base/system-clock.ts";
import { trackerDialler } from "../src/client/dial-tracker.ts";
import type { TrackerLink } from "../src/client/tracker-link.ts";
import { loadOrMakeIdentity } from "../src/net/identity.ts";
import { KnownTrackers } from "../src/net/known-trackers.ts";
import { TlsTcpTransport } from "../src/net/tls-tcp.ts";
import { CLIENT_TRACKER_VERSION } from "../src/wire/client-tracker.ts";
import { madeFile, madeName } from "./made-history.ts";
import { percentile } from "./ratios.ts";

export interface ClientsPlan {
  /** Of this machine's key. */
  readonly folder: string;
  readonly address: Address;
  readonly pin: Fingerprint;
  /** Tokens by user, in a file: they are many. */
  readonly tokensFile: string;
  /** Of those who connect from here. */
  readonly users: readonly number[];
}

export interface ClientsRun {
  readonly commands: number;
  readonly seconds: number;
  /** From asking to the answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Nobody fetches anything from these clients. */
const LISTENING: Address = { host: "127.0.0.1", port: 9 };
const CONNECTING_AT_ONCE = 20;

class CommandClient {
  readonly #link: TrackerLink;
  readonly #group: string;
  readonly #user: number;
  /** Odd: the file is shared. */
  #counter = 1;

  constructor(link: TrackerLink, user: number) {
    this.#link = link;
    this.#user = user;
    this.#group = madeName.group(user);
  }

  async run(): Promise<void> {
    const common = { id: newRequestId(), group: this.#group as never, counter: ++this.#counter };
    const file = madeFile(this.#user);
    if (this.#counter % 2 === 0)
      await this.#link.call("stop_share", {
        ...common,
        listingId: listingIdOf(file.fileId, madeName.file(this.#user)),
      });
    else await this.#link.call("share", { ...common, name: madeName.file(this.#user), file });
  }
}

async function connectAll({
  folder,
  address,
  pin,
  tokensFile,
  users,
}: ClientsPlan): Promise<CommandClient[]> {
  const tokens: readonly string[] = JSON.parse(readFileSync(tokensFile, "utf8"));
  const identity = await loadOrMakeIdentity(folder);
  const known = await KnownTrackers.open(folder);
  const report = (error: unknown) => console.error(error);
  const log = { warn: report, info: report, error: report };
  const transport = new TlsTcpTransport(
    { identity, clock: systemClock, report },
    { connectionsMax: 1, perAddressMax: 1 },
  );
  const dial = trackerDialler({ transport, known, clock: systemClock, log }, [{ no: 1, address, pin }]);
  const clients: CommandClient[] = [];
  const left = [...users];
  const connect = async () => {
    for (let user = left.pop(); user !== undefined; user = left.pop()) {
      const link = await dial(0, { notice() {}, closed: (reason) => fail(reason ?? "a tracker left") });
      await link.call("hello", { version: CLIENT_TRACKER_VERSION, program: "bench" });
      await link.call("resume", { token: tokens[user] ?? "", listening: LISTENING });
      clients.push(new CommandClient(link, user));
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connect));
  return clients;
}

async function runFor(clients: readonly CommandClient[], seconds: number): Promise<ClientsRun> {
  const durationsMs: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  const drive = async (client: CommandClient) => {
    for (let beforeMs = performance.now(); beforeMs < endMs; ) {
      await client.run();
      const nowMs = performance.now();
      durationsMs.push(nowMs - beforeMs);
      beforeMs = nowMs;
    }
  };
  await Promise.all(clients.map(drive));
  return {
    commands: durationsMs.length,
    seconds: (performance.now() - startedMs) / 1000,
    p50Ms: percentile(durationsMs, 0.5),
    p99Ms: percentile(durationsMs, 0.99),
  };
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

async function main(): Promise<void> {
  const clients = await connectAll(JSON.parse(process.argv[2] ?? ""));
  console.log("ready");
  for await (const line of console) console.log(JSON.stringify(await runFor(clients, Number(line))));
  process.exit(0);
}

if (import.meta.main) main().catch(fail);
