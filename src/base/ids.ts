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
  FILE_PATH_BYTES_MAX,
  FILE_PATH_COMPONENTS_MAX,
  GROUP_NAME_BYTES_MAX,
  NAME_SUFFIX_BYTES,
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
/** Of a content under a name in a group: SHA-256 of both (`listing-id`). */
export type ListingId = Branded<string, "ListingId">;
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
export const parseRequestId = hexParser<RequestId>("request id", 32);
export const parseFileId = hexParser<FileId>("file id", 64);
export const parseListingId = hexParser<ListingId>("listing id", 64);
export const parseDigest = hexParser<Digest>("digest", 64);
export const parseSha1 = hexParser<Sha1>("SHA-1", 40);
export const parseFingerprint = hexParser<Fingerprint>("fingerprint", 64);

/** What merging puts behind a name that two sides took at once; its length is NAME_SUFFIX_BYTES. */
const SUFFIX = /~[a-z2-7]{5}$/u;
/** Of a refused name, so much is repeated to whoever gave it. */
const SHOWN_CHARS_MAX = 80;

/** Normal in every form; most names are no more than that. */
const ASCII = /^[ -~]*$/;

/** Two names with one key are one name: Unicode NFKC, case folded (TR 15, TR 21). */
export function nameKey(name: string): string {
  if (ASCII.test(name)) return name.toLowerCase();
  return name.normalize("NFKC").toLowerCase().normalize("NFKC");
}

export function sameName(left: string, right: string): boolean {
  return nameKey(left) === nameKey(right);
}

function refuseName(what: string, why: string, name: string): Failure {
  const shown = name.length > SHOWN_CHARS_MAX ? `${name.slice(0, SHOWN_CHARS_MAX)}...` : name;
  return new Failure("invalid-name", `${what} ${why}: ${forTerminal(JSON.stringify(shown))}`);
}

function refuseLonger(what: string, bytesMax: number, name: string): Failure | undefined {
  const bytes = utf8Length(name);
  if (bytes <= bytesMax) return undefined;
  return refuseName(what, `is longer than ${bytesMax} bytes (it has ${bytes})`, name);
}

/** @param bytesMax without the suffix of merging, which may come on top */
function parseWord<T extends string>(what: string, bytesMax: number, text: string): T | Failure {
  const name = text.normalize("NFC");
  if (name === "") return refuseName(what, "is empty", text);
  const unfit = unfitForName(name);
  if (unfit !== undefined) return refuseName(what, `holds ${unfit}`, text);
  const mostBytes = SUFFIX.test(name) ? bytesMax + NAME_SUFFIX_BYTES : bytesMax;
  return refuseLonger(what, mostBytes, name) ?? (name as T);
}

/**
 * A name people type as one word. `~` is kept for names that two sides took at once (`name~xxxxx`), a leading `-` for
 * options.
 */
function parseTypedName<T extends string>(what: string, bytesMax: number, text: string): T | Failure {
  const name = parseWord<T>(what, bytesMax, text);
  if (name instanceof Failure) return name;
  const refuse = (why: string) => refuseName(what, why, name);
  if (/\s/u.test(name)) return refuse("must be one word, without spaces");
  if (/[/\\]/.test(name)) return refuse("must not hold / or \\");
  if (name.startsWith("-")) return refuse("must not start with -");
  const chosen = name.replace(SUFFIX, "");
  if (chosen === "" || chosen.includes("~")) return refuse("must not hold ~");
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
  return refuseName("a new name", "must not hold ~", name);
}

/**
 * A name of a shared file: one path component or several with `/` between, spaces within allowed; those around one nobody
 * would see in a list. Where it may land is for `safe-path` to say.
 */
export function parseFileName(text: string): FileName | Failure {
  const name = parseWord<FileName>("file name", FILE_PATH_BYTES_MAX, text);
  if (name instanceof Failure) return name;
  const refuse = (why: string) => refuseName("file name", why, name);
  if (name.includes("\\")) return refuse("must not hold \\");
  const parts = name.split("/");
  if (parts.length > FILE_PATH_COMPONENTS_MAX)
    return refuse(`has more than ${FILE_PATH_COMPONENTS_MAX} parts (it has ${parts.length})`);
  for (const [index, part] of parts.entries()) {
    if (part === "") return refuse("must not begin or end with /, nor hold two of them together");
    if (part === "." || part === "..")
      return refuse(parts.length === 1 ? "must not be . or .." : "must not hold . or .. between /");
    if (part.trim() !== part)
      return refuse(
        parts.length === 1
          ? "must not begin or end with a blank"
          : "must not hold a part that begins or ends with a blank",
      );
    const isLast = index === parts.length - 1;
    const most = FILE_NAME_BYTES_MAX + (isLast && SUFFIX.test(part) ? NAME_SUFFIX_BYTES : 0);
    const tooLong = refuseLongPart(part, most, name);
    if (tooLong !== undefined) return tooLong;
  }
  return name;
}

/** Said of the whole name where that is all there is. */
function refuseLongPart(part: string, bytesMax: number, name: string): Failure | undefined {
  return refuseLonger(part === name ? "file name" : "a part of the file name", bytesMax, part);
}

/** A file's name for something new may end as if with a suffix, which is then part of it: another one must still fit. */
export function refuseNoRoom(name: FileName): Failure | undefined {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return (
    refuseLongPart(last, FILE_NAME_BYTES_MAX, name) ?? refuseLonger("file name", FILE_PATH_BYTES_MAX, name)
  );
}

export function parsePassword(text: string): string | Failure {
  if (text === "") return new Failure("invalid-input", "the password is empty");
  const bytes = utf8Length(text);
  if (bytes > PASSWORD_BYTES_MAX)
    return new Failure(
      "invalid-input",
      `the password is longer than ${PASSWORD_BYTES_MAX} bytes (it has ${bytes})`,
    );
  return text;
}
