import { describe, expect, test } from "bun:test";
import { sign as edSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid, Uid, UserName } from "../base/ids.ts";
import { SIGNED_CHARS_MAX } from "../base/limits.ts";
import {
  checkGrant,
  formatPublicKey,
  GRANT_REFUSALS,
  type Grant,
  grantRefused,
  parsePublicKey,
  type Session,
  sign,
  verify,
} from "./signed.ts";

const tracker = generateKeyPairSync("ed25519");
const other = generateKeyPairSync("ed25519");
const trackerKey = formatPublicKey(tracker.publicKey);
const otherKey = formatPublicKey(other.publicKey);

const grant: Grant = {
  purpose: "grant",
  gid: "a".repeat(32) as Gid,
  uid: "b".repeat(32) as Uid,
  user: "ann" as UserName,
  fingerprint: "c".repeat(64) as Fingerprint,
  expiresMs: 1_000_000,
};
const session: Session = {
  purpose: "session",
  uid: grant.uid,
  fingerprint: grant.fingerprint,
  issuedMs: 1,
  expiresMs: 2,
  passwordStamp: "1-x",
};
const expected = { gid: grant.gid, fingerprint: grant.fingerprint, nowMs: 999_999 };

function signedAnyhow(purpose: string, payload: string, key: KeyObject): string {
  const signature = edSign(null, Buffer.from(`p2p-${purpose}-1\n${payload}`), key);
  return `${Buffer.from(payload).toString("base64url")}.${signature.toString("base64url")}`;
}

describe("signing and verifying", () => {
  test("what is signed verifies under its key, whichever of the keys it is", () => {
    expect(verify(sign(grant, tracker.privateKey), "grant", [otherKey, trackerKey])).toEqual(grant);
    expect(verify(sign(session, tracker.privateKey), "session", [trackerKey])).toEqual(session);
    const counted = { ...session, passwordStamp: 7 };
    expect(verify(sign(counted, tracker.privateKey), "session", [trackerKey])).toEqual(counted);
  });

  test("a grant without a name verifies too", () => {
    const { user: _, ...nameless } = grant;
    expect(verify(sign(nameless, tracker.privateKey), "grant", [trackerKey])).toEqual(nameless);
  });

  test("the longest grant fits its bound", () => {
    const longest = { ...grant, user: '"'.repeat(64) as UserName, expiresMs: Number.MAX_SAFE_INTEGER };
    expect(sign(longest, tracker.privateKey).length).toBeLessThan(SIGNED_CHARS_MAX);
  });

  test("no key, a foreign key and a key that is none verify nothing", () => {
    const text = sign(grant, tracker.privateKey);
    for (const keys of [[], [otherKey], ["nonsense"], [""]])
      expect(verify(text, "grant", keys)).toBeInstanceOf(Failure);
  });

  test("a statement of one purpose never passes for another", () => {
    expect(verify(sign(session, tracker.privateKey), "grant", [trackerKey])).toBeInstanceOf(Failure);
    const grantSignedAsSession = signedAnyhow("session", JSON.stringify(grant), tracker.privateKey);
    expect(verify(grantSignedAsSession, "grant", [trackerKey])).toBeInstanceOf(Failure);
    expect(verify(grantSignedAsSession, "session", [trackerKey])).toBeInstanceOf(Failure);
  });

  test("a change of any single character is noticed", () => {
    const text = sign(grant, tracker.privateKey);
    for (let at = 0; at < text.length; at++) {
      const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
      expect(verify(changed, "grant", [trackerKey])).toBeInstanceOf(Failure);
    }
  });

  test("other texts for the same bytes are refused", () => {
    const text = sign(grant, tracker.privateKey);
    for (const changed of [
      `${text}=`,
      ` ${text}`,
      `${text}.`,
      `${text}.x`,
      text.replace(".", ".."),
      `${text}\n`,
    ])
      expect(verify(changed, "grant", [trackerKey])).toBeInstanceOf(Failure);
  });

  test("nonsense is refused, however long", () => {
    for (const text of ["", ".", "a.b", "x".repeat(SIGNED_CHARS_MAX + 1), "é.é"])
      expect(verify(text, "grant", [trackerKey])).toBeInstanceOf(Failure);
  });

  test("well signed nonsense is refused", () => {
    for (const payload of ["", "null", "{", '{"purpose":"grant"}', JSON.stringify({ ...grant, gid: "../x" })])
      expect(
        verify(signedAnyhow("grant", payload, tracker.privateKey), "grant", [trackerKey]),
      ).toBeInstanceOf(Failure);
  });
});

describe("checking a grant", () => {
  const text = sign(grant, tracker.privateKey);
  const refusal = (over: Partial<typeof expected>, keys = [trackerKey], shown = text) => {
    const why = checkGrant(shown, keys, { ...expected, ...over });
    if (typeof why !== "string") throw new Error("was accepted");
    expect(grantRefused(why).code).toBe("peer-refused");
    return grantRefused(why).message;
  };

  test("a good one is returned", () => expect(checkGrant(text, [trackerKey], expected)).toEqual(grant));
  test("forged", () => {
    expect(refusal({}, [otherKey])).toBe(GRANT_REFUSALS.forged);
    expect(refusal({}, [trackerKey], "nonsense")).toBe(GRANT_REFUSALS.forged);
  });
  test("expired, from the very millisecond on", () =>
    expect(refusal({ nowMs: grant.expiresMs })).toBe(GRANT_REFUSALS.expired));
  test("for another group", () =>
    expect(refusal({ gid: "0".repeat(32) as Gid })).toBe(GRANT_REFUSALS.otherGroup));
  test("for another key", () =>
    expect(refusal({ fingerprint: "0".repeat(64) as Fingerprint })).toBe(GRANT_REFUSALS.otherKey));
});

describe("public keys as text", () => {
  test("a key survives its text; a private key gives its public one", () => {
    const key = parsePublicKey(trackerKey);
    expect(key instanceof Failure ? key : formatPublicKey(key)).toBe(trackerKey);
    expect(formatPublicKey(tracker.privateKey)).toBe(trackerKey);
  });

  test("other kinds of keys and nonsense are refused", () => {
    const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const x25519 = generateKeyPairSync("x25519");
    for (const text of [
      "",
      "x",
      formatPublicKey(p256.publicKey),
      formatPublicKey(x25519.publicKey),
      "A".repeat(59),
    ])
      expect(parsePublicKey(text)).toBeInstanceOf(Failure);
  });
});
