/** What is no protocol at all, or breaks off in the midst of one. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { makeIdentity } from "../../src/net/certificate.ts";
import type { GarbageOrder } from "./order.ts";
import { helloOf, plainSocket, tlsSocket } from "./stranger-socket.ts";
import type { TellTale } from "./tell-tale.ts";

const AT_ONCE = 20;
const GARBAGE_BYTES = 65_536;

/** Each is one connection; the other side has to end it, or it is ended here once all is sent. */
const KINDS: readonly ((socket: Socket) => void)[] = [
  (socket) => socket.end(randomBytes(GARBAGE_BYTES)),
  (socket) => socket.end("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
  (socket) => socket.end(records(22)),
  (socket) => socket.end(records(23)),
  (socket) => socket.end(records(21)),
  (socket) => socket.end(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3)),
  (socket) => socket.end(new Uint8Array(GARBAGE_BYTES)),
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.end(),
];

/** TLS records of that type with random insides. */
function records(type: number): Uint8Array {
  const record = () => Buffer.concat([Uint8Array.of(type, 3, 3, 1, 0), randomBytes(256)]);
  return Buffer.concat(Array.from({ length: 20 }, record));
}

export async function garbage({ target, rounds }: GarbageOrder, tale: TellTale): Promise<void> {
  const identity = await makeIdentity();
  const plain = (kind: (socket: Socket) => void) => thrown(plainSocket(target), "connect", kind, tale);
  const sealed = (bytes: () => Uint8Array) =>
    thrown(tlsSocket(target, identity), "secureConnect", (socket) => socket.end(bytes()), tale);
  const all: (() => Promise<void>)[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const kind of KINDS) all.push(() => plain(kind));
    all.push(() => sealed(() => randomBytes(GARBAGE_BYTES)));
    all.push(() => sealed(() => Buffer.concat([helloOf(target), randomBytes(GARBAGE_BYTES)])));
    all.push(() => sealed(() => helloOf(target).subarray(0, 7)));
  }
  const worker = async () => {
    for (let next = all.shift(); next !== undefined; next = all.shift()) await next();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function thrown(
  socket: Socket,
  when: "connect" | "secureConnect",
  kind: (socket: Socket) => void,
  tale: TellTale,
): Promise<void> {
  tale.begun++;
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.on("data", (bytes: Buffer) => {
    tale.heardBytes += bytes.length;
  });
  socket.on(when, () => {
    kind(socket);
    tale.sent++;
  });
  await closed;
  tale.ended++;
}
