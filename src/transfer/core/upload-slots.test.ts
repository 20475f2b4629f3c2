import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { REQUESTS_QUEUED_PER_CHANNEL_MAX } from "../../base/limits.ts";
import { type UploadChannel, UploadSlots, type UploadTurn } from "./upload-slots.ts";

const at = (piece: number) => piece as PieceIndex;
const BYTES = 100;
const channel = (peer: string, file = "file"): UploadChannel => ({
  peer: peer as Fingerprint,
  content: file,
});

function begin(uploadsMax = 100, unsentPieces = 100) {
  return new UploadSlots<UploadChannel>({ uploadsMax, unsentBytesPerPeerMax: unsentPieces * BYTES });
}

function ask(slots: UploadSlots<UploadChannel>, from: UploadChannel, ...pieces: number[]) {
  return pieces.map((piece) => slots.ask(from, { piece: at(piece), bytes: BYTES }));
}

/** Serves until there is nothing to do, each turn to its end. @returns `peer:piece`, in order */
function serve(slots: UploadSlots<UploadChannel>, turns = Number.POSITIVE_INFINITY): string[] {
  const served: string[] = [];
  while (served.length < turns) {
    const turn = slots.next(0);
    if (turn === undefined) break;
    served.push(shown(turn));
    slots.finished(turn, "sent");
    slots.arrived(turn.channel, turn.request.piece, 0);
  }
  return served;
}

/** A turn that is quick on the line, and may take its time to leave this process. */
function take(slots: UploadSlots<UploadChannel>): UploadTurn<UploadChannel> | undefined {
  const turn = slots.next(0);
  if (turn !== undefined) slots.arrived(turn.channel, turn.request.piece, 0);
  return turn;
}

const shown = ({ channel: { peer }, request }: UploadTurn<UploadChannel>) => `${peer}:${request.piece}`;
const piecesOf = (served: readonly string[]) => served.map((one) => Number(one.split(":")[1]));

describe("order", () => {
  test("of one peer is that of arrival, over all its channels", () => {
    const slots = begin();
    const [film, song] = [channel("a", "film"), channel("a", "song")];
    ask(slots, film, 9);
    ask(slots, song, 5);
    ask(slots, film, 1);
    expect(serve(slots)).toEqual(["a:9", "a:5", "a:1"]);
  });

  test("gives each of those waiting its turn", () => {
    const slots = begin();
    ask(slots, channel("a"), 0, 1, 2);
    ask(slots, channel("b"), 10, 11, 12);
    expect(serve(slots).map((one) => one[0])).toEqual([..."ababab"]);
  });

  test("prefers what was sent less often: a lone seeder sends each piece once before any twice", () => {
    const slots = begin();
    ask(slots, channel("a"), 0, 1, 2);
    ask(slots, channel("b"), 0, 1, 2, 3);
    ask(slots, channel("c"), 3, 2, 1, 0);
    const served = piecesOf(serve(slots));
    expect(served.slice(0, 4).toSorted()).toEqual([0, 1, 2, 3]);
    expect(served.length).toBe(11);
  });

  test("lets one that asks for something new go before one that asks for what was just sent", () => {
    const slots = begin();
    ask(slots, channel("a"), 0);
    serve(slots);
    ask(slots, channel("b"), 0);
    ask(slots, channel("c"), 1);
    expect(serve(slots)).toEqual(["c:1", "b:0"]);
  });

  test("lets no peer get far ahead of one that waits, though that one asks for what was sent before", () => {
    const slots = begin();
    const [a, b] = [channel("a"), channel("b")];
    ask(slots, a, ...Array.from({ length: 40 }, (_, piece) => piece));
    expect(serve(slots, 20).length).toBe(20);
    ask(slots, b, 0, 1, 2);
    expect(serve(slots, 6).filter((one) => one.startsWith("b"))).not.toEqual([]);
  });

  test("gives one that comes late no claim to the turns before", () => {
    const slots = begin();
    const a = channel("a");
    ask(slots, a, ...Array.from({ length: 60 }, (_, piece) => piece));
    serve(slots, 40);
    ask(slots, channel("b"), ...Array.from({ length: 20 }, (_, piece) => 100 + piece));
    const next = serve(slots, 20).filter((one) => one.startsWith("b")).length;
    expect(next).toBe(10);
  });

  test("counts a piece as sent for its own file only, and not if it could not be read", () => {
    const slots = begin();
    const [film, song] = [channel("a", "film"), channel("b", "song")];
    ask(slots, film, 0);
    const turn = slots.next(0);
    if (turn === undefined) throw new Error("nothing to do");
    slots.finished(turn, "failed");
    ask(slots, film, 1, 0);
    ask(slots, song, 0);
    expect(serve(slots)).toEqual(["a:1", "b:0", "a:0"]);
  });
});

