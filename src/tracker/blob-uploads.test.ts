import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Digest } from "../base/ids.ts";
import { BLOB_BYTES_MAX, BLOB_PART_BYTES, BLOB_UPLOADS_PER_CONNECTION_MAX } from "../base/limits.ts";
import { digestOf } from "../base/manifest.ts";
import { BlobUploads } from "./blob-uploads.ts";

const blob = (length: number, fill = 1) => new Uint8Array(length).fill(fill);
const other = (number: number) => number.toString(16).padStart(64, "0") as Digest;

function send(uploads: BlobUploads<object>, link: object, bytes: Uint8Array, digest = digestOf(bytes)) {
  let last: Uint8Array | undefined | Failure;
  let offset = 0;
  do {
    const part = bytes.subarray(offset, offset + BLOB_PART_BYTES);
    last = uploads.add(link, { digest, offset, total: bytes.length, bytes: part });
    offset += BLOB_PART_BYTES;
  } while (offset < bytes.length && !(last instanceof Failure));
  return last;
}

const code = (value: unknown) => (value instanceof Failure ? value.code : value);

test.each([0, 1, BLOB_PART_BYTES, 2 * BLOB_PART_BYTES + 52])(
  "a list of %d bytes arrives whole, and nothing of it stays behind",
  (length) => {
    const uploads = new BlobUploads<object>();
    const bytes = blob(length);
    expect(send(uploads, {}, bytes)).toEqual(Buffer.from(bytes));
    expect(uploads.heldBytes).toBe(0);
  },
);

test("a list with another digest is refused and forgotten", () => {
  const uploads = new BlobUploads<object>();
  expect(code(send(uploads, {}, blob(100), other(1)))).toBe("corrupt");
  expect(uploads.heldBytes).toBe(0);
});

test("two connections may send the same list at once", () => {
  const uploads = new BlobUploads<object>();
  const bytes = blob(BLOB_PART_BYTES + 5);
  const digest = digestOf(bytes);
  const first = { digest, offset: 0, total: bytes.length, bytes: bytes.subarray(0, BLOB_PART_BYTES) };
  const slow = {};
  uploads.add(slow, first);
  expect(send(uploads, {}, bytes)).toBeInstanceOf(Uint8Array);
  const last = { ...first, offset: BLOB_PART_BYTES, bytes: bytes.subarray(BLOB_PART_BYTES) };
  expect(uploads.add(slow, last)).toBeInstanceOf(Uint8Array);
});

test.each([
  ["out of order", { offset: 2 * BLOB_PART_BYTES }],
  ["with another total", { total: 4 * BLOB_PART_BYTES }],
  ["too short", { bytes: blob(10) }],
  ["too long", { bytes: blob(BLOB_PART_BYTES + 1) }],
  ["empty", { bytes: blob(0) }],
])("a part %s is refused and ends that upload", (_, wrong) => {
  const uploads = new BlobUploads<object>();
  const link = {};
  const first = { digest: other(1), offset: 0, total: 3 * BLOB_PART_BYTES, bytes: blob(BLOB_PART_BYTES) };
  expect(uploads.add(link, first)).toBeUndefined();
  const second = { ...first, offset: BLOB_PART_BYTES };
  expect(code(uploads.add(link, { ...second, ...wrong }))).toBe("protocol");
  expect(uploads.heldBytes).toBe(0);
  expect(code(uploads.add(link, second))).toBe("protocol");
});

test("an upload begins anew at offset 0", () => {
  const uploads = new BlobUploads<object>();
  const link = {};
  const bytes = blob(BLOB_PART_BYTES + 7);
  uploads.add(link, {
    digest: digestOf(bytes),
    offset: 0,
    total: bytes.length,
    bytes: bytes.subarray(0, BLOB_PART_BYTES),
  });
  expect(send(uploads, link, bytes)).toBeInstanceOf(Uint8Array);
});

test("a list that claims to be larger than any is refused before a byte is kept", () => {
  const uploads = new BlobUploads<object>();
  const part = { digest: other(1), offset: 0, total: BLOB_BYTES_MAX + 1, bytes: blob(BLOB_PART_BYTES) };
  expect(code(uploads.add({}, part))).toBe("invalid-input");
  expect(uploads.heldBytes).toBe(0);
});

test("one connection sends only so many lists at once; the end of the connection frees them", () => {
  const uploads = new BlobUploads<object>();
  const link = {};
  const part = (number: number) => ({
    digest: other(number),
    offset: 0,
    total: 2 * BLOB_PART_BYTES,
    bytes: blob(BLOB_PART_BYTES),
  });
  for (let number = 0; number < BLOB_UPLOADS_PER_CONNECTION_MAX; number++)
    expect(uploads.add(link, part(number))).toBeUndefined();
  expect(code(uploads.add(link, part(99)))).toBe("too-many");
  expect(uploads.heldBytes).toBe(BLOB_UPLOADS_PER_CONNECTION_MAX * BLOB_PART_BYTES);
  uploads.forget(link);
  expect(uploads.heldBytes).toBe(0);
  expect(uploads.add(link, part(99))).toBeUndefined();
});

test("a connection and all of them together hold only so many bytes", () => {
  const uploads = new BlobUploads<object>(5 * BLOB_PART_BYTES, 3 * BLOB_PART_BYTES);
  const [first, second] = [{}, {}];
  const parts = (link: object, number: number, count: number) =>
    Array.from({ length: count }, (_, at) =>
      code(
        uploads.add(link, {
          digest: other(number),
          offset: at * BLOB_PART_BYTES,
          total: 9 * BLOB_PART_BYTES,
          bytes: blob(BLOB_PART_BYTES),
        }),
      ),
    );
  expect(parts(first, 1, 2)).toEqual([undefined, undefined]);
  expect(parts(first, 2, 2)).toEqual([undefined, "too-many"]);
  expect(parts(second, 1, 3)).toEqual([undefined, undefined, undefined]);
  expect(parts(first, 3, 1)).toEqual(["try-later"]);
  expect(uploads.heldBytes).toBe(5 * BLOB_PART_BYTES);
  uploads.forget(second);
  expect(parts(first, 3, 1)).toEqual([undefined]);
});
