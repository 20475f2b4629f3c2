import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { type HandshakeFacts, judgeHandshake } from "./handshake.ts";

const key = "ab".repeat(32) as Fingerprint;
const other = "cd".repeat(32) as Fingerprint;
const good: HandshakeFacts = {
  verdict: "DEPTH_ZERO_SELF_SIGNED_CERT",
  tlsVersion: "TLSv1.3",
  fingerprint256: new Array(32).fill("AB").join(":"),
};

function refusal(over: Partial<HandshakeFacts>, expected?: Fingerprint): string {
  const outcome = judgeHandshake({ ...good, ...over }, expected);
  if (!(outcome instanceof Failure)) throw new Error("was accepted");
  expect(outcome.code).toBe("peer-refused");
  return outcome.message;
}

describe("accepted", () => {
  test("the expected key, and any key where none is expected", () => {
    expect(judgeHandshake(good, key)).toBe(key);
    expect(judgeHandshake(good, undefined)).toBe(key);
  });
});

describe("refused", () => {
  test("another key than expected", () => expect(refusal({}, other)).toContain("another key"));
  test("no certificate, or no TLS at all", () => {
    expect(refusal({ fingerprint256: undefined })).toContain("no key");
    expect(refusal({ fingerprint256: undefined, verdict: "EPROTO" })).toContain("does not speak");
  });
  test("a certificate whose owner did not prove to have its key, also where any key would do", () => {
    expect(refusal({ verdict: "EPROTO" }, key)).toContain("did not prove");
    expect(refusal({ verdict: "ECONNRESET" })).toContain("did not prove");
  });
  test("a verdict other than self-signed, even the absence of one", () =>
    expect(refusal({ verdict: undefined }, key)).toContain("did not prove"));
  test("an older TLS", () => expect(refusal({ tlsVersion: "TLSv1.2" }, key)).toContain("TLSv1.2"));
  test("a fingerprint that is none", () =>
    expect(refusal({ fingerprint256: "AB:CD" })).toContain("cannot be read"));
});
