/**
 * What Windows shows of an executable: what it is, which version, under which licence. Pure.
 *
 * The runtime says of itself that it is Bun, with Bun's icon and its maker's signature. The compiler changes that only when
 * it runs on Windows, so it is done here, on the runtime, before our code is put behind it: the section of the resources
 * is filled anew, in the place that it has (without the icon there is room), so that nothing else in the file moves. The
 * signature goes too: it would be wrong.
 *
 * Layout: PE32+, little-endian; resources are a tree of type, name and language (Microsoft, "PE Format"; "VERSIONINFO").
 */

const PE_MAGIC = 0x4550;
const PE32_PLUS = 0x20b;
const RESOURCES = 2;
const CERTIFICATE = 4;
const CONSOLE = 3;
const SECTION_BYTES = 40;

const VERSION_TYPE = 16;
const MANIFEST_TYPE = 24;
/** English (United States) and UTF-16, as a resource's language and as the key of its strings. */
const LANGUAGE = 0x409;
const CODE_PAGE = 0x4b0;
const STRINGS_KEY = "040904b0";
const FIXED_MAGIC = 0xfeef04bd;
const FIXED_BYTES = 52;
const FOR_WINDOWS_NT = 0x40004;
const PROGRAM = 1;
const FOLDER_BIT = 2 ** 31;

export interface WindowsProduct {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly commit: string;
}

export interface WindowsFacts {
  /** By name, as in the file's properties. */
  readonly strings: Readonly<Record<string, string>>;
  /** Four numbers. */
  readonly fileVersion: string;
  /** Types of resources, as numbers. */
  readonly resources: readonly number[];
  readonly isConsole: boolean;
  readonly hasSignature: boolean;
}

interface Layout {
  readonly view: DataView;
  /** Of the optional header. */
  readonly header: number;
  /** Of the section with the resources: in the file, and in memory. */
  readonly offset: number;
  readonly bytes: number;
  readonly address: number;
}

const viewOf = (file: Uint8Array) => new DataView(file.buffer, file.byteOffset, file.byteLength);
const directoryAt = (header: number, index: number) => header + 112 + index * 8;
const roundUp4 = (value: number) => (value + 3) & ~3;

function readLayout(file: Uint8Array): Layout {
  const view = viewOf(file);
  const start = view.getUint32(0x3c, true);
  const header = start + 24;
  if (view.getUint32(start, true) !== PE_MAGIC || view.getUint16(header, true) !== PE32_PLUS)
    throw new Error("not a 64-bit Windows executable");
  const address = view.getUint32(directoryAt(header, RESOURCES), true);
  const sections = header + view.getUint16(start + 20, true);
  for (let at = sections, left = view.getUint16(start + 6, true); left > 0; at += SECTION_BYTES, left--) {
    if (view.getUint32(at + 12, true) !== address) continue;
    return {
      view,
      header,
      address,
      bytes: view.getUint32(at + 16, true),
      offset: view.getUint32(at + 20, true),
    };
  }
  throw new Error("no resources in this executable");
}

/** @returns the runtime as it is to be ours */
export function brand(runtime: Uint8Array, product: WindowsProduct): Uint8Array {
  const { view, header, offset, bytes, address } = readLayout(runtime);
  const manifest = readResources(runtime).get(MANIFEST_TYPE);
  const section = resourceSection(address, [
    [VERSION_TYPE, versionResource(product)],
    ...(manifest === undefined ? [] : ([[MANIFEST_TYPE, manifest]] as const)),
  ]);
  if (section.length > bytes) throw new Error(`${section.length} bytes of resources in place of ${bytes}`);
  // A signature is the last thing in the file.
  const end = view.getUint32(directoryAt(header, CERTIFICATE), true) || runtime.length;
  const branded = runtime.slice(0, end);
  branded.fill(0, offset, offset + bytes).set(section, offset);
  const written = viewOf(branded);
  written.setUint32(directoryAt(header, RESOURCES) + 4, section.length, true);
  written.setBigUint64(directoryAt(header, CERTIFICATE), 0n, true);
  return branded;
}

export function readWindowsFacts(file: Uint8Array): WindowsFacts {
  const { view, header } = readLayout(file);
  const resources = readResources(file);
  const version = resources.get(VERSION_TYPE);
  if (version === undefined) throw new Error("no version information in this executable");
  return {
    ...readVersion(version),
    resources: [...resources.keys()],
    isConsole: view.getUint16(header + 68, true) === CONSOLE,
    hasSignature: view.getUint32(directoryAt(header, CERTIFICATE) + 4, true) > 0,
  };
}

/** The first resource of each type, in whatever language. */
function readResources(file: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const { offset, bytes, address } = readLayout(file);
  const section = file.subarray(offset, offset + bytes);
  const view = viewOf(section);
  const entries = (at: number) =>
    Array.from({ length: view.getUint16(at + 12, true) + view.getUint16(at + 14, true) }, (_, index) => ({
      id: view.getUint32(at + 16 + index * 8, true),
      to: view.getUint32(at + 20 + index * 8, true),
    }));
  const leafOf = (to: number): number => {
    if (to < FOLDER_BIT) return to;
    const [entry] = entries(to - FOLDER_BIT);
    if (entry === undefined) throw new Error("an empty folder among the resources");
    return leafOf(entry.to);
  };
  return new Map(
    entries(0).map(({ id, to }) => {
      const leaf = leafOf(to);
      const at = view.getUint32(leaf, true) - address;
      return [id, section.slice(at, at + view.getUint32(leaf + 4, true))];
    }),
  );
}

