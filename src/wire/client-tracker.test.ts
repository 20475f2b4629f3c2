import { expect, test } from "bun:test";
import {
  FILE_PATH_BYTES_MAX,
  NEW_FILES_PER_NOTICE_MAX,
  SHARES_PER_CALL_MAX,
  SMALL_FILES_PER_CALL_MAX,
  SOURCES_MAX,
  TEXT_CHARS_MAX,
} from "../base/limits.ts";
import { SHA1_BYTES, SHA256_BYTES } from "../base/manifest.ts";
import { encodeMessage } from "./envelope.ts";

/** Of its length the one whose JSON is longest. */
const NAME = '"'.repeat(FILE_PATH_BYTES_MAX);
const [SHORT, LONG] = ["0".repeat(40), "0".repeat(64)];

function many<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

test("the largest call of shares fits a frame with its piece lists, and so does the largest answer", () => {
  const file = { fileId: LONG, size: Number.MAX_SAFE_INTEGER, sha1: SHORT, digest: LONG };
  const attributes = { modifiedMs: Number.MAX_SAFE_INTEGER, executable: true };
  const share = { id: SHORT, name: NAME, file, counter: Number.MAX_SAFE_INTEGER, attributes };
  const params = { group: NAME, gid: SHORT, shares: many(SHARES_PER_CALL_MAX, share) };
  const lists = new Uint8Array(SHARES_PER_CALL_MAX * (SHA1_BYTES + SHA256_BYTES));
  encodeMessage({ kind: "request", n: 1, method: "share_many", params }, lists);
  const failure = { code: "name-taken", message: '"'.repeat(TEXT_CHARS_MAX) };
  const outcomes = many(SHARES_PER_CALL_MAX, { failure });
  const frame = encodeMessage({ kind: "answer", n: 1, result: { gid: SHORT, outcomes } });
  expect(frame.length).toBeGreaterThan(SHARES_PER_CALL_MAX * TEXT_CHARS_MAX);
});

test("the largest news of new files fits a frame, and so does the largest answer about small files", () => {
  const files = many(NEW_FILES_PER_NOTICE_MAX, { name: NAME, size: Number.MAX_SAFE_INTEGER });
  encodeMessage({ kind: "notice", notice: { kind: "new-files", group: NAME, user: NAME, files } });
  const source = {
    user: NAME,
    uid: SHORT,
    fingerprint: LONG,
    address: { host: NAME, port: 1 },
    complete: true,
  };
  const places = Array.from({ length: SOURCES_MAX }, (_, place) => place);
  const result = { sources: many(SOURCES_MAX, source), sharedBy: many(SMALL_FILES_PER_CALL_MAX, places) };
  const lists = new Uint8Array(SMALL_FILES_PER_CALL_MAX * (SHA1_BYTES + SHA256_BYTES));
  const frame = encodeMessage({ kind: "answer", n: 1, result }, lists);
  expect(frame.length).toBeGreaterThan(lists.length);
});
