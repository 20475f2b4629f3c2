/**
 * Statements that trackers sign (Ed25519) and others check without asking: grants and sessions. Pure.
 *
 * Text form: base64url of the payload JSON, a dot, base64url of the signature. What is signed is the purpose and the
 * payload, so that a session can never pass as a grant. Whoever checks one hands in the keys that count; a statement
 * says nothing about who signed it. Only one text exists for a payload and signature: lax base64 is refused.
 */
import { createPublicKey, sign as edSign, verify as edVerify, type KeyObject } from "node:crypto";
import * as v from "valibot";
import { assert } from "../base/assert.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid } from "../base/ids.ts";
import { SIGNED_CHARS_MAX } from "../base/limits.ts";
import * as s from "./schema.ts";

/** Shown by a client to a seeder: that user, on the machine with that key, may fetch files of that group until then. */
const grant = v.object({
  purpose: v.literal("grant"),
  gid: s.gid,
  uid: s.uid,
  user: v.exactOptional(s.userName),
  fingerprint: s.fingerprint,
  expiresMs: s.whole,
});
/** Shown by a client to any tracker instead of the password; void once the user's password stamp is another. */
const session = v.object({
  purpose: v.literal("session"),
  uid: s.uid,
  fingerprint: s.fingerprint,
  issuedMs: s.whole,
  expiresMs: s.whole,
  passwordStamp: v.union([v.pipe(v.string(), v.maxLength(128)), s.whole]),
});

const SCHEMAS = { grant, session } as const;
export type Purpose = keyof typeof SCHEMAS;
export type Grant = v.InferOutput<typeof grant>;
export type Session = v.InferOutput<typeof session>;
export type Statement = Grant | Session;

const SIGNATURE_BYTES = 64;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
/** Bytes of an Ed25519 public key as SPKI DER (RFC 8410): a fixed head and 32 bytes of key. */
const PUBLIC_KEY_BYTES = 44;

function signedBytes(purpose: Purpose, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`p2p-${purpose}-1\n`), payload]);
}

/** @param privateKey an Ed25519 key */
export function sign(statement: Statement, privateKey: KeyObject): string {
  const payload = Buffer.from(JSON.stringify(statement), "utf8");
  const signature = edSign(null, signedBytes(statement.purpose, payload), privateKey);
  const text = `${payload.toString("base64url")}.${signature.toString("base64url")}`;
  assert(text.length <= SIGNED_CHARS_MAX, `a signed ${statement.purpose} of ${text.length} characters`);
  return text;
}

/**
 * @param keys public keys whose signature counts, as they travel; one that is none counts for nothing
 * @returns the statement, or "invalid-input". Whether it has expired is for the caller to say, who knows the time.
 */
export function verify<P extends Purpose>(
  text: string,
  purpose: P,
  keys: readonly string[],
): v.InferOutput<(typeof SCHEMAS)[P]> | Failure {
  const refuse = (why: string) => new Failure("invalid-input", `the signed ${purpose} ${why}`);
  if (text.length > SIGNED_CHARS_MAX) return refuse("is too long");
  const [payloadText = "", signatureText = "", ...more] = text.split(".");
  const payload = fromBase64url(payloadText);
  const signature = fromBase64url(signatureText);
  if (!payload || !signature || signature.length !== SIGNATURE_BYTES || more.length > 0)
    return refuse("is malformed");
  const signed = signedBytes(purpose, payload);
  const isSigned = keys.some((keyText) => {
    const key = parsePublicKey(keyText);
    return !(key instanceof Failure) && edVerify(null, signed, key, signature);
  });
  if (!isSigned) return refuse("is not signed by a tracker that is known here");
  return check(SCHEMAS[purpose], payload) ?? refuse("holds something else");
}

function check<S extends v.GenericSchema>(schema: S, payload: Buffer): v.InferOutput<S> | undefined {
  try {
    const value = s.check(schema, JSON.parse(payload.toString("utf8")));
    return value instanceof Failure ? undefined : value;
  } catch {
    return undefined;
  }
}

/** Why a seeder refuses a grant, in words for the one who showed it; a key names the reason where refusals are counted. */
export const GRANT_REFUSALS = {
  forged: "the grant is not signed by a tracker that is known here",
  expired: "the grant has expired",
  otherGroup: "the grant is for another group",
  otherKey: "the grant is for another machine",
  revoked: "the grant was revoked: its user is no longer a member of the group",
  outdated: "the grant was revoked: its user's password was changed on another machine",
  ended: "the grant has ended and was not renewed",
} as const;

/**
 * @param expected the group asked for, the key at the other end of this very connection, the time of the trackers
 * @returns the grant, or why it is refused
 */
export function checkGrant(
  text: string,
  keys: readonly string[],
  expected: { readonly gid: Gid; readonly fingerprint: Fingerprint; readonly nowMs: number },
): Grant | GrantRefusal {
  const found = verify(text, "grant", keys);
  if (found instanceof Failure) return "forged";
  if (found.fingerprint !== expected.fingerprint) return "otherKey";
  if (found.gid !== expected.gid) return "otherGroup";
  if (found.expiresMs <= expected.nowMs) return "expired";
  return found;
}

export type GrantRefusal = keyof typeof GRANT_REFUSALS;

export function grantRefused(why: GrantRefusal): Failure {
  return new Failure("peer-refused", GRANT_REFUSALS[why]);
}

/** A public key as it travels: SPKI DER in base64url. */
export function formatPublicKey(key: KeyObject): string {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return publicKey.export({ format: "der", type: "spki" }).toString("base64url");
}

export function parsePublicKey(text: string): KeyObject | Failure {
  const refused = new Failure("invalid-input", "not an Ed25519 public key");
  const der = text.length <= SIGNED_CHARS_MAX ? fromBase64url(text) : undefined;
  if (der?.length !== PUBLIC_KEY_BYTES) return refused;
  try {
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    return key.asymmetricKeyType === "ed25519" ? key : refused;
  } catch {
    return refused;
  }
}

/** @returns undefined unless the text is exactly what encoding the bytes gives */
function fromBase64url(text: string): Buffer | undefined {
  if (!BASE64URL.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
