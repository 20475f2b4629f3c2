/**
 * Statements that trackers sign. Ed25519 gives one signature for a key and a text, so exactly the texts that `sign` makes
 * verify: whatever else does is forged.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { Failure } from "../../../base/failure.ts";
import type { Fingerprint, Gid, Uid } from "../../../base/ids.ts";
import {
  checkGrant,
  formatPublicKey,
  type Grant,
  type Purpose,
  parsePublicKey,
  type Session,
  type Statement,
  sign,
  verify,
} from "../../../wire/signed.ts";
import type { Draw } from "../draw.ts";
import { type FuzzCase, type FuzzTarget, must, mustEqual } from "../fuzz-target.ts";
import { mutateBytes, mutateText } from "../mutation.ts";

/** The same in every run. */
function keyOf(fill: number): KeyObject {
  const head = Buffer.from("302e020100300506032b657004220420", "hex");
  return createPrivateKey({
    key: Buffer.concat([head, Buffer.alloc(32, fill)]),
    format: "der",
    type: "pkcs8",
  });
}

const TRACKER = keyOf(7);
const STRANGER = keyOf(8);
const KEYS = [formatPublicKey(keyOf(9)), "no key", formatPublicKey(TRACKER)];
const NOW_MS = 1_000_000;
const HERE = { gid: "a".repeat(32) as Gid, fingerprint: "b".repeat(64) as Fingerprint, nowMs: NOW_MS };

function anyGrant(draw: Draw): Grant {
  return {
    purpose: "grant",
    gid: draw.once(2) ? HERE.gid : (draw.hex(32) as Gid),
    uid: draw.hex(32) as Uid,
    fingerprint: draw.once(2) ? HERE.fingerprint : (draw.hex(64) as Fingerprint),
    expiresMs: draw.whole(0, 2 * NOW_MS),
  };
}

function anySession(draw: Draw): Session {
  return {
    purpose: "session",
    uid: draw.hex(32) as Uid,
    fingerprint: draw.hex(64) as Fingerprint,
    issuedMs: draw.whole(0, NOW_MS),
    expiresMs: draw.whole(0, NOW_MS),
    passwordStamp: draw.once(2) ? draw.hex(16) : draw.below(100),
  };
}

function signedCase(
  draw: Draw,
  make: (draw: Draw) => Statement,
  other: (draw: Draw) => Statement,
): FuzzCase<string> {
  const valid = sign(make(draw), TRACKER);
  switch (draw.below(8)) {
    case 0:
    case 1:
      return { input: valid, isValid: true };
    case 2:
      return { input: sign(make(draw), STRANGER) };
    case 3:
      return { input: sign(other(draw), TRACKER) };
    case 4:
      return { input: crossed(valid, sign(make(draw), TRACKER)) };
    case 5:
      return { input: mutateText(draw, valid) };
    case 6:
      return { input: laxly(draw, valid) };
    default:
      return { input: flipped(draw, valid) };
  }
}

/** The payload of one with the signature of the other. */
function crossed(left: string, right: string): string {
  return `${left.split(".")[0]}.${right.split(".")[1]}`;
}

/** One bit of what is signed, or of the signature. */
function flipped(draw: Draw, text: string): string {
  const parts = text.split(".").map((part) => Buffer.from(part, "base64url"));
  const part = draw.pick(parts);
  const at = draw.below(part.length);
  part[at] = (part[at] ?? 0) ^ (1 << draw.below(8));
  return parts.map((each) => each.toString("base64url")).join(".");
}

/** The same bytes to a decoder that is not strict. */
function laxly(draw: Draw, text: string): string {
  return draw.pick([
    `${text}=`,
    `${text} `,
    ` ${text}`,
    `${text}\n`,
    text.replaceAll("-", "+"),
    text.replaceAll("_", "/"),
    `${text}.`,
    text.replace(".", "=."),
    `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) + 1)}`,
  ]);
}

function checkSigned(text: string, purpose: Purpose): boolean {
  const found = verify(text, purpose, KEYS);
  if (found instanceof Failure) {
    mustEqual(found.code, "invalid-input", "what does not verify is refused as input");
    return false;
  }
  mustEqual(found.purpose, purpose, "a statement counts for its own purpose");
  mustEqual(sign(found, TRACKER), text, "what verifies is the very text that a tracker signed");
  return true;
}

const grantOnConnection: FuzzTarget<string> = {
  name: "grant shown on a connection",
  generate: (draw) => ({ ...signedCase(draw, anyGrant, anySession), isValid: false }),
  check(text) {
    const found = checkGrant(text, KEYS, HERE);
    if (typeof found === "string") return false;
    mustEqual(
      [found.gid, found.fingerprint],
      [HERE.gid, HERE.fingerprint],
      "a grant counts for its group and key",
    );
    must(found.expiresMs > HERE.nowMs, "a grant that has ended does not count");
    mustEqual(sign(found, TRACKER), text, "what verifies is the very text that a tracker signed");
    return true;
  },
};

const publicKeys: FuzzTarget<string> = {
  name: "public keys",
  generate(draw) {
    const der = Buffer.from(KEYS[2] ?? "", "base64url");
    switch (draw.below(5)) {
      case 0:
        return { input: formatPublicKey(keyOf(draw.below(256))), isValid: true };
      case 1:
        return { input: mutateText(draw, KEYS[2] ?? "") };
      case 2:
        return { input: Buffer.from(mutateBytes(draw, der)).toString("base64url") };
      case 3:
        return { input: Buffer.concat([der.subarray(0, 12), draw.bytes(32)]).toString("base64url") };
      default:
        return { input: draw.text(100) };
    }
  },
  check(text) {
    const key = parsePublicKey(text);
    if (key instanceof Failure) {
      mustEqual(key.code, "invalid-input", "what is no key is refused as input");
      return false;
    }
    mustEqual(formatPublicKey(key), text, "a key has one text");
    must(
      verify(sign(anyStatement, TRACKER), "grant", [text]) instanceof Failure || text === KEYS[2],
      "another key verifies nothing",
    );
    return true;
  },
};
const anyStatement: Grant = {
  purpose: "grant",
  gid: HERE.gid,
  uid: "c".repeat(32) as Uid,
  fingerprint: HERE.fingerprint,
  expiresMs: 1,
};

export const signedFuzzTargets: readonly FuzzTarget<string>[] = [
  {
    name: "signed grant",
    generate: (draw) => signedCase(draw, anyGrant, anySession),
    check: (text) => checkSigned(text, "grant"),
  },
  {
    name: "signed session",
    generate: (draw) => signedCase(draw, anySession, anyGrant),
    check: (text) => checkSigned(text, "session"),
  },
  grantOnConnection,
  publicKeys,
];
