/** Many connections that do nothing, kept up. */
import type { Socket } from "node:net";
import { type Identity, makeIdentity } from "../../src/net/certificate.ts";
import { encodeFrame, PONG_KIND } from "../../src/wire/frame.ts";
import type { CrowdOrder, Idleness } from "./order.ts";
import { helloOf, ownAddress, plainSocket, tlsSocket } from "./stranger-socket.ts";
import type { TellTale } from "./tell-tale.ts";

const DRIP_MS = 1_000;
/** Handshakes under way: with more, those of a busy machine would run into their deadline and never become a crowd. */
const PENDING_MAX = 150;
const PAUSE_MS = 5;

/** The head of a record that holds a ClientHello, and the first of it; the rest never comes. */
const CLIENT_HELLO = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, ...new Uint8Array(500));

export async function crowd(order: CrowdOrder, tale: TellTale): Promise<never> {
  const identity = await makeIdentity();
  for (let at = 0; at < order.connections; at++) {
    void idle(order, tale, { identity, at });
  }
  return await new Promise<never>(() => {});
}

let pending = 0;

async function idle(
  order: CrowdOrder,
  tale: TellTale,
  one: { identity: Identity; at: number },
): Promise<void> {
  while (pending >= PENDING_MAX) await Bun.sleep(PAUSE_MS);
  pending++;

  const { target, kinds, from, addresses } = order;
  const address = ownAddress(from + (one.at % addresses));
  const kind = kinds[Math.floor(one.at / addresses) % kinds.length] ?? "mute";
  const socket = isKeyed(kind) ? tlsSocket(target, one.identity, address) : plainSocket(target, address);
  let isOpen = false;
  tale.begun++;
  const opened = () => {
    isOpen = true;
    pending--;
    tale.open++;
    if (kind === "drip") drip(socket);
    if (kind === "greeted") socket.write(helloOf(target));
  };
  socket.on(isKeyed(kind) ? "secureConnect" : "connect", opened);
  socket.on("data", (bytes: Buffer) => {
    tale.heardBytes += bytes.length;
    if (kind === "greeted") socket.write(encodeFrame(PONG_KIND));
  });
  socket.on("close", () => {
    if (isOpen) tale.open--;
    else pending--;
    tale.ended++;
    setTimeout(() => void idle(order, tale, one), order.againMs * (0.5 + Math.random()));
  });
}

function isKeyed(kind: Idleness): boolean {
  return kind === "keyed" || kind === "greeted";
}

function drip(socket: Socket): void {
  let sent = 0;
  const timer = setInterval(() => socket.write(CLIENT_HELLO.subarray(sent, ++sent)), DRIP_MS);
  socket.on("close", () => clearInterval(timer));
}
