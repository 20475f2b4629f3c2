/**
 * Dials trackers and makes sure that each is who it should be: its pin, or the key that it showed at the first meeting.
 *
 * Nothing is sent to a tracker whose key is wrong.
 */
import { formatAddress } from "../base/address.ts";
import { defined } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Failure, toFailure } from "../base/failure.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { Connection, Transport } from "../net/connection.ts";
import type { KnownTrackers } from "../net/known-trackers.ts";
import { RpcConnection } from "../net/rpc.ts";
import { METHODS, notice } from "../wire/client-tracker.ts";
import type { ClientLog } from "./client-parts.ts";
import type { DialTracker } from "./tracker-link.ts";

export interface TrackerDiallerDependencies {
  readonly transport: Pick<Transport, "dial">;
  readonly known: Pick<KnownTrackers, "judge" | "remember">;
  readonly clock: Clock;
  readonly log: ClientLog;
}

const PROTOCOL = { methods: METHODS, notice };

export function trackerDialler(
  { transport, known, clock, log }: TrackerDiallerDependencies,
  trackers: readonly TrackerEntry[],
): DialTracker {
  return async (index, handler) => {
    const tracker = defined(trackers[index], `tracker ${index} of the list`);
    const { address, pin } = tracker;
    const connection = await reach(transport, tracker);
    const verdict = known.judge(address, connection.peer, pin);
    if (verdict instanceof Failure) {
      connection.close();
      throw verdict;
    }
    const report = (error: unknown) => log.warn(toFailure(error).message);
    const link = new RpcConnection({ connection, protocol: PROTOCOL, handler, clock, report });
    if (verdict === "first-use") {
      log.info(`met the tracker at ${formatAddress(address)}: its key is sha256:${connection.peer}`);
      await known.remember(address, connection.peer).catch(report);
    }
    return link;
  };
}

/** The address is said by who lists all that were tried: here only the cause. */
async function reach(transport: Pick<Transport, "dial">, { address }: TrackerEntry): Promise<Connection> {
  try {
    return await transport.dial(address, undefined);
  } catch (error) {
    const { code, message } = toFailure(error);
    throw new Failure(code, message.replace(`cannot connect to ${formatAddress(address)}: `, ""));
  }
}
