/**
 * Twelve ways to ask a client for a piece of a file without being the member that one would have to be.
 *
 * Every attempt says all that a member says to get a piece (hello, open with a true grant, request), as far as it gets.
 * All that comes back, decrypted where there is something to decrypt, is searched for the file.
 */
import { randomBytes } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { FileId, Gid } from "../../src/base/ids.ts";
import { type Identity, makeIdentity } from "../../src/net/certificate.ts";
import { ClientHandshake, HANDSHAKE_RECORD, onRecords, record } from "../../src/testing/handmade-tls.ts";
import { encodeHello, encodePeerMessage } from "../../src/wire/client-peer.ts";
import { encodeFrame, PING_KIND } from "../../src/wire/frame.ts";
import { LOOPBACK } from "./machine.ts";
import { holdsMarker } from "./marker.ts";
import type { HandshakeAttack, HandshakesOrder, Member, Target } from "./order.ts";
import type { TellTale } from "./tell-tale.ts";

const AT_ONCE = 32;
/** Long enough for a piece to be read and sent, were it given. */
const LISTEN_MS = 50;
/** The control may take its time on a busy machine. */
const CONTROL_MS = 10_000;
const APPLICATION_DATA = 23;
const HALF_HELLO = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, ...new Uint8Array(100));

interface Attempt {
  readonly target: Target;
  readonly member: Member;
  readonly own: Identity;
  /** Of a session of the attacker's own. */
  readonly session: Buffer | undefined;
}

function openAndRequest({ gid, fileId, grant }: Member): Buffer {
  const open = { kind: "open", channel: 1, gid: gid as Gid, fileId: fileId as FileId, grant } as const;
  const range = { piece: 0, begin: 0, length: 65_536 };
  const request = encodePeerMessage({ kind: "request", channel: 1, range });
  return Buffer.concat([encodePeerMessage(open), request, encodeFrame(PING_KIND)]);
}

function asMember(member: Member): Buffer {
  return Buffer.concat([encodeHello(), openAndRequest(member)]);
}

function plain({ target }: Attempt, bytes: Uint8Array): Socket {
  const socket = connectTcp(target.port, LOOPBACK, () => socket.write(bytes));
  return socket;
}

function sealed({ target }: Attempt, options: ConnectionOptions, bytes: Uint8Array): Socket {
  const address = { port: target.port, host: LOOPBACK, rejectUnauthorized: false };
  const socket: TLSSocket = connectTls({ ...address, ...options }, () => socket.write(bytes));
  return socket;
}

const shown = ({ certPem: cert, keyPem: key }: Identity) => ({ cert, key });

const ATTACKS: Readonly<Record<HandshakeAttack, (attempt: Attempt) => Socket>> = {
  "the member itself": (one) => sealed(one, shown(one.member.identity), asMember(one.member)),
  "plain TCP in place of TLS": (one) => plain(one, asMember(one.member)),
  "an HTTP request": (one) => plain(one, Buffer.from("GET /film.bin HTTP/1.1\r\nHost: seeder\r\n\r\n")),
  "random bytes": (one) => plain(one, randomBytes(4_096)),
  "half a ClientHello, then the end": (one) => {
    const socket = connectTcp(one.target.port, LOOPBACK, () => socket.end(HALF_HELLO));
    return socket;
  },
  "TLS 1.2 at most": (one) =>
    sealed(one, { ...shown(one.member.identity), maxVersion: "TLSv1.2" }, asMember(one.member)),
  "no certificate": (one) => sealed(one, {}, asMember(one.member)),
  "a member's certificate without its key": impostor,
  "a key of its own and the grant of another's": (one) => sealed(one, shown(one.own), asMember(one.member)),
  "a valid key, but no hello": (one) => sealed(one, shown(one.member.identity), openAndRequest(one.member)),
  "data before the handshake is done": (one) => {
    const early = record(APPLICATION_DATA, asMember(one.member));
    return plain(one, Buffer.concat([record(HANDSHAKE_RECORD, new ClientHandshake().hello), early]));
  },
  "a chain with the member's certificate second": (one) => {
    const cert = one.own.certPem + one.member.identity.certPem;
    return sealed(one, { cert, key: one.own.keyPem }, asMember(one.member));
  },
  "a resumed session without a certificate": (one) =>
    sealed(one, one.session === undefined ? {} : { session: one.session }, asMember(one.member)),
};

/** Hand-made TLS can send nothing behind its handshake: whatever the other side says then is taken as it is. */
function impostor({ target, member, own }: Attempt): Socket {
  const handshake = new ClientHandshake();
  const socket = plain({ target } as Attempt, record(HANDSHAKE_RECORD, handshake.hello));
  let hasProven = false;
  onRecords(socket, (taken) => {
    if (hasProven) return;
    const flight = handshake.take(taken, { shown: member.identity, signer: own });
    if (flight === undefined) return;
    hasProven = true;
    socket.write(flight);
  });
  return socket;
}

export async function handshakes(order: HandshakesOrder, tale: TellTale): Promise<void> {
  const { target, member, kinds, times } = order;
  const own = await makeIdentity();
  const session = await sessionOf(target, own);
  const all = kinds.flatMap((kind) => Array<HandshakeAttack>(times).fill(kind));
  const worker = async () => {
    for (let kind = all.shift(); kind !== undefined; kind = all.shift())
      await attempted(ATTACKS[kind]({ target, member, own, session }), kind, tale);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Ends when the other side ends it, or has had time enough to give something away. */
async function attempted(socket: Socket, kind: HandshakeAttack, tale: TellTale): Promise<void> {
  tale.begun++;
  const heard: Buffer[] = [];
  const isControl = kind === "the member itself";
  const closed = new Promise<void>((resolve) => {
    socket.on("error", () => {});
    socket.on("close", resolve);
    socket.on("data", (bytes: Buffer) => {
      heard.push(bytes);
      if (!isControl) setTimeout(() => socket.destroy(), LISTEN_MS);
      else if (holdsMarker(Buffer.concat(heard))) socket.destroy();
    });
    setTimeout(() => socket.destroy(), CONTROL_MS).unref();
  });
  await closed;
  const all = Buffer.concat(heard);
  tale.heardBytes += all.length;
  tale.ended++;
  if (holdsMarker(all)) tale.leaks++;
}

async function sessionOf(target: Target, own: Identity): Promise<Buffer | undefined> {
  const socket = connectTls({ port: target.port, host: LOOPBACK, rejectUnauthorized: false, ...shown(own) });
  socket.on("error", () => {});
  const session = await new Promise<Buffer | undefined>((resolve) => {
    socket.on("session", resolve);
    socket.on("data", () => resolve(socket.getSession()));
    socket.on("close", () => resolve(undefined));
  });
  socket.destroy();
  return session;
}
