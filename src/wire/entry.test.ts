import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../base/failure.ts";
import {
  ENTRY_BODY_CHARS_MAX,
  ENTRY_IDS_MAX,
  ENTRY_KIND_CHARS_MAX,
  ENTRY_ORIGINS_MAX,
  PASSWORD_HASH_CHARS_MAX,
} from "../base/limits.ts";
import { type Entry, encodeBody, encodeEntry, entryBody, parseEntry } from "./entry.ts";

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(..."0123456789abcdef"), { minLength: digits, maxLength: digits })
    .map((d) => d.join(""));
const id = hex(32);
const id64 = hex(64);
const origin = fc
  .tuple(fc.integer({ min: 1, max: 99_999 }), hex(16))
  .map(([label, run]) => `${label}-${run}`);
const stamp = hex(16);
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const counter = fc.maxSafeNat();
const of = (kind: string, fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ kind: fc.constant(kind), ...fields });

/** One generator a kind: a kind without one fails the test below. */
const bodies: Record<string, fc.Arbitrary<Record<string, unknown>>> = {
  "account-created": of("account-created", {
    uid: id,
    name: fc.constant("ann"),
    passwordHash: fc.constant("$a$b"),
  }),
  "password-changed": of("password-changed", { uid: id, passwordHash: fc.constant("$a$b"), stamp }),
  "group-created": of("group-created", { gid: id, name: fc.constant("lab"), owner: id }),
  "group-deleted": of("group-deleted", { gid: id }),
  "owner-transferred": of("owner-transferred", {
    gid: id,
    epoch: seq,
    from: id,
    to: id,
    vector: fc.array(fc.record({ origin, seq }), { maxLength: 3 }),
  }),
  "join-requested": of("join-requested", { joinId: id, gid: id, uid: id }),
  "request-accepted": of("request-accepted", {
    joinId: id,
    gid: id,
    uid: id,
    acceptId: id,
    ownership: fc.record({ epoch: counter, uid: id }),
    removals: fc.array(id, { maxLength: 3 }),
    by: id,
  }),
  "request-closed": of("request-closed", {
    joinId: id,
    gid: id,
    uid: id,
    why: fc.constantFrom("left", "rejected", "removed"),
  }),
  "member-removed": of("member-removed", {
    gid: id,
    uid: id,
    removalId: id,
    closes: fc.array(id, { maxLength: 3 }),
  }),
  "file-added": of("file-added", {
    gid: id,
    fileId: id64,
    name: fc.constant("a b.txt"),
    size: fc.integer({ min: 0, max: 2 ** 40 }),
    sha1: hex(40),
    digest: id64,
  }),
  "share-set": of("share-set", {
    gid: id,
    fileId: id64,
    uid: id,
    device: id64,
    shared: fc.boolean(),
    counter,
  }),
};
const entry = fc.record({
  key: fc.record({ origin, seq }),
  stamp,
  request: id,
  body: fc.oneof(...Object.values(bodies)),
});

const anEntry = fc.sample(entry, { numRuns: 1, seed: 1 })[0] as Record<string, unknown>;
const sampleOf = (kind: string) =>
  fc.sample(bodies[kind] as fc.Arbitrary<Record<string, unknown>>, { numRuns: 1, seed: 1 })[0] as Record<
    string,
    unknown
  >;
const isRefused = (value: unknown) => parseEntry(value) instanceof Failure;
const isBodyRefused = (body: unknown) => isRefused({ ...anEntry, body });

