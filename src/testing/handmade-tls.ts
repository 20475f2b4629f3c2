/**
 * Just enough of TLS 1.3 (RFC 8446) by hand to show somebody else's certificate without having its key, which no TLS
 * library can be talked into: X25519, AES-128-GCM, SHA-256, one handshake, no data.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from "node:crypto";
import type { Socket } from "node:net";
import type { Identity } from "../net/certificate.ts";

const HELLO_CLIENT = 1;
const HELLO_SERVER = 2;
const ENCRYPTED_EXTENSIONS = 8;
const CERTIFICATE = 11;
const CERTIFICATE_VERIFY = 15;
const FINISHED = 20;
export const HANDSHAKE_RECORD = 22;
const SEALED_RECORD = 23;
const X25519 = 0x001d;
const TLS_AES_128_GCM_SHA256 = 0x1301;
const ECDSA_P256_SHA256 = 0x0403;

const u8 = (value: number) => Buffer.of(value);
const u16 = (value: number) => Buffer.of(value >> 8, value & 255);
const u24 = (value: number) => Buffer.of(value >> 16, (value >> 8) & 255, value & 255);
const bytes = (...parts: readonly Buffer[]) => Buffer.concat(parts);
const sized8 = (...parts: readonly Buffer[]) => bytes(u8(bytes(...parts).length), ...parts);
const sized16 = (...parts: readonly Buffer[]) => bytes(u16(bytes(...parts).length), ...parts);
const sized24 = (...parts: readonly Buffer[]) => bytes(u24(bytes(...parts).length), ...parts);
const message = (type: number, ...parts: readonly Buffer[]) => bytes(u8(type), sized24(...parts));
export const record = (type: number, body: Buffer) => bytes(u8(type), u16(0x0303), sized16(body));
const extension = (type: number, ...parts: readonly Buffer[]) => bytes(u16(type), sized16(...parts));
const sha256 = (...parts: readonly Buffer[]) =>
  createHash("sha256")
    .update(bytes(...parts))
    .digest();
const hmac = (key: Buffer, data: Buffer) => createHmac("sha256", key).update(data).digest();
const NOTHING = Buffer.alloc(0);

/** HKDF-Expand-Label (RFC 8446, 7.1) for at most one block. */
function expand(secret: Buffer, label: string, context: Buffer, length: number): Buffer {
  const info = bytes(u16(length), sized8(Buffer.from(`tls13 ${label}`)), sized8(context), u8(1));
  return hmac(secret, info).subarray(0, length);
}

/** The handshake secrets of both sides, after the two hellos. */
function secretsOf(ecdhe: Buffer, hellos: readonly Buffer[]) {
  const early = hmac(Buffer.alloc(32), Buffer.alloc(32));
  const handshake = hmac(expand(early, "derived", sha256(), 32), ecdhe);
  const of = (label: string) => expand(handshake, label, sha256(...hellos), 32);
  return { client: of("c hs traffic"), server: of("s hs traffic") };
}

function nonceOf(secret: Buffer, sequence: number): Buffer {
  const nonce = Buffer.from(expand(secret, "iv", NOTHING, 12));
  nonce[11] = (nonce[11] ?? 0) ^ sequence;
  return nonce;
}

