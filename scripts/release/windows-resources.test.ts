import { expect, test } from "bun:test";
import { brand, readWindowsFacts } from "./windows-resources.ts";

const HEADER = 0x80 + 24;
const SECTION_AT = 0x400;
const ADDRESS = 0x5000;
const SECTION_BYTES = 0x600;
const SIGNATURE_AT = SECTION_AT + SECTION_BYTES;
const MANIFEST = "<assembly/>";
const product = {
  name: "p2p",
  version: "1.2.3",
  description: "Group file sharing: für alle",
  license: "MIT",
  commit: "0123456789ab",
};

/** The least that is a Windows executable here: one section, of resources, with an icon and a manifest; then a signature. */
function runtime(): Uint8Array {
  const file = new Uint8Array(SIGNATURE_AT + 64).fill(0xaa, SIGNATURE_AT);
  const view = new DataView(file.buffer);
  const put32 = (at: number, ...words: readonly number[]) => {
    for (const [index, word] of words.entries()) view.setUint32(at + index * 4, word, true);
  };
  put32(0x3c, 0x80);
  put32(0x80, 0x4550);
  view.setUint16(0x86, 1, true);
  view.setUint16(0x94, 240, true);
  view.setUint16(HEADER, 0x20b, true);
  view.setUint16(HEADER + 68, 3, true);
  put32(HEADER + 112 + 16, ADDRESS, SECTION_BYTES);
  put32(HEADER + 112 + 32, SIGNATURE_AT, 64);
  put32(HEADER + 240 + 8, SECTION_BYTES, ADDRESS, SECTION_BYTES, SECTION_AT);
  const folder = (at: number, ...entries: readonly (readonly [number, number])[]) => {
    view.setUint16(SECTION_AT + at + 14, entries.length, true);
    for (const [index, [id, to]] of entries.entries()) put32(SECTION_AT + at + 16 + index * 8, id, to);
  };
  folder(0, [3, 2 ** 31 + 0x40], [24, 2 ** 31 + 0x60]);
  folder(0x40, [1, 0x80]);
  folder(0x60, [1, 0x90]);
  put32(SECTION_AT + 0x80, ADDRESS + 0x100, 0x200);
  put32(SECTION_AT + 0x90, ADDRESS + 0x300, MANIFEST.length);
  file.set(Buffer.from(MANIFEST), SECTION_AT + 0x300);
  return file;
}

test("a branded executable says what it is, in words and in numbers", () => {
  const facts = readWindowsFacts(brand(runtime(), product));
  expect(facts.fileVersion).toBe("1.2.3.0");
  expect(facts.strings).toEqual({
    FileDescription: "Group file sharing: für alle",
    FileVersion: "1.2.3",
    InternalName: "p2p",
    LegalCopyright: "MIT licence",
    OriginalFilename: "p2p.exe",
    ProductName: "p2p",
    ProductVersion: "1.2.3 (0123456789ab)",
  });
});

test("nothing of the runtime's maker is left but the manifest: no icon, no signature", () => {
  const branded = brand(runtime(), product);
  expect(readWindowsFacts(branded)).toMatchObject({
    resources: [16, 24],
    hasSignature: false,
    isConsole: true,
  });
  expect(branded).toHaveLength(SIGNATURE_AT);
  expect(Buffer.from(branded).includes(MANIFEST)).toBe(true);
});

test("everything outside the resources stays where and what it was", () => {
  const [before, after] = [runtime(), brand(runtime(), product)];
  const changed = [...after.keys()].filter((at) => at < SECTION_AT && after[at] !== before[at]);
  const [size, signature] = [HEADER + 112 + 20, HEADER + 112 + 32];
  for (const at of changed)
    expect((at >= size && at < size + 4) || (at >= signature && at < signature + 8)).toBe(true);
});

test("branding twice is branding once", () => {
  const once = brand(runtime(), product);
  expect(brand(once, product)).toEqual(once);
});

test("what is no Windows executable is not branded, nor what has no room", () => {
  expect(() => brand(new Uint8Array(512), product)).toThrow("not a 64-bit Windows executable");
  const long = { ...product, description: "x".repeat(2_000) };
  expect(() => brand(runtime(), long)).toThrow("bytes of resources in place of");
});
