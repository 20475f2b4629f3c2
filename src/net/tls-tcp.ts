/**
 * The Transport of the program: TCP with mutual TLS 1.3 on the runtime's own sockets. The only file that opens sockets.
 *
 * Both ends show a certificate, and `handshake.ts` decides by it; the runtime's own verification is switched off, since
 * it knows authorities only. Every step has a deadline. A server holds back nothing for a client that was refused: it
 * just ends that connection, and nothing else notices. Who has to go when all places are taken is for `connection-quota.ts`.
 */
import type { Socket, SocketHandler, TLSOptions } from "bun";
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { Failure, toFailure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { DIAL_MS_MAX, HANDSHAKE_MS_MAX } from "../base/limits.ts";
import type { Identity } from "./certificate.ts";
import type { Connection, Listener, Transport } from "./connection.ts";
import { ConnectionQuota, type QuotaOptions } from "./connection-quota.ts";
import { judgeHandshake } from "./handshake.ts";
import { cannotListen, causeInWords, unreachable } from "./network-failure.ts";
import { SocketConnection } from "./socket-connection.ts";

export interface TlsTcpDependencies {
  readonly identity: Identity;
  readonly clock: Clock;
  /** Told of exceptions that were thrown by whoever handles a connection: bugs, for the log. */
  readonly report: (error: unknown) => void;
}

/** What becomes of one socket; the runtime's callbacks go to the end that it belongs to. */
interface SocketEnd {
  readonly expected: Fingerprint | undefined;
  /** The TCP connection stands. @returns false to end it at once */
  opened(remote: Address, life: SocketLife): boolean;
  /** The handshake has proven who is there. Called once at most. */
  proven(connection: SocketConnection): void;
  /** Whether the owner of the connection would rather keep it than others. */
  vouched(isVouched: boolean): void;
  /** Whoever is there must not be talked to. */
  refused(failure: Failure): void;
  /** The socket ended, or was ended, before anything was proven. */
  lost(cause: string): void;
  /** The socket is gone. Called once for each that was opened. */
  gone(): void;
}

/** The verdict of a handshake that was cut off: the end of the socket follows, and tells why. */
const SOCKET_LOST = "ECONNRESET";

type TlsSocket = Socket<SocketLife | undefined>;

/** One socket from its first byte to its last. */
class SocketLife {
  readonly #socket: TlsSocket;
  readonly #end: SocketEnd;
  readonly #dependencies: TlsTcpDependencies;
  readonly #remote: Address;
  readonly #cancelDeadline: () => void;
  #connection: SocketConnection | undefined;
  #isGivenUp = false;

  constructor(
    socket: TlsSocket,
    remote: Address,
    { end, dependencies }: { readonly end: SocketEnd; readonly dependencies: TlsTcpDependencies },
  ) {
    this.#socket = socket;
    this.#end = end;
    this.#dependencies = dependencies;
    this.#remote = remote;
    this.#cancelDeadline = dependencies.clock.after(HANDSHAKE_MS_MAX, () => {
      this.#end.lost("timed out: it did not finish the handshake");
      this.giveUp();
    });
  }

  handshake(verdict: string | undefined): void {
    if (this.#isGivenUp || this.#connection !== undefined || verdict === SOCKET_LOST) return;
    this.#cancelDeadline();
    const facts = {
      verdict,
      tlsVersion: this.#socket.getTLSVersion(),
      // Typed as always there; it is not when the other side sent none.
      fingerprint256: (this.#socket.getPeerX509Certificate() as { fingerprint256: string } | undefined)
        ?.fingerprint256,
    };
    const peer = judgeHandshake(facts, this.#end.expected);
    if (peer instanceof Failure) {
      this.#end.refused(peer);
      this.giveUp();
      return;
    }
    const { clock, report } = this.#dependencies;
    this.#connection = new SocketConnection(
      this.#socket,
      { peer, remote: this.#remote },
      { clock, report, vouched: (isVouched) => this.#end.vouched(isVouched) },
    );
    this.#end.proven(this.#connection);
  }

  /** Others have the place now. */
  evict(): void {
    if (this.#connection === undefined) this.giveUp();
    else this.#connection.close(new Failure("too-many", "it gave way to others: every place was taken"));
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#cancelDeadline();
    this.#socket.terminate();
  }

  data(bytes: Uint8Array): void {
    this.#connection?.received(bytes);
  }

  drain(): void {
    this.#connection?.writable();
  }

  broke(error: unknown): void {
    this.#dependencies.report(error);
    if (this.#connection === undefined) this.giveUp();
    else this.#connection.close(toFailure(error));
  }

  closed(error: unknown): void {
    this.#cancelDeadline();
    const cause = error === undefined || error === null ? undefined : causeInWords(error);
    if (this.#connection !== undefined)
      this.#connection.ended(cause === undefined ? undefined : new Failure("peer-unreachable", cause));
    else this.#end.lost(cause ?? "it ended the connection before the handshake was done");
    this.#end.gone();
  }
}

function handlers(
  endOf: () => SocketEnd,
  dependencies: TlsTcpDependencies,
): SocketHandler<SocketLife | undefined> {
  return {
    binaryType: "uint8array",
    open(socket) {
      const end = endOf();
      const remote = remoteOf(socket);
      if (remote === undefined) {
        end.lost("it ended the connection at once");
        socket.terminate();
        return;
      }
      const life = new SocketLife(socket, remote, { end, dependencies });
      socket.data = life;
      if (!end.opened(remote, life)) life.giveUp();
    },
    handshake: (socket, _authorized, error) => socket.data?.handshake(codeOf(error)),
    data(socket, bytes) {
      socket.data?.data(bytes);
      free(bytes);
    },
    drain: (socket) => socket.data?.drain(),
    close: (socket, error) => socket.data?.closed(error),
    error: (socket, error) => socket.data?.broke(error),
    // The promise of the dial tells of this too.
    connectError() {},
    end() {},
  };
}

/**
 * Each chunk comes in memory of its own, up to 512 KiB. It is given back here and now: left to the garbage collector, a
 * fast transfer would pile up hundreds of megabytes between two of its runs.
 */
function free(chunk: Uint8Array): void {
  if (chunk.buffer instanceof ArrayBuffer) chunk.buffer.transfer(0);
}

export class TlsTcpTransport implements Transport {
  readonly #dependencies: TlsTcpDependencies;
  readonly #quota: ConnectionQuota<AcceptedEnd>;

  /** @param options bounds on accepted connections */
  constructor(dependencies: TlsTcpDependencies, options: QuotaOptions) {
    this.#dependencies = dependencies;
    this.#quota = new ConnectionQuota(options);
  }

  async listen(address: Address, accept: (connection: Connection) => void): Promise<Listener> {
    try {
      const server = Bun.listen<SocketLife | undefined>({
        hostname: address.host,
        port: address.port,
        exclusive: true,
        data: undefined,
        tls: { ...this.#tls(), requestCert: true },
        socket: handlers(() => new AcceptedEnd(this.#quota, accept, this.#dependencies), this.#dependencies),
      });
      return {
        address: { host: address.host, port: server.port },
        close: () => server.stop(),
      };
    } catch (error) {
      throw cannotListen(address, error);
    }
  }

  dial(address: Address, expected: Fingerprint | undefined): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const end = new DialledEnd({ address, expected, clock: this.#dependencies.clock, resolve, reject });
      Bun.connect<SocketLife | undefined>({
        hostname: address.host,
        port: address.port,
        data: undefined,
        tls: this.#tls(),
        socket: handlers(() => end, this.#dependencies),
      }).catch((error: unknown) => end.lost(causeInWords(error)));
    });
  }

  #tls(): TLSOptions {
    const { certPem, keyPem } = this.#dependencies.identity;
    return { cert: certPem, key: keyPem, rejectUnauthorized: false };
  }
}

/** A connection that somebody else began: counted from its first moment, handed over once it is proven. */
class AcceptedEnd implements SocketEnd {
  readonly expected = undefined;
  readonly #quota: ConnectionQuota<AcceptedEnd>;
  readonly #accept: (connection: Connection) => void;
  readonly #clock: Clock;
  readonly #report: (error: unknown) => void;
  #life: SocketLife | undefined;

  constructor(
    quota: ConnectionQuota<AcceptedEnd>,
    accept: (connection: Connection) => void,
    { clock, report }: TlsTcpDependencies,
  ) {
    this.#quota = quota;
    this.#accept = accept;
    this.#clock = clock;
    this.#report = report;
  }

  opened({ host }: Address, life: SocketLife): boolean {
    this.#life = life;
    const outcome = this.#quota.admit(this, host, this.#clock.monotonicMs());
    if (outcome === "refused") return false;
    if (outcome.evicted !== undefined) outcome.evicted.#life?.evict();
    return true;
  }

  vouched(isVouched: boolean): void {
    this.#quota.setStanding(this, isVouched ? "guest" : "stranger");
  }

  proven(connection: SocketConnection): void {
    this.#quota.setStanding(this, "stranger");
    try {
      this.#accept(connection);
    } catch (error) {
      this.#report(error);
      connection.close(toFailure(error));
    }
  }

  /** Strangers knock all day: nobody needs to hear of it. */
  refused(): void {}
  lost(): void {}

  gone(): void {
    this.#quota.release(this);
  }
}

interface Dial {
  readonly address: Address;
  readonly expected: Fingerprint | undefined;
  readonly clock: Clock;
  readonly resolve: (connection: Connection) => void;
  readonly reject: (failure: Failure) => void;
}

/** A connection begun here. Once the dial is over, a socket that opens late is ended at once. */
class DialledEnd implements SocketEnd {
  readonly #dial: Dial;
  readonly #cancelDeadline: () => void;
  #isOver = false;

  constructor(dial: Dial) {
    this.#dial = dial;
    this.#cancelDeadline = dial.clock.after(DIAL_MS_MAX, () =>
      this.lost(`timed out: no answer within ${DIAL_MS_MAX / 1_000} s`),
    );
  }

  get expected(): Fingerprint | undefined {
    return this.#dial.expected;
  }

  /** From here on the handshake's own deadline counts. */
  opened(): boolean {
    this.#cancelDeadline();
    return !this.#isOver;
  }

  /** Connections begun here are not counted. */
  vouched(): void {}

  proven(connection: SocketConnection): void {
    this.#isOver = true;
    this.#dial.resolve(connection);
  }

  refused({ code, message }: Failure): void {
    this.#reject(new Failure(code, `${formatAddress(this.#dial.address)}: ${message}`));
  }

  lost(cause: string): void {
    this.#reject(unreachable(this.#dial.address, cause));
  }

  gone(): void {}

  #reject(failure: Failure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelDeadline();
    this.#dial.reject(failure);
  }
}

/** @returns undefined if the socket was lost before it was told to be open */
function remoteOf(socket: TlsSocket): Address | undefined {
  const host: string | undefined = socket.remoteAddress;
  if (host === undefined) return undefined;
  return { host: host.replace(/^::ffff:(?=\d+\.)/, ""), port: socket.remotePort };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
