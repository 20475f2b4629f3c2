/**
 * Lets connections of this process reach a port of this machine from another of its loopback addresses.
 *
 * Bytes go through as they are, so that whoever is at the two ends has its own TLS; only where they come from is another.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { LOOPBACK } from "./machine.ts";

/** Linux and Windows have all of 127.0.0.0/8; others only what somebody has added. */
export const HAS_MANY_LOOPBACK_ADDRESSES = process.platform === "linux" || process.platform === "win32";

export class AddressRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param from the address that its connections to `port` come from */
  static async start(from: string, port: number): Promise<AddressRelay> {
    const server = createServer();
    const relay = new AddressRelay(server);
    server.on("connection", (near) => {
      const far = connect({ host: LOOPBACK, port, localAddress: from });
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        relay.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          relay.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
    return relay;
  }

  /** Where to connect to. */
  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the relay does not listen");
    return address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