function seal(secret: Buffer, handshake: Buffer): Buffer {
  const plain = bytes(handshake, u8(HANDSHAKE_RECORD));
  const header = bytes(u8(SEALED_RECORD), u16(0x0303), u16(plain.length + 16));
  const cipher = createCipheriv("aes-128-gcm", expand(secret, "key", NOTHING, 16), nonceOf(secret, 0));
  cipher.setAAD(header);
  return bytes(header, cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

function unseal(secret: Buffer, sequence: number, sealed: Buffer): Buffer {
  const key = expand(secret, "key", NOTHING, 16);
  const decipher = createDecipheriv("aes-128-gcm", key, nonceOf(secret, sequence));
  decipher.setAAD(sealed.subarray(0, 5));
  decipher.setAuthTag(sealed.subarray(-16));
  return bytes(decipher.update(sealed.subarray(5, -16)), decipher.final()).subarray(0, -1);
}

interface Share {
  readonly privateKey: KeyObject;
  readonly bytes: Buffer;
}

function makeShare(): Share {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  return { privateKey, bytes: Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url") };
}

function agree({ privateKey }: Share, theirs: Buffer): Buffer {
  const jwk = { kty: "OKP", crv: "X25519", x: theirs.toString("base64url") };
  return diffieHellman({ privateKey, publicKey: createPublicKey({ key: jwk, format: "jwk" }) });
}

/** A list of (u16 type, sized16 body) from `at` on: where the body of the wanted type begins. */
function find(wanted: number, buffer: Buffer, at: number): number {
  let place = at;
  while (buffer.readUInt16BE(place) !== wanted) place += 4 + buffer.readUInt16BE(place + 2);
  return place + 4;
}

function readHello(hello: Buffer): { readonly sessionId: Buffer; readonly share: Buffer } {
  const isClient = hello[0] === HELLO_CLIENT;
  const sessionAt = 4 + 2 + 32;
  const sessionId = hello.subarray(sessionAt + 1, sessionAt + 1 + hello.readUInt8(sessionAt));
  let at = sessionAt + 1 + sessionId.length;
  at += isClient ? 2 + hello.readUInt16BE(at) : 2;
  at += isClient ? 1 + hello.readUInt8(at) : 1;
  const keyShare = find(51, hello, at + 2);
  const shareAt = find(X25519, hello, isClient ? keyShare + 2 : keyShare);
  return { sessionId, share: hello.subarray(shareAt, shareAt + 32) };
}

/** Certificate, proof and end of one side's flight: the proof is made with the signer's key, whosever that is. */
function proveAs(
  side: "client" | "server",
  secret: Buffer,
  before: readonly Buffer[],
  who: Impostor,
): Buffer {
  const der = new X509Certificate(who.shown.certPem).raw;
  const certificate = message(CERTIFICATE, u8(0), sized24(sized24(der), u16(0)));
  const label = Buffer.from(`TLS 1.3, ${side} CertificateVerify\0`);
  const toSign = bytes(Buffer.alloc(64, " "), label, sha256(...before, certificate));
  const signature = sign("sha256", toSign, createPrivateKey(who.signer.keyPem));
  const verify = message(CERTIFICATE_VERIFY, u16(ECDSA_P256_SHA256), sized16(signature));
  const finishedKey = expand(secret, "finished", NOTHING, 32);
  return bytes(
    certificate,
    verify,
    message(FINISHED, hmac(finishedKey, sha256(...before, certificate, verify))),
  );
}

export interface Impostor {
  readonly shown: Identity;
  readonly signer: Identity;
}

export function serverFlight(clientHello: Buffer, who: Impostor): Buffer {
  const { sessionId, share } = readHello(clientHello);
  const own = makeShare();
  const extensions = bytes(extension(43, u16(0x0304)), extension(51, u16(X25519), sized16(own.bytes)));
  const serverHello = message(
    HELLO_SERVER,
    u16(0x0303),
    Buffer.alloc(32, 7),
    sized8(sessionId),
    u16(TLS_AES_128_GCM_SHA256),
    u8(0),
    sized16(extensions),
  );
  const secrets = secretsOf(agree(own, share), [clientHello, serverHello]);
  const encrypted = message(ENCRYPTED_EXTENSIONS, u16(0));
  const proof = proveAs("server", secrets.server, [clientHello, serverHello, encrypted], who);
  return bytes(record(HANDSHAKE_RECORD, serverHello), seal(secrets.server, bytes(encrypted, proof)));
}

function makeClientHello(own: Share): Buffer {
  const extensions = bytes(
    extension(43, sized8(u16(0x0304))),
    extension(10, sized16(u16(X25519))),
    extension(13, sized16(u16(ECDSA_P256_SHA256))),
    extension(51, sized16(u16(X25519), sized16(own.bytes))),
  );
  const suites = sized16(u16(TLS_AES_128_GCM_SHA256));
  return message(
    HELLO_CLIENT,
    u16(0x0303),
    Buffer.alloc(32, 7),
    u8(0),
    suites,
    sized8(u8(0)),
    sized16(extensions),
  );
}

/** Takes the server's flight record by record. @returns the client's own flight once the server has finished its */
export class ClientHandshake {
  readonly #own = makeShare();
  readonly hello = makeClientHello(this.#own);
  #serverHello: Buffer = NOTHING;
  #secrets: Record<"client" | "server", Buffer> = { client: NOTHING, server: NOTHING };
  #flight: Buffer = NOTHING;
  #sequence = 0;

  take(taken: Buffer, who: Impostor): Buffer | undefined {
    if (taken[0] === HANDSHAKE_RECORD) {
      this.#serverHello = taken.subarray(5);
      this.#secrets = secretsOf(agree(this.#own, readHello(this.#serverHello).share), [
        this.hello,
        this.#serverHello,
      ]);
    }
    if (taken[0] !== SEALED_RECORD) return undefined;
    this.#flight = bytes(this.#flight, unseal(this.#secrets.server, this.#sequence++, taken));
    if (!hasFinished(this.#flight)) return undefined;
    const before = [this.hello, this.#serverHello, this.#flight];
    return seal(this.#secrets.client, proveAs("client", this.#secrets.client, before, who));
  }
}

function hasFinished(flight: Buffer): boolean {
  let at = 0;
  while (at + 4 <= flight.length && flight[at] !== FINISHED) at += 4 + flight.readUIntBE(at + 1, 3);
  return at + 4 <= flight.length;
}

/** Calls back for each whole record that comes in. */
export function onRecords(socket: Socket, take: (record: Buffer) => void): void {
  let pending: Buffer = NOTHING;
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    pending = bytes(pending, chunk);
    while (pending.length >= 5 && pending.length >= 5 + pending.readUInt16BE(3)) {
      const length = 5 + pending.readUInt16BE(3);
      take(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  });
}
