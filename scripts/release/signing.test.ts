import { expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { TempFolder } from "../../src/testing/temp-folder.ts";
import { certificateFor, ENTITLEMENTS, signIfWanted, signingStep, withoutCertificates } from "./signing.ts";

/** A tool that writes down its arguments, and what it signs: the file after `-out`, else the last one. */
function fakeTool(folder: TempFolder, name: string, exitCode = 0): void {
  const script = `#!/bin/sh
echo "$@" > "${folder.path}/arguments"
while [ $# -gt 0 ]; do case "$1" in -out) last="$2"; shift;; *) last="$1";; esac; shift; done
echo signed > "$last"
echo "the certificate has run out" >&2
exit ${exitCode}
`;
  writeFileSync(folder.join(name), script);
  chmodSync(folder.join(name), 0o755);
}

const onPath = (folder: TempFolder, env: Record<string, string>) => ({
  PATH: `${folder.path}:${process.env["PATH"]}`,
  ...env,
});
const said = (folder: TempFolder) => readFileSync(folder.join("arguments"), "utf8").trim();

test("without a certificate nothing is signed and no tool is needed", async () => {
  for (const os of ["darwin", "win32", "linux"] as const)
    expect(await signIfWanted(os, "/no/such/file", { PATH: "" })).toBe(false);
});

test("a certificate for one system leaves the others' binaries alone", () => {
  const env = { P2P_MACOS_IDENTITY: "Developer ID", P2P_WINDOWS_CERT: "cert.p12" };
  expect(signingStep("linux", "p2p", env)).toBeUndefined();
  expect(signingStep("win32", "p2p.exe", { P2P_MACOS_IDENTITY: "Developer ID" })).toBeUndefined();
  expect(signingStep("darwin", "p2p", { P2P_WINDOWS_CERT: "cert.p12" })).toBeUndefined();
});

test("whoever builds a second time to compare signs nothing, whatever the variables say", () => {
  const env = { P2P_MACOS_IDENTITY: "Ann", P2P_WINDOWS_CERT: "cert.p12", HOME: "/home/ann" };
  expect(["darwin", "win32", "linux"].map((os) => certificateFor(os as "linux", env))).toEqual([
    "Ann",
    "cert.p12",
    undefined,
  ]);
  const plain = withoutCertificates(env);
  expect(plain["HOME"]).toBe("/home/ann");
  for (const os of ["darwin", "win32", "linux"] as const)
    expect(signingStep(os, "p2p", plain)).toBeUndefined();
  // As a workflow has it whose secret is not set.
  expect(certificateFor("darwin", { P2P_MACOS_IDENTITY: "" })).toBeUndefined();
});

test.skipIf(process.platform === "win32")("codesign gets the identity, and signs in place", async () => {
  await using folder = await TempFolder.make();
  fakeTool(folder, "codesign");
  const binary = folder.join("p2p-darwin-arm64");
  writeFileSync(binary, "unsigned");
  const env = onPath(folder, { P2P_MACOS_IDENTITY: "Developer ID Application: Ann (TEAM)" });
  expect(await signIfWanted("darwin", binary, env)).toBe(true);
  expect(said(folder)).toBe(
    `--force --timestamp --options runtime --entitlements ${ENTITLEMENTS} --identifier p2p ` +
      `--sign Developer ID Application: Ann (TEAM) ${binary}`,
  );
  expect(readFileSync(binary, "utf8")).toBe("signed\n");
  expect(existsSync(ENTITLEMENTS)).toBe(true);
});

test.skipIf(process.platform === "win32")(
  "osslsigncode gets the certificate, and its result takes the place",
  async () => {
    await using folder = await TempFolder.make();
    fakeTool(folder, "osslsigncode");
    const binary = folder.join("p2p.exe");
    writeFileSync(binary, "unsigned");
    const env = onPath(folder, {
      P2P_WINDOWS_CERT: "cert.p12",
      P2P_WINDOWS_CERT_PASSWORD_FILE: "password.txt",
      P2P_WINDOWS_TIMESTAMP_URL: "http://time.example",
    });
    expect(await signIfWanted("win32", binary, env)).toBe(true);
    expect(said(folder)).toBe(
      "sign -pkcs12 cert.p12 -readpass password.txt -h sha256 -n p2p -ts http://time.example " +
        `-in ${binary} -out ${binary}.signed`,
    );
    expect(readFileSync(binary, "utf8")).toBe("signed\n");
    expect(existsSync(`${binary}.signed`)).toBe(false);
  },
);

test("signtool is used where it is asked for", async () => {
  await using folder = await TempFolder.make();
  writeFileSync(folder.join("password"), "secret\n");
  const step = signingStep("win32", "p2p.exe", {
    P2P_WINDOWS_SIGNER: "signtool",
    P2P_WINDOWS_CERT: "cert.pfx",
    P2P_WINDOWS_CERT_PASSWORD_FILE: folder.join("password"),
  });
  expect(step?.command.join(" ")).toBe("signtool sign /fd SHA256 /f cert.pfx /p secret p2p.exe");
});

test.skipIf(process.platform === "win32")(
  "a tool that fails or is not there stops the release and says why",
  async () => {
    await using folder = await TempFolder.make();
    fakeTool(folder, "codesign", 1);
    const env = onPath(folder, { P2P_MACOS_IDENTITY: "Ann" });
    const binary = folder.join("p2p");
    await expect(signIfWanted("darwin", binary, env)).rejects.toThrow("the certificate has run out");
    await expect(signIfWanted("darwin", binary, { ...env, PATH: "" })).rejects.toThrow(
      "codesign is not there",
    );
  },
);
