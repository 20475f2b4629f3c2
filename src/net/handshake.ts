/**
 * Whether a finished TLS handshake proves who is at the other end. Pure: every rule of trust in transport is here.
 *
 * 1. The runtime hands over the other side's certificate even when its owner could not prove to have the key: the
 *    fingerprint alone proves nothing. The handshake's own verdict tells the two apart, and the only verdict that
 *    fits a proven self-signed certificate is that of its being self-signed.
 * 2. No option keeps older versions of TLS out, so the one agreed on is looked at.
 */
import { Failure } from "../base/failure.ts";
import { type Fingerprint, parseFingerprint } from "../base/ids.ts";

export interface HandshakeFacts {
  /** The code of the verification error that the handshake ended with, if any. */
  readonly verdict: string | undefined;
  readonly tlsVersion: string | undefined;
  /** SHA-256 of the other side's certificate, as `AA:BB:...`; undefined if it sent none. */
  readonly fingerprint256: string | undefined;
}

const PROVEN_SELF_SIGNED = "DEPTH_ZERO_SELF_SIGNED_CERT";

/** @param expected the only key to be accepted; undefined accepts any. @returns who is there, or "peer-refused" */
export function judgeHandshake(
  { verdict, tlsVersion, fingerprint256 }: HandshakeFacts,
  expected: Fingerprint | undefined,
): Fingerprint | Failure {
  const refuse = (why: string) => new Failure("peer-refused", `the other side ${why}`);
  if (fingerprint256 === undefined)
    return refuse(verdict === "EPROTO" ? "does not speak this protocol" : "showed no key of its own");
  if (verdict !== PROVEN_SELF_SIGNED)
    return refuse(`did not prove its key (${verdict ?? "another authority"})`);
  if (tlsVersion !== "TLSv1.3") return refuse(`speaks ${tlsVersion ?? "no TLS"}, not TLSv1.3`);
  const presented = parseFingerprint(fingerprint256.replaceAll(":", "").toLowerCase());
  if (presented instanceof Failure) return refuse("showed a key that cannot be read");
  if (expected !== undefined && presented !== expected)
    return refuse(`has another key (sha256:${presented}) than expected (sha256:${expected})`);
  return presented;
}
