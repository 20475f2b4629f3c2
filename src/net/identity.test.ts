import { afterAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../base/failure.ts";
import { NET_FILE_BYTES_MAX } from "../base/limits.ts";
import { failureOf } from "../testing/failure-of.ts";
import { HAS_LINKS } from "../testing/links.ts";
import { formatPublicKey, sign, verify } from "../wire/signed.ts";
import { formatIdentity, makeIdentity, parseIdentity } from "./certificate.ts";
import { replaceFile } from "./durable-file.ts";
import { loadOrMakeIdentity, loadOrMakeSigningKey } from "./identity.ts";

const folders: string[] = [];
async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "p2p-identity-"));
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describe("the certificate", () => {
  test("is known by the SHA-256 of its DER, as others compute it", async () => {
    const { certPem, fingerprint } = await makeIdentity();
    const seen = new X509Certificate(certPem).fingerprint256;
    expect(fingerprint as string).toBe(seen.replaceAll(":", "").toLowerCase());
  });

  test("is valid for ever and says nothing about the machine", async () => {
    const certificate = new X509Certificate((await makeIdentity()).certPem);
    expect(certificate.subject).toBe("CN=p2p");
    expect(certificate.validTo).toContain("9999");
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  test("no two are alike", async () => {
    const [one, other] = await Promise.all([makeIdentity(), makeIdentity()]);
    expect(one.fingerprint).not.toBe(other.fingerprint);
  });

  test.skipIf(Bun.which("openssl") === null)("openssl finds it well made", async () => {
    const folder = await freshFolder();
    const { certPem } = await makeIdentity();
    await writeFile(join(folder, "cert.pem"), certPem);
    const { exitCode, stdout } = Bun.spawnSync(["openssl", "verify", "-CAfile", "cert.pem", "cert.pem"], {
      cwd: folder,
    });
    expect(stdout.toString()).toContain("cert.pem: OK");
    expect(exitCode).toBe(0);
  });

  test("survives its text; a text with a part missing, foreign or damaged is refused", async () => {
    const identity = await makeIdentity();
    const other = await makeIdentity();
    expect(parseIdentity(formatIdentity(identity))).toEqual(identity);
    const refusals = {
      "no certificate": identity.keyPem,
      "no private key": identity.certPem,
      "do not belong together": identity.certPem + other.keyPem,
      "cannot be read": identity.certPem.replace("MII", "AAA") + identity.keyPem,
    };
    for (const [message, text] of Object.entries(refusals)) {
      const refused = parseIdentity(text);
      expect(refused instanceof Failure && refused.message).toContain(message);
    }
  });
});

describe("the identity file", () => {
  test("is made once, for its owner's eyes only, and read from then on", async () => {
    const folder = await freshFolder();
    const made = await loadOrMakeIdentity(folder);
    expect(await loadOrMakeIdentity(folder)).toEqual(made);
    expect(await readdir(folder)).toEqual(["identity.pem"]);
    if (process.platform !== "win32")
      expect((await stat(join(folder, "identity.pem"))).mode & 0o777).toBe(0o600);
  });

  test("is never replaced when damaged; the failure names the file and says what to do", async () => {
    const folder = await freshFolder();
    const path = join(folder, "identity.pem");
    for (const damaged of ["", "nonsense", "x".repeat(1000)]) {
      await writeFile(path, damaged);
      const failure = await failureOf(loadOrMakeIdentity(folder));
      expect(failure.code).toBe("disk-error");
      expect(failure.message).toContain(path);
      expect(failure.message).toContain("delete it");
      expect(await readFile(path, "utf8")).toBe(damaged);
    }
  });

  test("a file without end is not read into memory", async () => {
    const folder = await freshFolder();
    await writeFile(join(folder, "identity.pem"), Buffer.alloc(NET_FILE_BYTES_MAX + 1));
    expect((await failureOf(loadOrMakeIdentity(folder))).message).toContain("longer than");
  });

  test("a folder that is not there is a disk error", async () => {
    const failure = await failureOf(loadOrMakeIdentity(join(await freshFolder(), "missing")));
    expect(failure.code).toBe("disk-error");
  });
});

describe("the signing key file", () => {
  test("is made once and signs what its public key verifies", async () => {
    const folder = await freshFolder();
    const made = await loadOrMakeSigningKey(folder);
    const again = await loadOrMakeSigningKey(folder);
    expect(again.publicKey).toBe(made.publicKey);
    expect(formatPublicKey(again.privateKey)).toBe(made.publicKey);
    const { fingerprint } = await makeIdentity();
    const uid = "a".repeat(32) as Parameters<typeof sign>[0]["uid"];
    const session = {
      purpose: "session",
      uid,
      fingerprint,
      issuedMs: 0,
      expiresMs: 1,
      passwordStamp: 0,
    } as const;
    expect(verify(sign(session, again.privateKey), "session", [made.publicKey])).toEqual(session);
    if (process.platform !== "win32")
      expect((await stat(join(folder, "signing-key.pem"))).mode & 0o777).toBe(0o600);
  });

  test("a damaged or foreign key is refused, not replaced", async () => {
    const folder = await freshFolder();
    const path = join(folder, "signing-key.pem");
    for (const [text, message] of [
      ["nonsense", "no key that can be read"],
      [(await makeIdentity()).keyPem, "another kind"],
    ] as const) {
      await writeFile(path, text);
      expect((await failureOf(loadOrMakeSigningKey(folder))).message).toContain(message);
      expect(await readFile(path, "utf8")).toBe(text);
    }
  });
});

describe("replacing a file", () => {
  test.skipIf(!HAS_LINKS)("leftovers of a crash, even a link, are not written through", async () => {
    const folder = await freshFolder();
    const victim = join(folder, "victim");
    await writeFile(victim, "untouched");
    await symlink(victim, join(folder, "file.new"));
    await replaceFile(join(folder, "file"), "fresh");
    expect(await readFile(join(folder, "file"), "utf8")).toBe("fresh");
    expect(await readFile(victim, "utf8")).toBe("untouched");
    expect((await readdir(folder)).sort()).toEqual(["file", "victim"]);
  });
});

describe.skipIf(process.platform === "win32")("a key file that others may read", () => {
  test("is closed to them again at the next start, and is the same key", async () => {
    const folder = await freshFolder();
    const identity = await loadOrMakeIdentity(folder);
    const { publicKey } = await loadOrMakeSigningKey(folder);
    const paths = ["identity.pem", "signing-key.pem"].map((name) => join(folder, name));
    for (const path of paths) await chmod(path, 0o644);
    expect((await loadOrMakeIdentity(folder)).fingerprint).toBe(identity.fingerprint);
    expect((await loadOrMakeSigningKey(folder)).publicKey).toBe(publicKey);
    for (const path of paths) expect((await stat(path)).mode & 0o777).toBe(0o600);
  });
});
