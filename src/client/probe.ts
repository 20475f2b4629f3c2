/**
 * Looks at the trackers of a list as a client would meet them, and whether they can reach this machine. Changes nothing:
 * no key is remembered, no account is needed, and what is asked is read only.
 *
 * It shows the client's own key if there is one, since a tracker dials back only to that key; else one of its own, made
 * for this run. Where no client runs it listens in its place, as long as it takes to be dialled.
 */
import { type Address, formatAddress } from "../base/address.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { PEER_CONNECTIONS_MAX, PEER_CONNECTIONS_PER_ADDRESS_MAX } from "../base/limits.ts";
import { systemClock } from "../base/system-clock.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import { type Identity, makeIdentity } from "../net/certificate.ts";
import type { Connection, Listener } from "../net/connection.ts";
import { findIdentity } from "../net/identity.ts";
import { judge, KnownTrackers } from "../net/known-trackers.ts";
import { RpcConnection } from "../net/rpc.ts";
import { TlsTcpTransport } from "../net/tls-tcp.ts";
import { METHODS, notice, type Result } from "../wire/client-tracker.ts";

export interface ProbeOptions {
  readonly trackers: readonly TrackerEntry[];
  /** Of the client that is asked about, if there is one. */
  readonly dataFolder: string | undefined;
  /** Where the client that is asked about listens. */
  readonly listen: Address | undefined;
  readonly isClientRunning: boolean;
  /** Name and version. */
  readonly program: string;
}

export interface MetTracker {
  /** To its greeting. */
  readonly tookMs: number;
  readonly fingerprint: Fingerprint;
  /** `known`: pinned, or met before; a Failure: another key than that. */
  readonly verdict: "known" | "first-use" | Failure;
  readonly number: number;
  /** How far its clock is ahead. */
  readonly clockAheadMs: number;
  /** A Failure of one that is older. */
  readonly status: Result<"status"> | Failure;
  /** Whether it reached this machine; undefined if it was not asked. */
  readonly reached: boolean | Failure | undefined;
}

export interface ProbedTracker {
  readonly entry: TrackerEntry;
  readonly met: MetTracker | Failure;
}

export interface NetworkFacts {
  readonly trackers: readonly ProbedTracker[];
  /** What kept this from listening in the client's place. */
  readonly listening: Failure | undefined;
}

interface Probe {
  readonly transport: TlsTcpTransport;
  readonly known: Pick<KnownTrackers, "judge">;
  readonly program: string;
  /** To ask for a dial back. */
  readonly port: number | undefined;
}

const NOBODY_MET: Pick<KnownTrackers, "judge"> = {
  judge: (address, presented, pinned) => judge(address, presented, { pinned, remembered: undefined }, ""),
};
const PROTOCOL = { methods: METHODS, notice };

/** @throws Failure if the data folder cannot be read */
export async function probe(options: ProbeOptions): Promise<NetworkFacts> {
  const { dataFolder, listen, program, trackers } = options;
  const transport = transportOf(await identityOf(dataFolder));
  const known = dataFolder === undefined ? NOBODY_MET : await KnownTrackers.open(dataFolder);
  const listener = await standIn(transport, options);
  try {
    const port = listener instanceof Error || listen === undefined ? undefined : listen.port;
    const each = trackers.map(async (entry): Promise<ProbedTracker> => {
      const met = await meet({ transport, known, program, port }, entry).catch((error) => toFailure(error));
      return { entry, met };
    });
    return {
      trackers: await Promise.all(each),
      listening: listener instanceof Error ? listener : undefined,
    };
  } finally {
    if (!(listener instanceof Error)) listener?.close();
  }
}

async function identityOf(dataFolder: string | undefined): Promise<Identity> {
  const own = dataFolder === undefined ? undefined : await findIdentity(dataFolder);
  return own ?? (await makeIdentity());
}

function transportOf(identity: Identity): TlsTcpTransport {
  return new TlsTcpTransport(
    { identity, clock: systemClock, report: () => {} },
    { connectionsMax: PEER_CONNECTIONS_MAX, perAddressMax: PEER_CONNECTIONS_PER_ADDRESS_MAX },
  );
}

/** Listens where the client would, unless it runs. */
async function standIn(
  transport: TlsTcpTransport,
  { listen, isClientRunning }: ProbeOptions,
): Promise<Listener | Failure | undefined> {
  if (listen === undefined || isClientRunning) return undefined;
  try {
    return await transport.listen(listen, letGo);
  } catch (error) {
    return toFailure(error);
  }
}

function letGo(connection: Connection): void {
  connection.attach({ data() {}, drained() {}, closed() {} });
  connection.finish();
}

async function meet({ transport, known, program, port }: Probe, entry: TrackerEntry): Promise<MetTracker> {
  const startedMs = systemClock.monotonicMs();
  const connection = await dial(transport, entry.address);
  const fingerprint = connection.peer;
  const handler = { notice() {}, closed() {} };
  const report = () => {};
  const rpc = new RpcConnection({ connection, protocol: PROTOCOL, handler, clock: systemClock, report });
  try {
    const askedMs = systemClock.monotonicMs();
    const { result } = await rpc.call("hello", { version: 1, program });
    const answeredMs = systemClock.monotonicMs();
    const status = rpc.call("status", {}).then((answer) => answer.result, toFailure);
    return {
      tookMs: answeredMs - startedMs,
      fingerprint,
      verdict: known.judge(entry.address, fingerprint, entry.pin),
      number: result.tracker,
      // The greeting is taken to be told halfway between question and answer.
      clockAheadMs: result.clockMs - (systemClock.nowMs() - (answeredMs - askedMs) / 2),
      status: await status,
      reached: port === undefined ? undefined : await dialBack(rpc, port),
    };
  } finally {
    rpc.close();
  }
}

function dialBack(
  rpc: RpcConnection<typeof METHODS, typeof notice>,
  port: number,
): Promise<boolean | Failure> {
  return rpc.call("dial_back", { port }).then(({ result }) => result.reached, toFailure);
}

/** Who reads it knows the address: only the cause is told. */
async function dial(transport: TlsTcpTransport, address: Address): Promise<Connection> {
  try {
    return await transport.dial(address, undefined);
  } catch (error) {
    const failure = toFailure(error);
    failure.message = failure.message.replace(`cannot connect to ${formatAddress(address)}: `, "");
    throw failure;
  }
}
