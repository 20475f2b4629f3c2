/**
 * Ends that show somebody else's certificate without having its key. They speak TLS by hand.
 *
 * The runtime tells the fingerprint of such a certificate as if nothing were wrong with it. Each case runs with the
 * right key too, so that a refusal means the missing key and nothing else.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, createServer, type Server } from "node:net";
import { Failure } from "../base/failure.ts";
import { systemClock } from "../base/system-clock.ts";
import {
  ClientHandshake,
  HANDSHAKE_RECORD,
  onRecords,
  record,
  serverFlight,
} from "../testing/handmade-tls.ts";
import { type Identity, makeIdentity } from "./certificate.ts";
import type { Connection, Listener } from "./connection.ts";
import { TlsTcpTransport } from "./tls-tcp.ts";

let victim: Identity;
let liar: Identity;
let honest: Identity;
const connections: Connection[] = [];
beforeAll(async () => {
  [victim, liar, honest] = await Promise.all([makeIdentity(), makeIdentity(), makeIdentity()]);
});
afterAll(() => {
  for (const connection of connections) connection.close();
});

const transport = () =>
  new TlsTcpTransport(
    { identity: honest, clock: systemClock, report() {} },
    { connectionsMax: 9, perAddressMax: 9 },
  );

describe("a server that shows another's certificate", () => {
  async function dialImpostor(signer: Identity): Promise<Connection | Failure> {
    const server: Server = createServer((socket) => {
      let isAnswered = false;
      onRecords(socket, (taken) => {
        if (!isAnswered) socket.write(serverFlight(taken.subarray(5), { shown: victim, signer }));
        isAnswered = true;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const dialled = transport().dial({ host: "127.0.0.1", port }, victim.fingerprint);
    const outcome = await dialled.catch((error: unknown) => error);
    server.close();
    if (outcome instanceof Failure) return outcome;
    connections.push(outcome as Connection);
    return outcome as Connection;
  }

  test("passes with that certificate's key", async () => {
    const outcome = await dialImpostor(victim);
    expect(outcome instanceof Failure ? outcome.message : outcome.peer).toBe(victim.fingerprint);
  });

  test("is refused with any other", async () => {
    const outcome = await dialImpostor(liar);
    expect(outcome instanceof Failure && outcome.code).toBe("peer-refused");
    expect(outcome instanceof Failure && outcome.message).toContain("did not prove its key");
  });
});

describe("a client that shows another's certificate", () => {
  async function connectImpostor(signer: Identity): Promise<"accepted" | "refused"> {
    const outcome = Promise.withResolvers<"accepted" | "refused">();
    const listener: Listener = await transport().listen({ host: "127.0.0.1", port: 0 }, (connection) => {
      connections.push(connection);
      expect(connection.peer).toBe(victim.fingerprint);
      outcome.resolve("accepted");
    });
    const handshake = new ClientHandshake();
    const socket = connect(listener.address.port, "127.0.0.1", () => {
      socket.write(record(HANDSHAKE_RECORD, handshake.hello));
    });
    let hasProven = false;
    onRecords(socket, (taken) => {
      if (hasProven) return;
      const flight = handshake.take(taken, { shown: victim, signer });
      if (flight === undefined) return;
      hasProven = true;
      socket.write(flight);
    });
    socket.on("close", () => outcome.resolve("refused"));
    const result = await outcome.promise;
    expect(hasProven).toBe(true);
    socket.destroy();
    listener.close();
    return result;
  }

  test("passes with that certificate's key", async () => {
    expect(await connectImpostor(victim)).toBe("accepted");
  });

  test("is refused with any other", async () => {
    expect(await connectImpostor(liar)).toBe("refused");
  });
});
