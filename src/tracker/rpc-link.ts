/**
 * A client's connection as the service sees it: requests in, answers and notices out, over RPC.
 *
 * Made for a connection in the turn in which it was accepted; tells the service of its end, once. Whoever does not say
 * hello in time is no client.
 */
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { HANDSHAKE_MS_MAX } from "../base/limits.ts";
import type { Connection } from "../net/connection.ts";
import { RpcConnection } from "../net/rpc.ts";
import { METHODS, type Notice, notice } from "../wire/client-tracker.ts";
import type { ClientLink, LinkSession } from "./client-link.ts";
import type { TrackerService } from "./tracker-service.ts";

const protocol = { methods: METHODS, notice };

export interface RpcLinkDependencies {
  readonly connection: Connection;
  readonly service: TrackerService;
  readonly clock: Clock;
  /** Told of exceptions that are bugs. */
  readonly report: (error: unknown) => void;
  readonly closed: (link: RpcLink) => void;
}

export class RpcLink implements ClientLink {
  greeted = false;
  takesNewFiles = false;
  #session: LinkSession | undefined;
  readonly #connection: Connection;
  readonly #rpc: RpcConnection<typeof METHODS, typeof notice>;

  constructor({ connection, service, clock, report, closed }: RpcLinkDependencies) {
    this.#connection = connection;
    const cancelDeadline = clock.after(HANDSHAKE_MS_MAX, () => {
      if (!this.greeted) this.close(new Failure("timeout", "no hello in time"));
    });
    this.#rpc = new RpcConnection({
      connection,
      protocol,
      clock,
      report,
      handler: {
        request: (method, params, tail) => service.answer(this, method, params, tail),
        closed: () => {
          cancelDeadline();
          service.disconnected(this);
          closed(this);
        },
      },
    });
  }

  get fingerprint(): Fingerprint {
    return this.#rpc.peer;
  }

  get session(): LinkSession | undefined {
    return this.#session;
  }

  /** Only who is logged in keeps its place when there are too many. */
  set session(session: LinkSession | undefined) {
    this.#session = session;
    this.#connection.vouch(session !== undefined);
  }

  get remote(): Address {
    return this.#rpc.remote;
  }

  get isOpen(): boolean {
    return this.#rpc.isOpen;
  }

  notify(said: Notice): void {
    this.#rpc.notify(said);
  }

  close(reason: Failure): void {
    this.#rpc.close(reason);
  }

  /** Sends what is queued, then ends. */
  finish(): void {
    this.#rpc.finish();
  }
}
