/** Sockets of somebody who keeps no rule: from an address of their own choice, plain or with TLS as the program speaks it. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Identity } from "../../src/net/certificate.ts";
import { encodeHello } from "../../src/wire/client-peer.ts";
import { encodeMessage } from "../../src/wire/envelope.ts";
import { LOOPBACK } from "./machine.ts";
import type { Target } from "./order.ts";

/** @param index from 0: 127.1.0.1 and so on, one for each; -1: that of everybody. Linux takes all of 127.0.0.0/8 as its own */
export function ownAddress(index: number): string {
  if (index < 0) return LOOPBACK;
  return `127.1.${index >> 8}.${(index & 255) + 1}`;
}

export function plainSocket({ port }: Target, localAddress?: string): Socket {
  const socket = connectTcp({ port, host: LOOPBACK, ...(localAddress && { localAddress }) });
  socket.on("error", () => {});
  return socket;
}

export function tlsSocket({ port }: Target, { certPem, keyPem }: Identity, localAddress?: string): TLSSocket {
  const socket = connectTls({
    port,
    host: LOOPBACK,
    cert: certPem,
    key: keyPem,
    rejectUnauthorized: false,
    ...(localAddress && { localAddress }),
  });
  socket.on("error", () => {});
  return socket;
}

/** What comes first on each connection of that protocol. */
export function helloOf({ listener }: Target): Uint8Array {
  if (listener === "peer") return encodeHello();
  const params = { version: 1, program: "hostile" };
  return encodeMessage({ kind: "request", n: 0, method: "hello", params });
}
