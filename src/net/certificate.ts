/**
 * A machine's certificate and its key: made once, known to others by the SHA-256 of its DER. No files here.
 *
 * P-256, self-signed. Nobody reads its names or dates: ends of a connection are told apart by fingerprint alone. So it
 * says nothing about its machine, and it is valid for ever (RFC 5280, 4.1.2.5 has a date for that), however wrong the
 * clock was when it was made.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { digestOf } from "../base/manifest.ts";

export interface Identity {
  readonly certPem: string;
  readonly keyPem: string;
  readonly fingerprint: Fingerprint;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const VALID_FROM = new Date("2000-01-01T00:00:00Z");
const VALID_FOR_EVER = new Date("9999-12-31T23:59:59Z");

export async function makeIdentity(): Promise<Identity> {
  // Loaded here, since it takes 70 ms and is needed once in the life of an installation.
  await import("reflect-metadata");
  const { PemConverter, X509CertificateGenerator } = await import("@peculiar/x509");
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=p2p",
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: VALID_FROM,
    notAfter: VALID_FOR_EVER,
  });
  const keyDer = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certPem: `${certificate.toString("pem")}\n`,
    keyPem: `${PemConverter.encode(keyDer, "PRIVATE KEY")}\n`,
    fingerprint: fingerprintOf(new Uint8Array(certificate.rawData)),
  };
}

/** @param der of a certificate */
export function fingerprintOf(der: Uint8Array): Fingerprint {
  return digestOf(der) as string as Fingerprint;
}

/** Certificate and key as one text, so that no crash can part them. */
export function formatIdentity({ certPem, keyPem }: Identity): string {
  return certPem + keyPem;
}

/** @returns a Failure whose message goes on after the name of what held the text */
export function parseIdentity(text: string): Identity | Failure {
  const certPem = pemBlock(text, "CERTIFICATE");
  const keyPem = pemBlock(text, "PRIVATE KEY");
  if (certPem === undefined) return new Failure("disk-error", "holds no certificate");
  if (keyPem === undefined) return new Failure("disk-error", "holds no private key");
  try {
    const certificate = new X509Certificate(certPem);
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem)))
      return new Failure("disk-error", "holds a certificate and a key that do not belong together");
    return { certPem, keyPem, fingerprint: fingerprintOf(certificate.raw) };
  } catch {
    return new Failure("disk-error", "holds a certificate or key that cannot be read");
  }
}

function pemBlock(text: string, label: string): string | undefined {
  const block = new RegExp(`-----BEGIN ${label}-----[\\sA-Za-z0-9+/=]+-----END ${label}-----`).exec(text);
  return block ? `${block[0]}\n` : undefined;
}
