/**
 * What is done to a store that is then put through power cuts and disk faults: calls made from a seed, so that the process
 * under test and its judge know the same ones. The judge performs them on the twin in memory, whose views say what
 * must be there after each.
 *
 * Each step is one call, thus one transaction, or a close and a fresh open. A further call of the store is one more line
 * in `MAKERS`; what only it changes belongs into `viewOf`.
 */
import { createHash } from "node:crypto";
import { defined } from "../../base/assert.ts";
import { Failure, orThrow } from "../../base/failure.ts";
import type { Digest, Gid } from "../../base/ids.ts";
import { BLOB_PART_BYTES } from "../../base/limits.ts";
import { digestOf } from "../../base/manifest.ts";
import { Prng } from "../../base/prng.ts";
import type { EventStore } from "../../tracker/store/event-store.ts";
import { MemoryDisk, MemoryStore } from "../../tracker/store/memory-store.ts";
import { type Entry, type Origin, parseEntry } from "../../wire/entry.ts";
import { encodeRow, parseStateRow, peoplePrefix, type StateRow } from "../../wire/state-row.ts";

/** A store that can be opened again where it is. Not open at first, nor when opening failed. */
export class OpenStore {
  readonly #open: () => EventStore;
  #store: EventStore | undefined;

  constructor(open: () => EventStore) {
    this.#open = open;
  }

  get isOpen(): boolean {
    return this.#store !== undefined;
  }

  get store(): EventStore {
    return defined(this.#store, "the store is not open");
  }

  reopen(): void {
    this.close();
    this.#store = this.#open();
  }

  close(): void {
    this.#store?.close();
    this.#store = undefined;
  }
}

export type StoreStep = (on: OpenStore) => void;

export interface StoreScript {
  readonly steps: readonly StoreStep[];
  /** Every name that the steps use. */
  readonly digests: readonly Digest[];
  readonly metaKeys: readonly string[];
}

const ORIGINS = ["1-00000000000000aa", "2-00000000000000bb", "3-00000000000000cc"] as Origin[];
const META_KEYS = ["tracker-key", "clock", "vector"];
const BATCH_ENTRIES_MAX = 5;
/** Some lie within a page with others, some over several of their own. */
const CLOSED_REQUESTS_MAX = 200;
const META_BYTES_MAX = 40_000;
const SMALL_BLOB_BYTES_MAX = 20_000;
const ROWS_MAX = 20;

/** What a maker draws from. */
class Draft {
  readonly dice: Prng;
  readonly #lastSeqs = new Map<Origin, number>();
  readonly digests = new Set<Digest>();

  constructor(seed: number) {
    this.dice = new Prng(seed);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.dice.below(items.length)] as T;
  }