describe("log entries", () => {
  test("every kind is covered here", () => {
    const kinds = entryBody.options.map(({ entries }) => entries.kind.literal);
    expect(Object.keys(bodies).sort()).toEqual([...kinds].sort());
  });

  test("whatever is stored reads back the same, and its text is one text", () => {
    fc.assert(
      fc.property(entry, (value) => {
        const parsed = parseEntry(JSON.parse(JSON.stringify(value)));
        if (parsed instanceof Failure) throw parsed;
        expect(parsed as unknown).toEqual(value);
        const text = encodeBody(parsed.body);
        const turned = Object.fromEntries(Object.entries(parsed.body).reverse()) as typeof parsed.body;
        expect(encodeBody(turned)).toBe(text);
        expect(JSON.parse(text)).toEqual(value.body);
        expect(JSON.parse(encodeEntry(parsed))).toEqual(value);
      }),
    );
  });

  test("a field that is missing, surplus or of another type is refused", () => {
    for (const kind of Object.keys(bodies)) {
      const body = sampleOf(kind);
      expect(isBodyRefused(body)).toBe(false);
      expect(isBodyRefused({ ...body, more: 1 })).toBe(true);
      for (const field of Object.keys(body)) {
        const { [field]: _, ...rest } = body;
        expect(isBodyRefused(rest)).toBe(true);
        for (const wrong of [null, {}, -1, "a\nb", "x".repeat(5_000)])
          expect([field, wrong, isBodyRefused({ ...body, [field]: wrong })]).toEqual([field, wrong, true]);
      }
    }
  });

  describe("of a kind that is not known", () => {
    const unknown = (body: unknown): Entry => {
      const parsed = parseEntry({ ...anEntry, body });
      if (parsed instanceof Failure) throw parsed;
      return parsed;
    };

    test("are kept as one text, whatever the order of their keys, through any number of trackers", () => {
      const field = fc.stringMatching(/^[a-z]{1,8}$/).filter((name) => name !== "kind");
      const fields = fc.dictionary(field, fc.jsonValue(), { maxKeys: 5 });
      fc.assert(
        fc.property(fields, (more) => {
          const first = unknown(JSON.parse(JSON.stringify({ kind: "from-the-future", ...more })));
          const turned = Object.fromEntries(Object.entries({ kind: "from-the-future", ...more }).reverse());
          expect(unknown(JSON.parse(JSON.stringify(turned)))).toEqual(first);
          const passedOn = parseEntry(JSON.parse(encodeEntry(first)));
          expect(passedOn).toEqual(first);
          expect(encodeBody((passedOn as Entry).body)).toBe(encodeBody(first.body));
        }),
      );
      const { body } = unknown({
        when: 1.5,
        kind: "from-the-future",
        who: { constructor: [2, { d: "", c: null }], a: 1 },
      });
      expect(encodeBody(body)).toBe(
        '{"kind":"from-the-future","when":1.5,"who":{"a":1,"constructor":[2,{"c":null,"d":""}]}}',
      );
    });

    test("the word for them is no kind of its own", () => {
      const { body } = unknown({ kind: "opaque", text: "x" });
      expect(encodeBody(body)).toBe('{"kind":"opaque","text":"x"}');
    });

    test("are bounded: their kind, their text, their depth", () => {
      const named = (chars: number) => ({ kind: "k".repeat(chars) });
      const long = (chars: number) => ({
        kind: "new",
        text: "x".repeat(chars - '{"kind":"new","text":""}'.length),
      });
      for (const [make, most] of [
        [named, ENTRY_KIND_CHARS_MAX],
        [long, ENTRY_BODY_CHARS_MAX],
      ] as const)
        expect([isBodyRefused(make(most)), isBodyRefused(make(most + 1))]).toEqual([false, true]);
      for (const wrong of [{}, [], null, "new", { kind: 1 }, { kind: "" }, { kind: "New" }, { kind: "a b" }])
        expect([wrong, isBodyRefused(wrong)]).toEqual([wrong, true]);
      let deep: unknown = 1;
      for (let depth = 0; depth < 50_000; depth++) deep = [deep];
      expect(isBodyRefused({ kind: "new", deep })).toBe(true);
    });
  });

  test("keys, stamps and requests must be of their form", () => {
    const key = { origin: "1-00000000000000aa", seq: 1 };
    expect(isRefused({ ...anEntry, key })).toBe(false);
    for (const wrong of [
      { ...key, seq: 0 },
      { ...key, seq: 1.5 },
      { ...key, origin: "0-00000000000000aa" },
      { ...key, origin: "100000-00000000000000aa" },
      { ...key, origin: "1-00000000000000AA" },
      { ...key, origin: "1-aa" },
    ])
      expect(isRefused({ ...anEntry, key: wrong })).toBe(true);
    expect(isRefused({ ...anEntry, stamp: "12" })).toBe(true);
    expect(isRefused({ ...anEntry, request: "12" })).toBe(true);
  });

  test("every list and text is bounded", () => {
    const ids = (count: number) => Array.from({ length: count }, () => "0".repeat(32));
    const accepted = (removals: number) => ({ ...sampleOf("request-accepted"), removals: ids(removals) });
    const removed = (closes: number) => ({ ...sampleOf("member-removed"), closes: ids(closes) });
    const seen = (origins: number) => ({
      ...sampleOf("owner-transferred"),
      vector: Array.from({ length: origins }, () => ({ origin: "1-00000000000000aa", seq: 1 })),
    });
    const hash = (chars: number) => ({ ...sampleOf("account-created"), passwordHash: "x".repeat(chars) });
    for (const [make, most] of [
      [accepted, ENTRY_IDS_MAX],
      [removed, ENTRY_IDS_MAX],
      [seen, ENTRY_ORIGINS_MAX],
      [hash, PASSWORD_HASH_CHARS_MAX],
    ] as const)
      expect([isBodyRefused(make(most)), isBodyRefused(make(most + 1))]).toEqual([false, true]);
  });
});
