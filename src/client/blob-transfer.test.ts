import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { GroupName } from "../base/ids.ts";
import { BLOB_PART_BYTES, PIECE_BYTES } from "../base/limits.ts";
import { manifestOf } from "../testing/service-clients.ts";
import type { Method } from "../wire/client-tracker.ts";
import { getPieceList, putPieceList } from "./blob-transfer.ts";
import type { TrackerCalls } from "./tracker-link.ts";

const LAB = { group: "lab" as GroupName };
/** Its piece list takes three parts. */
const LARGE = manifestOf("large", 25_000 * PIECE_BYTES);
const EMPTY = manifestOf("empty", 0);

interface Put {
  readonly offset: number;
  readonly total: number;
  readonly bytes: number;
}

/** A tracker that holds piece lists as bytes; `answer` may interfere. */
function tracker(held: Uint8Array | undefined, interfere: (method: Method, nth: number) => void = () => {}) {
  const puts: Put[] = [];
  const counts = new Map<Method, number>();
  const calls = {
    async call(method: Method, params: { offset?: number; total?: number }, tail = new Uint8Array()) {
      const nth = (counts.get(method) ?? 0) + 1;
      counts.set(method, nth);
      interfere(method, nth);
      const none = new Uint8Array();
      if (method === "has_blob") return { result: { has: held !== undefined }, tail: none };
      if (method === "get_blob") {
        const from = params.offset ?? 0;
        return {
          result: { total: held?.length ?? 0 },
          tail: held?.slice(from, from + BLOB_PART_BYTES) ?? none,
        };
      }
      puts.push({ offset: params.offset ?? 0, total: params.total ?? 0, bytes: tail.length });
      return { result: {}, tail: none };
    },
  } as unknown as TrackerCalls;
  return { calls, puts };
}

describe("putting", () => {
  test("goes in parts, in order, and once", async () => {
    const { calls, puts } = tracker(undefined);
    await putPieceList(calls, LAB, LARGE);
    const total = LARGE.rows.length;
    expect(puts).toEqual([
      { offset: 0, total, bytes: BLOB_PART_BYTES },
      { offset: BLOB_PART_BYTES, total, bytes: BLOB_PART_BYTES },
      { offset: 2 * BLOB_PART_BYTES, total, bytes: total - 2 * BLOB_PART_BYTES },
    ]);
  });

  test("is left out when the tracker has the list", async () => {
    const { calls, puts } = tracker(LARGE.rows);
    await putPieceList(calls, LAB, LARGE);
    expect(puts).toEqual([]);
  });

  test("an empty list goes too: it belongs to an empty file", async () => {
    const { calls, puts } = tracker(undefined);
    await putPieceList(calls, LAB, EMPTY);
    expect(puts).toEqual([{ offset: 0, total: 0, bytes: 0 }]);
  });

  test("begins again when the parts were lost with their connection", async () => {
    const { calls, puts } = tracker(undefined, (method, nth) => {
      if (method === "put_blob" && nth === 3) throw new Failure("protocol", "parts out of order");
    });
    await putPieceList(calls, LAB, LARGE);
    expect(puts.map(({ offset }) => offset / BLOB_PART_BYTES)).toEqual([0, 1, 0, 1, 2]);
  });

  test("gives up when it fails again and again, at once when the first part is refused", async () => {
    const failing = tracker(undefined, (method, nth) => {
      if (method === "put_blob" && nth % 2 === 0) throw new Failure("protocol", "parts out of order");
    });
    expect(putPieceList(failing.calls, LAB, LARGE)).rejects.toThrow("out of order");
    const refusing = tracker(undefined, (method) => {
      if (method === "put_blob") throw new Failure("too-many", "no room");
    });
    expect(putPieceList(refusing.calls, LAB, LARGE)).rejects.toThrow("no room");
  });
});

describe("getting", () => {
  test("gives the manifest that was announced", async () => {
    const manifest = await getPieceList(tracker(LARGE.rows).calls, LAB, LARGE.summary);
    expect(manifest.rows).toEqual(LARGE.rows);
  });

  test("asks nothing for an empty file", async () => {
    const { calls } = tracker(undefined, () => {
      throw new Failure("internal", "asked");
    });
    expect((await getPieceList(calls, LAB, EMPTY.summary)).pieces).toBe(0);
  });

  test("refuses a list of another length, before it is kept", async () => {
    const longer = new Uint8Array(LARGE.rows.length + 52);
    expect(getPieceList(tracker(longer).calls, LAB, LARGE.summary)).rejects.toThrow("wrong length");
    expect(getPieceList(tracker(new Uint8Array()).calls, LAB, LARGE.summary)).rejects.toThrow("wrong length");
  });

  test("refuses a list that is not the one announced", async () => {
    const forged = LARGE.rows.slice();
    forged[5] = (forged[5] ?? 0) ^ 1;
    expect(getPieceList(tracker(forged).calls, LAB, LARGE.summary)).rejects.toThrow("not the one announced");
  });
});
