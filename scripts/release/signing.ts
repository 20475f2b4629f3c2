/**
 * Signing with the certificates of whoever releases: a tool of theirs, run on a finished binary when a variable says so.
 *
 * Without the variables nothing is run, and a release is signed ad hoc (macOS) or not at all (Windows). What the tools need
 * is in docs/RELEASING.md. Passwords are in files, never in arguments that every process of the machine may read; but for
 * `signtool`, which takes them no other way.
 */
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { ReleaseTarget } from "../release-targets.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the runtime does that a hardened program may not do unasked: make machine code while it runs. */
export const ENTITLEMENTS = join(import.meta.dir, "entitlements.plist");

/** The variables that name one, by system. */
const CERTIFICATES: Partial<Readonly<Record<ReleaseTarget["os"], string>>> = {
  darwin: "P2P_MACOS_IDENTITY",
  win32: "P2P_WINDOWS_CERT",
};

export interface SigningStep {
  readonly command: readonly string[];
  /** Where the tool leaves the signed file, if not in place. */
  readonly output?: string;
}

/** @returns whose certificate binaries of this system are signed with; undefined if with none */
export function certificateFor(os: ReleaseTarget["os"], env: Environment): string | undefined {
  const variable = CERTIFICATES[os];
  return (variable && env[variable]) || undefined;
}

/** @returns the environment of whoever signs nothing */
export function withoutCertificates(env: Environment): Environment {
  return { ...env, ...Object.fromEntries(Object.values(CERTIFICATES).map((name) => [name, undefined])) };
}

/** @returns undefined if nobody wants this binary signed */
export function signingStep(
  os: ReleaseTarget["os"],
  path: string,
  env: Environment,
): SigningStep | undefined {
  const certificate = certificateFor(os, env);
  if (certificate === undefined) return undefined;
  return os === "darwin" ? macosStep(path, certificate) : windowsStep(path, certificate, env);
}

function macosStep(path: string, identity: string): SigningStep {
  const options = ["--force", "--timestamp", "--options", "runtime", "--entitlements", ENTITLEMENTS];
  return { command: ["codesign", ...options, "--identifier", "p2p", "--sign", identity, path] };
}

function windowsStep(path: string, certificate: string, env: Environment): SigningStep {
  const passwordFile = env["P2P_WINDOWS_CERT_PASSWORD_FILE"];
  const timestamp = env["P2P_WINDOWS_TIMESTAMP_URL"];
  if (env["P2P_WINDOWS_SIGNER"] === "signtool") {
    const password = passwordFile ? ["/p", readFileSync(passwordFile, "utf8").trim()] : [];
    const time = timestamp ? ["/tr", timestamp, "/td", "SHA256"] : [];
    return { command: ["signtool", "sign", "/fd", "SHA256", "/f", certificate, ...password, ...time, path] };
  }
  const output = `${path}.signed`;
  const password = passwordFile ? ["-readpass", passwordFile] : [];
  const time = timestamp ? ["-ts", timestamp] : [];
  const files = ["-in", path, "-out", output];
  const options = ["-pkcs12", certificate, ...password, "-h", "sha256", "-n", "p2p", ...time];
  return { command: ["osslsigncode", "sign", ...options, ...files], output };
}

/** @returns whether the binary was signed @throws with what the tool said if it failed */
export async function signIfWanted(
  os: ReleaseTarget["os"],
  path: string,
  env: Environment,
): Promise<boolean> {
  const step = signingStep(os, path, env);
  if (step === undefined) return false;
  const [tool = ""] = step.command;
  const program = Bun.which(tool, { PATH: env["PATH"] ?? "" });
  if (program === null) throw new Error(`${tool} is not there to sign ${path}`);
  const signing = Bun.spawn([program, ...step.command.slice(1)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env },
  });
  const said = await Promise.all(
    [signing.stdout, signing.stderr].map((stream) => new Response(stream).text()),
  );
  if ((await signing.exited) !== 0) throw new Error(`${tool} did not sign ${path}: ${said.join("").trim()}`);
  if (step.output !== undefined) renameSync(step.output, path);
  return true;
}
