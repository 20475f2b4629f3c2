import { expect, test } from "bun:test";
import { isSignatureRight, signAdHoc } from "./macho-signature.ts";

const CODE_BYTES = 10_000;

/** The least that is a Mach-O executable here: two segments and the place of a signature, which is not there yet. */
function unsigned(): Uint8Array {
  const file = new Uint8Array(CODE_BYTES + 16).map((_, at) => at * 7);
  const view = new DataView(file.buffer);
  const segment = (at: number, name: string, offset: number, bytes: number) => {
    view.setUint32(at, 0x19, true);
    view.setUint32(at + 4, 72, true);
    file.set(Buffer.from(name.padEnd(16, "\0"), "latin1"), at + 8);
    view.setBigUint64(at + 40, BigInt(offset), true);
    view.setBigUint64(at + 48, BigInt(bytes), true);
  };
  view.setUint32(0, 0xfeedfacf, true);
  view.setUint32(16, 3, true);
  segment(32, "__TEXT", 0, 8_192);
  segment(104, "__LINKEDIT", 8_192, CODE_BYTES + 16 - 8_192);
  view.setUint32(176, 0x1d, true);
  view.setUint32(180, 16, true);
  view.setUint32(184, CODE_BYTES, true);
  view.setUint32(188, 16, true);
  return file;
}

test("a file that was signed has a right signature, one that was not has none", () => {
  expect(isSignatureRight(unsigned())).toBe(false);
  expect(isSignatureRight(signAdHoc(unsigned(), "p2p"))).toBe(true);
});

test("any changed byte of the code makes the signature wrong", () => {
  for (const at of [1_000, 4_096, CODE_BYTES - 1]) {
    const signed = signAdHoc(unsigned(), "p2p");
    signed[at] = (signed[at] ?? 0) ^ 1;
    expect(isSignatureRight(signed)).toBe(false);
  }
});

test("a signature by larger pages, as for Apple silicon, is read too; one by pages of no Mac is wrong", () => {
  const signed = signAdHoc(unsigned(), "p2p", 14);
  expect(isSignatureRight(signed)).toBe(true);
  signed[1_000] = (signed[1_000] ?? 0) ^ 1;
  expect(isSignatureRight(signed)).toBe(false);
  expect(isSignatureRight(signAdHoc(unsigned(), "p2p", 13))).toBe(false);
});

test("signing again replaces the signature and leaves the code as it was", () => {
  const once = signAdHoc(unsigned(), "another-name");
  const twice = signAdHoc(once, "p2p");
  expect(twice).toEqual(signAdHoc(unsigned(), "p2p"));
  expect(twice.subarray(200, CODE_BYTES)).toEqual(unsigned().subarray(200, CODE_BYTES));
});

test("the segment of the signature ends where the file ends", () => {
  const signed = signAdHoc(unsigned(), "p2p");
  const view = new DataView(signed.buffer);
  expect(view.getUint32(184, true) + view.getUint32(188, true)).toBe(signed.length);
  expect(Number(view.getBigUint64(104 + 40, true)) + Number(view.getBigUint64(104 + 48, true))).toBe(
    signed.length,
  );
});

test("what is no Mach-O executable is not signed", () => {
  expect(() => signAdHoc(new Uint8Array(64), "p2p")).toThrow("not a 64-bit Mach-O file");
});