  hex(chars: number): string {
    let text = "";
    while (text.length < chars) text += this.dice.uint32().toString(16).padStart(8, "0");
    return text.slice(0, chars);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.dice.uint32());
  }

  digest(bytes: Uint8Array): Digest {
    const digest = digestOf(bytes);
    this.digests.add(digest);
    return digest;
  }

  nextSeq(origin: Origin): number {
    const seq = (this.#lastSeqs.get(origin) ?? 0) + 1;
    this.#lastSeqs.set(origin, seq);
    return seq;
  }

  /** Of each origin some part of what is there by now. */
  someVector(): Map<Origin, number> {
    return new Map(Array.from(this.#lastSeqs, ([origin, last]) => [origin, this.dice.below(last + 1)]));
  }

  /** The origin goes on behind entries that are never made here. */
  skip(origin: Origin, entries: number): Map<Origin, number> {
    const seq = (this.#lastSeqs.get(origin) ?? 0) + entries;
    this.#lastSeqs.set(origin, seq);
    return new Map([[origin, seq]]);
  }
}

/** How many steps of each kind among MIX_STEPS; enough pages for SQLite to checkpoint its write-ahead log in between. */
const MAKERS: readonly (readonly [count: number, make: (draft: Draft) => StoreStep])[] = [
  [80, appendBatch],
  [26, setMeta],
  [16, putBlob],
  [6, putBlobs],
  [3, putWrongBlob],
  [8, beginLongBlob],
  [1, putLongBlob],
  [24, saveRows],
  [3, dropGroup],
  [8, checkpoint],
  [6, trim],
  [3, adopt],
];
const MIX_STEPS = MAKERS.reduce((sum, [count]) => sum + count, 0);
/** Where in a script the store is closed and opened: most of it is one long run. */
const REOPENED_AT = [0.05, 0.9];

/** @param count of steps, about */
export function storeScript(seed: number, count = MIX_STEPS): StoreScript {
  const draft = new Draft(seed);
  const makers = MAKERS.flatMap(([share, make]) =>
    new Array<typeof make>(Math.round((share * count) / MIX_STEPS)).fill(make),
  );
  const steps = draft.dice.shuffle(makers).map((make) => make(draft));
  for (const at of REOPENED_AT) steps.splice(Math.round(at * steps.length), 0, (on) => on.reopen());
  return { steps, digests: [...draft.digests], metaKeys: META_KEYS };
}

function appendBatch(draft: Draft): StoreStep {
  const count = 1 + draft.dice.below(BATCH_ENTRIES_MAX);
  const entries = Array.from({ length: count }, () => entryOf(draft));
  return ({ store }) => store.append(entries);
}

function entryOf(draft: Draft): Entry {
  const origin = draft.pick(ORIGINS);
  return orThrow(
    parseEntry({
      key: { origin, seq: draft.nextSeq(origin) },
      stamp: draft.hex(16),
      request: draft.hex(32),
      body: draft.dice.below(16) > 0 ? account(draft) : removal(draft),
    }),
  );
}

function account(draft: Draft) {
  const passwordHash = draft.hex(8 + draft.dice.below(120));
  return { kind: "account-created", uid: draft.hex(32), name: `user${draft.hex(6)}`, passwordHash };
}

function removal(draft: Draft) {
  const closes = Array.from({ length: draft.dice.below(CLOSED_REQUESTS_MAX) }, () => draft.hex(32));
  const [gid, uid, removalId] = [draft.hex(32), draft.hex(32), draft.hex(32)];
  return { kind: "member-removed", gid, uid, removalId, closes };
}

function setMeta(draft: Draft): StoreStep {
  const key = draft.pick(META_KEYS);
  const value = draft.hex(draft.dice.below(draft.dice.below(META_BYTES_MAX) + 1));
  return ({ store }) => store.setMeta(key, value);
}

function putBlob(draft: Draft): StoreStep {
  const bytes = draft.bytes(draft.dice.below(SMALL_BLOB_BYTES_MAX));
  const digest = draft.digest(bytes);
  return ({ store }) => void store.putBlob(digest, 0, bytes, bytes.length);
}

function putBlobs(draft: Draft): StoreStep {
  const lists = new Map<Digest, Uint8Array>();
  for (let left = 1 + draft.dice.below(8); left > 0; left--) {
    const bytes = draft.bytes(draft.dice.below(SMALL_BLOB_BYTES_MAX));
    lists.set(draft.digest(bytes), bytes);
  }
  return ({ store }) => store.putBlobs(lists);
}

/** Bytes of another digest: kept and dropped in one transaction. */
function putWrongBlob(draft: Draft): StoreStep {
  const bytes = draft.bytes(1 + draft.dice.below(SMALL_BLOB_BYTES_MAX));
  const digest = draft.digest(draft.bytes(10));
  return ({ store }) => {
    try {
      store.putBlob(digest, 0, bytes, bytes.length);
    } catch (error) {
      if (error instanceof Failure && error.code === "corrupt") return;
      throw error;
    }
  };
}

/** Always the same list, begun anew with other bytes: its end never comes, so nobody may ever see it. */
function beginLongBlob(draft: Draft): StoreStep {
  const digest = draft.digest(new Uint8Array(BLOB_PART_BYTES + 1));
  const part = new Uint8Array(BLOB_PART_BYTES).fill(draft.dice.below(256));
  return ({ store }) => void store.putBlob(digest, 0, part, BLOB_PART_BYTES + 1);
}

/** Two transactions; only the second can be seen. */
function putLongBlob(draft: Draft): StoreStep {
  const bytes = new Uint8Array(BLOB_PART_BYTES + 100).fill(draft.dice.below(256));
  const digest = draft.digest(bytes);
  return ({ store }) => {
    for (let offset = 0; offset < bytes.length; offset += BLOB_PART_BYTES)
      store.putBlob(digest, offset, bytes.subarray(offset, offset + BLOB_PART_BYTES), bytes.length);
  };
}

function saveRows(draft: Draft): StoreStep {
  const rows = Array.from({ length: 1 + draft.dice.below(ROWS_MAX) }, () => rowOf(draft));
  return ({ store }) => store.saveRows(rows);
}

/** Few accounts and groups, so that rows are replaced and dropped. */
function rowOf(draft: Draft): StateRow {
  const id = String(draft.dice.below(8)).repeat(32);
  const claim = `${draft.hex(16)} ${draft.pick(ORIGINS)}`;
  const row =
    draft.dice.below(2) > 0
      ? { kind: "account", uid: id, password: { claim, hash: draft.hex(8 + draft.dice.below(120)) } }
      : { kind: "person", gid: id, uid: draft.hex(32), open: [], closed: [draft.hex(32)], removals: [] };
  return orThrow(parseStateRow(row));
}

function dropGroup(draft: Draft): StoreStep {
  const prefix = peoplePrefix(String(draft.dice.below(8)).repeat(32) as Gid);
  const limit = 1 + draft.dice.below(ROWS_MAX);
  return ({ store }) => void store.dropRows(prefix, limit);
}

function checkpoint(draft: Draft): StoreStep {
  const vector = draft.someVector();
  return ({ store }) => store.checkpoint(vector);
}

function trim(draft: Draft): StoreStep {
  const vector = draft.someVector();
  return ({ store }) => store.trim(vector);
}

/** One origin is taken further by rows of another tracker. */
function adopt(draft: Draft): StoreStep {
  const vector = draft.skip(draft.pick(ORIGINS), 1 + draft.dice.below(5));
  return ({ store }) => store.adopt(vector);
}

/** All that a store shows, as one hash: of the log every entry in sequence, of lists and small values every byte. */
export function viewOf(store: EventStore, { digests, metaKeys }: StoreScript): string {
  const logs = new Map<Origin, string[]>();
  for (const entry of store.replay()) {
    const log = logs.get(entry.key.origin) ?? [];
    logs.set(entry.key.origin, log);
    log.push(JSON.stringify(entry));
  }
  const view = createHash("sha256");
  // Stores may tell their origins in any order; within one the sequence is part of the promise.
  for (const [origin, log] of [...logs].sort()) view.update(`log ${origin} ${log.join("\n")}\n`);
  for (const what of ["vector", "floor", "checkpointed"] as const)
    for (const [origin, seq] of [...store[what]()].sort()) view.update(`${what} ${origin} ${seq}\n`);
  for (const row of store.loadRows()) view.update(`row ${encodeRow(row)}\n`);
  view.update(`sum of rows ${store.rowSum()}\n`);
  for (const key of metaKeys) view.update(`value ${key} ${store.getMeta(key)}\n`);
  for (const digest of digests) {
    const total = store.blobTotal(digest);
    view.update(`list ${digest} ${store.hasBlob(digest)} ${total}\n`);
    view.update(store.getBlob(digest, 0, total ?? 1) ?? "none");
  }
  return view.digest("hex");
}

/** The view after each number of steps, of a store that never fails. */
export function viewsAfterEach(script: StoreScript): string[] {
  const disk = new MemoryDisk();
  const on = new OpenStore(() => new MemoryStore(disk));
  on.reopen();
  const views = [viewOf(on.store, script)];
  for (const step of script.steps) {
    step(on);
    views.push(viewOf(on.store, script));
  }
  return views;
}