/** One resource a type, in one language. @param resources sorted by type */
function resourceSection(
  address: number,
  resources: readonly (readonly [type: number, content: Uint8Array])[],
): Uint8Array {
  const rootBytes = 16 + resources.length * 8;
  // Behind the root for each: the folder of names, that of languages, and the leaf.
  const treeBytes = rootBytes + resources.length * 64;
  const section = new Uint8Array(
    resources.reduce((sum, [, content]) => sum + roundUp4(content.length), treeBytes),
  );
  const view = viewOf(section);
  const folder = (at: number, entries: readonly (readonly [id: number, to: number])[]) => {
    view.setUint16(at + 14, entries.length, true);
    for (const [index, [id, to]] of entries.entries()) {
      view.setUint32(at + 16 + index * 8, id, true);
      view.setUint32(at + 20 + index * 8, to, true);
    }
  };
  folder(
    0,
    resources.map(([type], index) => [type, FOLDER_BIT + rootBytes + index * 64]),
  );
  let contentAt = treeBytes;
  for (const [index, [, content]] of resources.entries()) {
    const at = rootBytes + index * 64;
    folder(at, [[1, FOLDER_BIT + at + 24]]);
    folder(at + 24, [[LANGUAGE, at + 48]]);
    view.setUint32(at + 48, address + contentAt, true);
    view.setUint32(at + 52, content.length, true);
    section.set(content, contentAt);
    contentAt += roundUp4(content.length);
  }
  return section;
}

const pad4 = (part: Buffer) => Buffer.concat([part], roundUp4(part.length));

/** A block of a version: its key, its value, and the blocks in it, each at a multiple of four bytes. */
function block(
  key: string,
  value: Buffer,
  { isText = false, inside = [] as readonly Buffer[] } = {},
): Buffer {
  const head = Buffer.alloc(roundUp4(6 + (key.length + 1) * 2));
  head.write(key, 6, "utf16le");
  const padded = [value, ...inside].slice(0, -1).map(pad4);
  const last = inside.at(-1) ?? value;
  const parts = [head, ...padded, last];
  const whole = Buffer.concat(parts);
  whole.writeUInt16LE(whole.length, 0);
  whole.writeUInt16LE(isText ? value.length / 2 : value.length, 2);
  whole.writeUInt16LE(isText || value.length === 0 ? 1 : 0, 4);
  return whole;
}

const NOTHING = Buffer.alloc(0);

function versionResource(product: WindowsProduct): Buffer {
  const { name, version, description, license, commit } = product;
  const strings = {
    FileDescription: description,
    FileVersion: version,
    InternalName: name,
    LegalCopyright: `${license} licence`,
    OriginalFilename: `${name}.exe`,
    ProductName: name,
    ProductVersion: `${version} (${commit})`,
  };
  const table = Object.entries(strings).map(([key, text]) =>
    block(key, Buffer.from(`${text}\0`, "utf16le"), { isText: true }),
  );
  const translation = Buffer.alloc(4);
  translation.writeUInt32LE(CODE_PAGE * 2 ** 16 + LANGUAGE);
  return block("VS_VERSION_INFO", fixedInfo(version), {
    inside: [
      block("StringFileInfo", NOTHING, { inside: [block(STRINGS_KEY, NOTHING, { inside: table })] }),
      block("VarFileInfo", NOTHING, { inside: [block("Translation", translation)] }),
    ],
  });
}

function fixedInfo(version: string): Buffer {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  const [high, low] = [major * 2 ** 16 + minor, patch * 2 ** 16];
  const info = Buffer.alloc(FIXED_BYTES);
  const words = [FIXED_MAGIC, 0x10000, high, low, high, low, 0x3f, 0, FOR_WINDOWS_NT, PROGRAM];
  for (const [index, word] of words.entries()) info.writeUInt32LE(word, index * 4);
  return info;
}

function readVersion(resource: Uint8Array): Pick<WindowsFacts, "strings" | "fileVersion"> {
  const buffer = Buffer.from(resource);
  const fixedAt = roundUp4(6 + ("VS_VERSION_INFO".length + 1) * 2);
  if (buffer.readUInt32LE(fixedAt) !== FIXED_MAGIC) throw new Error("not version information");
  const word = (at: number) => buffer.readUInt16LE(fixedAt + at);
  return {
    fileVersion: [word(10), word(8), word(14), word(12)].join("."),
    strings: Object.fromEntries(readStrings(buffer, fixedAt + FIXED_BYTES, buffer.length)),
  };
}

/** All blocks with text, however deep. */
function readStrings(buffer: Buffer, from: number, end: number): [key: string, text: string][] {
  const found: [string, string][] = [];
  for (let at = roundUp4(from); at + 6 <= end; at = roundUp4(at + Math.max(6, buffer.readUInt16LE(at)))) {
    const blockEnd = Math.min(end, at + buffer.readUInt16LE(at));
    let keyEnd = at + 6;
    while (keyEnd + 2 <= blockEnd && buffer.readUInt16LE(keyEnd) !== 0) keyEnd += 2;
    const key = buffer.toString("utf16le", at + 6, keyEnd);
    const [valueAt, words] = [roundUp4(keyEnd + 2), buffer.readUInt16LE(at + 2)];
    if (words === 0) found.push(...readStrings(buffer, valueAt, blockEnd));
    else if (buffer.readUInt16LE(at + 4) === 1)
      found.push([key, buffer.toString("utf16le", valueAt, valueAt + (words - 1) * 2)]);
  }
  return found;
}
