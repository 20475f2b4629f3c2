/**
 * Who this installation is: the key of its connections and, for a tracker, the key of its signatures. Owns their files.
 *
 * Made at the first start, read and checked at every other. A damaged file is never replaced: others know this machine
 * by what was in it, so its user decides.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { Failure } from "../base/failure.ts";
import { forTerminal } from "../base/text.ts";
import { formatPublicKey } from "../wire/signed.ts";
import { formatIdentity, type Identity, makeIdentity, parseIdentity } from "./certificate.ts";
import { readSmallFile, replaceFile } from "./durable-file.ts";

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** As it travels. */
  readonly publicKey: string;
}

const identityFile = (folder: string) => join(folder, "identity.pem");

/** @param folder exists, and is this process's alone. @throws Failure "disk-error" */
export async function loadOrMakeIdentity(folder: string): Promise<Identity> {
  const found = await findIdentity(folder);
  if (found !== undefined) return found;
  const identity = await makeIdentity();
  await replaceFile(identityFile(folder), formatIdentity(identity));
  return identity;
}

/**
 * Only looks, so that the folder may be another process's.
 * @returns undefined if none was made there yet. @throws Failure "disk-error"
 */
export async function findIdentity(folder: string): Promise<Identity | undefined> {
  const path = identityFile(folder);
  const text = await readSmallFile(path);
  return text === undefined
    ? undefined
    : orDamaged(parseIdentity(text), path, "others then see a new machine");
}

/** @param folder exists, and is this process's alone. @throws Failure "disk-error" */
export async function loadOrMakeSigningKey(folder: string): Promise<SigningKey> {
  const path = join(folder, "signing-key.pem");
  const text = await readSmallFile(path);
  if (text !== undefined) return orDamaged(parseSigningKey(text), path, "users then have to log in again");
  const { privateKey } = generateKeyPairSync("ed25519");
  await replaceFile(path, privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  return withPublicKey(privateKey);
}

/** @returns a Failure whose message goes on after the name of what held the text */
export function parseSigningKey(text: string): SigningKey | Failure {
  try {
    const privateKey = createPrivateKey(text);
    if (privateKey.asymmetricKeyType === "ed25519") return withPublicKey(privateKey);
    return new Failure("disk-error", "holds a key of another kind than Ed25519");
  } catch {
    return new Failure("disk-error", "holds no key that can be read");
  }
}

function withPublicKey(privateKey: KeyObject): SigningKey {
  return { privateKey, publicKey: formatPublicKey(privateKey) };
}

function orDamaged<T>(found: T | Failure, path: string, consequence: string): T {
  if (!(found instanceof Failure)) return found;
  throw new Failure(
    found.code,
    `${forTerminal(path)} ${found.message}: put it back from a backup, or delete it (${consequence})`,
  );
}
