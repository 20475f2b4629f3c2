/**
 * The one gate from a name that another machine chose to a name in a folder here. Pure.
 *
 * Invariant: what it returns is one component, or for a name with `/` a list of them, each one that every common file system
 * takes as it is, `.part` appended too: it names no folder, device or stream, hides nothing, and is the same on every system. What can only be meant badly is refused;
 * what is merely not portable is replaced. The classes of attack are the cases of the test.
 */
import { Failure } from "../../base/failure.ts";
import {
  FILE_NAME_BYTES_MAX,
  FILE_PATH_BYTES_MAX,
  FILE_PATH_COMPONENTS_MAX,
  LOCAL_NAME_BYTES_MAX,
  NAME_SUFFIX_BYTES,
} from "../../base/limits.ts";
import type { Platform } from "../../base/platform.ts";
import { forTerminal, unfitForName, utf8Length } from "../../base/text.ts";

const SEPARATOR = /[/\\]/;
/** Windows refuses these; a colon opens another stream of a file there, or names a drive. */
const RESERVED = /[<>:"|?*]/g;
/** Windows drops them silently, so that `a.` would be `a`. */
const TRAILING_DOTS_AND_SPACES = /[. ]+$/;
/** Devices of Windows in any folder, in any case, whatever follows a dot, a colon or spaces. */
const DEVICE = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=$|[ .:])/i;

/** @returns the name under which a file of that name is kept here, or why there can be none */
export function safeFileName(untrusted: string): string | Failure {
  // Composed, so that two spellings of one name are one file on every system.
  const name = untrusted.normalize("NFC");
  const hostile = hostility(untrusted) ?? hostility(name);
  if (hostile !== undefined)
    return new Failure("invalid-name", `file name refused, it ${hostile}: ${shown(untrusted)}`);
  return portable(name);
}

/** One that no system takes for something else. */
function portable(name: string): string {
  const plain = DEVICE.test(name) ? `_${name}` : name;
  return plain
    .replace(RESERVED, "_")
    .replace(TRAILING_DOTS_AND_SPACES, (dropped) => "_".repeat(dropped.length));
}

/** @returns one safe component for each of the name, from the outermost folder to the file, or why there can be none */
export function safeFilePath(untrusted: string): readonly string[] | Failure {
  const refuse = (why: string) =>
    new Failure("invalid-name", `file name refused, it ${why}: ${shown(untrusted)}`);
  const parts = untrusted.split("/");
  if (parts.length > FILE_PATH_COMPONENTS_MAX)
    return refuse(`has more than ${FILE_PATH_COMPONENTS_MAX} parts`);
  if (utf8Length(untrusted) > PATH_BYTES_MAX) return refuse(`is longer than ${PATH_BYTES_MAX} bytes`);
  const safe: string[] = [];
  for (const part of parts) {
    const name = safeFileName(part);
    if (name instanceof Failure) return parts.length === 1 ? name : refuse("has a part that leads elsewhere");
    safe.push(name);
  }
  return safe;
}

const PATH_BYTES_MAX = FILE_PATH_BYTES_MAX + NAME_SUFFIX_BYTES;

/** A chosen name, and behind it the `~xxxxx` of one that two sides took at once. */
const NAME_BYTES_MAX = FILE_NAME_BYTES_MAX + NAME_SUFFIX_BYTES;

/** What makes a name one that is not repaired but refused, in words for a message. */
function hostility(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name === "." || name === "..") return "leads to another folder";
  if (SEPARATOR.test(name)) return "leads into another folder";
  const unfit = unfitForName(name);
  if (unfit !== undefined) return `holds ${unfit}`;
  return utf8Length(name) > NAME_BYTES_MAX ? `is longer than ${NAME_BYTES_MAX} bytes` : undefined;
}

/**
 * A name that the user of this machine typed for the file: theirs to choose, as long as it is one for a file here, and
 * `.part` still fits behind it.
 */
export function refuseTypedName(
  typed: string,
  { hasReservedNames }: Pick<Platform, "hasReservedNames">,
): Failure | undefined {
  if (utf8Length(typed) > LOCAL_NAME_BYTES_MAX)
    return new Failure(
      "invalid-name",
      `the name is longer than ${LOCAL_NAME_BYTES_MAX} bytes: ${shown(typed)}`,
    );
  const free = portable(typed);
  if (!hasReservedNames || free === typed) return undefined;
  return new Failure(
    "invalid-name",
    `this system takes no file of the name ${shown(typed)}; choose another, such as ${shown(free)}`,
  );
}

function shown(name: string): string {
  return forTerminal(JSON.stringify(name.slice(0, 80)));
}
