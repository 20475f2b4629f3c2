/**
 * The names and identifiers of the domain, as branded values that only their parsers make.
 *
 * A *name* is what people type (Unicode NFC, bounded, free of anything invisible); two names are the same if their
 * `nameKey` is. An *id* is lower-case hex of a fixed length that machines make. Inside the program an unchecked one
 * cannot exist.
 */
import { Failure } from "./failure.ts";
import {
  FILE_NAME_BYTES_MAX,
  GROUP_NAME_BYTES_MAX,
  PASSWORD_BYTES_MAX,
  USER_NAME_BYTES_MAX,
} from "./limits.ts";
import { forTerminal, unfitForName, utf8Length } from "./text.ts";

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

export type UserName = Branded<string, "UserName">;
export type GroupName = Branded<string, "GroupName">;
export type FileName = Branded<string, "FileName">;

/** Of an account, for ever: 128 bits. Rights hang on it, never on the name. */
export type Uid = Branded<string, "Uid">;
/** Of a group: 128 bits. */
export type Gid = Branded<string, "Gid">;
/** Of one join request: 128 bits. */
export type JoinId = Branded<string, "JoinId">;
/** Chosen by a client for each command: 128 random bits. What the command makes derives its ids from it. */
export type RequestId = Branded<string, "RequestId">;
/** Of a file's content: SHA-256 over size, piece length and the pieces' SHA-256 list. */
export type FileId = Branded<string, "FileId">;
/** SHA-256 of a blob, as it is stored and fetched. */
export type Digest = Branded<string, "Digest">;
/** SHA-1 of a whole file. */
export type Sha1 = Branded<string, "Sha1">;
/** SHA-256 of a TLS certificate in DER: who is at the other end of a connection; also names a client's machine. */
export type Fingerprint = Branded<string, "Fingerprint">;
/** Index of a piece, from 0; made only where it was held against the number of pieces. */
export type PieceIndex = Branded<number, "PieceIndex">;

function hexParser<T extends string>(what: string, digits: number): (text: string) => T | Failure {
  const form = new RegExp(`^[0-9a-f]{${digits}}$`);
  return (text) =>
    form.test(text)
      ? (text as T)
      : new Failure(
          "invalid-input",
          `${what} is not ${digits} hex digits: ${forTerminal(text.slice(0, 80))}`,
        );
}

export const parseUid = hexParser<Uid>("user id", 32);
export const parseGid = hexParser<Gid>("group id", 32);
export const parseJoinId = hexParser<JoinId>("join request id", 32);
export const parseRequestId = hexParser<RequestId>("request id", 32);
export const parseFileId = hexParser<FileId>("file id", 64);
export const parseDigest = hexParser<Digest>("digest", 64);
export const parseSha1 = hexParser<Sha1>("SHA-1", 40);
export const parseFingerprint = hexParser<Fingerprint>("fingerprint", 64);

/** Two names with one key are one name: Unicode NFKC, case folded (TR 15, TR 21). */
export function nameKey(name: string): string {
  return name.normalize("NFKC").toLowerCase().normalize("NFKC");
}

function parseWord<T extends string>(what: string, bytesMax: number, text: string): T | Failure {
  const name = text.normalize("NFC");
  const refuse = (why: string) =>
    new Failure("invalid-name", `${what} ${why}: ${forTerminal(JSON.stringify(text.slice(0, 80)))}`);
  if (name === "") return refuse("is empty");
  const unfit = unfitForName(name);
  if (unfit !== undefined) return refuse(`holds ${unfit}`);
  if (utf8Length(name) > bytesMax) return refuse(`is longer than ${bytesMax} bytes`);
  return name as T;
}

/**
 * A name people type as one word. `~` is kept for names that two sides took at once (`name~xxxxx`), a leading `-` for
 * options.
 */
function parseTypedName<T extends string>(what: string, bytesMax: number, text: string): T | Failure {
  const name = parseWord<T>(what, bytesMax, text);
  if (name instanceof Failure) return name;
  const refuse = (why: string) =>
    new Failure("invalid-name", `${what} ${why}: ${forTerminal(JSON.stringify(name))}`);
  if (/\s/u.test(name)) return refuse("must be one word, without spaces");
  if (/[/\\]/.test(name)) return refuse("must not hold / or \\");
  if (name.startsWith("-")) return refuse("must not start with -");
  if (name.includes("~") && !/^[^~]+~[a-z2-7]{5}$/u.test(name)) return refuse("must not hold ~");
  return name;
}

export function parseUserName(text: string): UserName | Failure {
  return parseTypedName("user id", USER_NAME_BYTES_MAX, text);
}

export function parseGroupName(text: string): GroupName | Failure {
  return parseTypedName("group id", GROUP_NAME_BYTES_MAX, text);
}

/** A name for something new: the `~xxxxx` suffix is given by merging, never chosen. */
export function refuseSuffix<T extends UserName | GroupName>(name: T | Failure): T | Failure {
  if (name instanceof Failure || !name.includes("~")) return name;
  return new Failure("invalid-name", `a new name must not hold ~: ${forTerminal(JSON.stringify(name))}`);
}

/** A name of a shared file: one path component, spaces allowed. Where it may land is for `safe-path` to say. */
export function parseFileName(text: string): FileName | Failure {
  const name = parseWord<FileName>("file name", FILE_NAME_BYTES_MAX, text);
  if (name instanceof Failure) return name;
  const refuse = (why: string) =>
    new Failure("invalid-name", `file name ${why}: ${forTerminal(JSON.stringify(name))}`);
  if (/[/\\]/.test(name)) return refuse("must not hold / or \\");
  if (name === "." || name === "..") return refuse("must not be . or ..");
  return name;
}

export function parsePassword(text: string): string | Failure {
  if (text === "") return new Failure("invalid-input", "the password is empty");
  if (utf8Length(text) > PASSWORD_BYTES_MAX)
    return new Failure("invalid-input", `the password is longer than ${PASSWORD_BYTES_MAX} bytes`);
  return text;
}
