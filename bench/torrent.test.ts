import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bencode, contentOf, torrentOf } from "./torrent.ts";

test("bencoding counts bytes, not characters, and puts keys in the order of their bytes", () => {
  expect(bencode({ b: [1, -2, "é"], a: new Uint8Array([0x31]) }).toString()).toBe("d1:a1:11:bli1ei-2e2:éee");
  expect(bencode({ Z: 1, a: 2, "a b": 3 }).toString()).toBe("d1:Zi1e1:ai2e3:a bi3ee");
  expect(bencode({}).toString()).toBe("de");
});

test("a torrent names the tracker outside of what its identity is made of", () => {
  const content = { name: "f", bytes: 3, pieceBytes: 2, pieces: new Uint8Array(40).fill(0x41) };
  const info = `d6:lengthi3e4:name1:f12:piece lengthi2e6:pieces40:${"A".repeat(40)}e`;
  expect(torrentOf(content, "http://h/announce").toString()).toBe(
    `d8:announce17:http://h/announce4:info${info}e`,
  );
});

test("each piece has its own hash, a shorter last one too", () => {
  const folder = mkdtempSync(join(tmpdir(), "p2p-torrent-"));
  try {
    const path = join(folder, "data.bin");
    writeFileSync(path, "aaaabbbbcc");
    const { name, bytes, pieces } = contentOf(path, 4);
    const hashes = ["aaaa", "bbbb", "cc"].map((piece) => createHash("sha1").update(piece).digest());
    expect({ name, bytes }).toEqual({ name: "data.bin", bytes: 10 });
    expect(Buffer.from(pieces).equals(Buffer.concat(hashes))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
