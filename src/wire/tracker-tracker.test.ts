import { expect, test } from "bun:test";
import { decodeEntries, decodeRows, encodeList } from "./tracker-tracker.ts";

test("an empty list is one, of entries and of rows", () => {
  expect(decodeEntries(encodeList([]))).toEqual([]);
  expect(decodeRows(encodeList([]))).toEqual([]);
});

test("a list that is cut off or no text is named as such", () => {
  for (const tail of [encodeList(["{"]), encodeList([]).subarray(1), new Uint8Array([0x5b, 0xff, 0x5d])])
    for (const decode of [decodeEntries, decodeRows])
      expect(decode(tail)).toMatchObject({ code: "protocol", message: "a list that is not JSON" });
});