describe("bounds", () => {
  test("on turns at once", () => {
    const slots = begin(2);
    ask(slots, channel("a"), 0, 1, 2);
    const first = take(slots);
    take(slots);
    expect([take(slots), slots.underWay, slots.waiting]).toEqual([undefined, 2, 1]);
    if (first !== undefined) slots.finished(first, "sent");
    expect(take(slots)?.request.piece).toBe(at(2));
  });

  test("on unsent bytes: a slow reader waits and the others do not", () => {
    const slots = begin(100, 2);
    const [slow, other] = [channel("slow"), channel("other")];
    ask(slots, slow, 0, 1, 2, 3);
    const turns = [take(slots), take(slots)];
    expect(take(slots)).toBeUndefined();
    ask(slots, other, 5);
    expect(take(slots)?.channel).toBe(other);
    if (turns[0] !== undefined) slots.finished(turns[0], "sent");
    expect(take(slots)?.channel).toBe(slow);
  });

  test("on unsent bytes let one piece through, however small they are", () => {
    const slots = begin(100, 0);
    ask(slots, channel("a"), 0, 1);
    expect(take(slots)?.request.piece).toBe(at(0));
    expect(take(slots)).toBeUndefined();
  });

  test("on what waits for each channel", () => {
    const slots = begin();
    const answers = ask(slots, channel("a"), ...Array(REQUESTS_QUEUED_PER_CHANNEL_MAX + 1).keys());
    expect(answers.indexOf("refused")).toBe(REQUESTS_QUEUED_PER_CHANNEL_MAX);
    const one = channel("b");
    expect(ask(slots, one, 7, 7)).toEqual(["queued", "refused"]);
  });
});

describe("the line", () => {
  /** Takes turns until there is none, each of which leaves this process at once. @returns the pieces */
  const fill = (slots: UploadSlots<UploadChannel>, now: number) => {
    const pieces: number[] = [];
    for (let turn = slots.next(now); turn !== undefined; turn = slots.next(now)) {
      slots.finished(turn, "sent");
      pieces.push(turn.request.piece);
    }
    return pieces;
  };

  test("carries few at once until one has arrived, though all have left this process", () => {
    const slots = begin();
    const a = channel("a");
    ask(slots, a, 0, 1, 2, 3);
    expect(fill(slots, 0)).toEqual([0, 1]);
    expect(slots.arrived(a, at(0), 10)).toBe(true);
    expect(slots.arrived(a, at(0), 10)).toBe(false);
    expect(fill(slots, 10)).toEqual([2]);
  });

  test("is not held by a reader that never says that anything arrived: what is late counts no more", () => {
    const slots = begin();
    const [dead, other] = [channel("dead"), channel("other")];
    ask(slots, dead, ...Array(20).keys());
    fill(slots, 0);
    ask(slots, other, ...Array.from({ length: 5 }, (_, piece) => 100 + piece));
    expect(fill(slots, 0)).toEqual([]);
    const lookMs = slots.nextLookMs() ?? Number.NaN;
    // From now on the dead one's turns do not count: only the other's do.
    expect(fill(slots, lookMs - 1)).toEqual([]);
    expect(fill(slots, lookMs).filter((piece) => piece >= 100)).toEqual([100, 101]);
    slots.arrived(other, at(100), lookMs + 5);
    slots.arrived(other, at(101), lookMs + 5);
    expect(fill(slots, lookMs + 5).filter((piece) => piece >= 100)).not.toEqual([]);
  });

  test("is free again when a channel closes, or a piece could not be read", () => {
    const slots = begin();
    const [a, b] = [channel("a"), channel("b")];
    ask(slots, a, 0);
    ask(slots, b, 1, 2, 3);
    const turns = [slots.next(0), slots.next(0)];
    expect(slots.next(0)).toBeUndefined();
    slots.channelClosed(a);
    expect(slots.next(0)?.request.piece).toBe(at(2));
    const [, unread] = turns;
    if (unread !== undefined) slots.finished(unread, "failed");
    expect(slots.next(0)?.request.piece).toBe(at(3));
    expect(slots.nextLookMs()).toBeDefined();
  });

  test("says of a turn whether anybody was given the piece before", () => {
    const slots = begin();
    ask(slots, channel("a"), 0);
    ask(slots, channel("b"), 0);
    expect([take(slots)?.isFirst, take(slots)?.isFirst]).toEqual([true, false]);
  });
});

describe("ending", () => {
  test("a cancelled request is not served; one under way, and one unknown, cannot be cancelled", () => {
    const slots = begin();
    const a = channel("a");
    ask(slots, a, 0, 1, 2);
    slots.next(0);
    expect([0, 1, 9].map((piece) => slots.cancel(a, at(piece)))).toEqual([false, true, false]);
    expect(piecesOf(serve(slots))).toEqual([2]);
  });

  test("a closed channel is forgotten, its turn under way still ends, its peer's other channel goes on", () => {
    const slots = begin();
    const [film, song] = [channel("a", "film"), channel("a", "song")];
    ask(slots, film, 0, 1);
    ask(slots, song, 5);
    const turn = slots.next(0);
    slots.channelClosed(film);
    slots.channelClosed(film);
    if (turn !== undefined) slots.finished(turn, "sent");
    expect(serve(slots)).toEqual(["a:5"]);
    expect([slots.waiting, slots.underWay]).toEqual([0, 0]);
  });

  test("a turn ends once", () => {
    const slots = begin();
    ask(slots, channel("a"), 0);
    const turn = slots.next(0);
    if (turn === undefined) throw new Error("nothing to do");
    slots.finished(turn, "sent");
    expect(() => slots.finished(turn, "sent")).toThrow("once");
  });
});

test("whatever is asked, cancelled and closed: all that waits is served once, and the bounds hold", () => {
  const step = fc.record({
    kind: fc.constantFrom("ask", "ask", "ask", "cancel", "close", "next", "finish"),
    channel: fc.nat(5),
    piece: fc.nat(6),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const slots = begin(3, 2);
      const channels = Array.from({ length: 6 }, (_, index) => channel(`${index % 3}`, `${index}`));
      let waiting: string[] = [];
      const under: UploadTurn<UploadChannel>[] = [];
      for (const { kind, channel: index, piece } of steps) {
        const one = channels[index] ?? channel("0");
        const key = `${index}:${piece}`;
        if (kind === "ask") {
          const answer = slots.ask(one, { piece: at(piece), bytes: BYTES });
          expect(answer).toBe(waiting.includes(key) ? "refused" : "queued");
          if (answer === "queued") waiting.push(key);
        }
        if (kind === "cancel") {
          expect(slots.cancel(one, at(piece))).toBe(waiting.includes(key));
          waiting = waiting.filter((other) => other !== key);
        }
        if (kind === "close") {
          slots.channelClosed(one);
          waiting = waiting.filter((other) => !other.startsWith(`${index}:`));
        }
        if (kind === "next") {
          const turn = take(slots);
          if (turn === undefined) continue;
          const found = `${channels.indexOf(turn.channel)}:${turn.request.piece}`;
          expect(waiting).toContain(found);
          waiting = waiting.filter((other) => other !== found);
          under.push(turn);
        }
        if (kind === "finish") {
          const turn = under.shift();
          if (turn !== undefined) slots.finished(turn, "sent");
        }
        expect([slots.waiting, slots.underWay]).toEqual([waiting.length, under.length]);
        expect(under.length).toBeLessThanOrEqual(3);
        for (const name of ["0", "1", "2"])
          expect(under.filter((turn) => turn.channel.peer === name).length).toBeLessThanOrEqual(2);
      }
      for (const turn of under) slots.finished(turn, "sent");
      expect(serve(slots).length).toBe(waiting.length);
    }),
  );
});
