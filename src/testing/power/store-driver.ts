/**
 * The process under test: performs a script on the real store and says on standard output what came of each step.
 *
 * `done N` after step N returned; `failed N <code>` once one did not (N is 0 for opening); then `refused` for each call that
 * writes, if it is refused with that very failure, or `not open`; `closing` and `closed`. Only a Failure of the store is caught: whatever else happens is a
 * crash, and shows as one. A weaker setting of SQLite is planted into the store's text as it is loaded, so that the
 * store itself needs no switch for it.
 */
import { readFileSync, writeSync } from "node:fs";
import * as v from "valibot";
import { assert } from "../../base/assert.ts";
import { Failure, orThrow } from "../../base/failure.ts";
import type { EventStore } from "../../tracker/store/event-store.ts";
import { type Origin, parseEntry } from "../../wire/entry.ts";
import { parseStateRow } from "../../wire/state-row.ts";
import { driverOrder, SYNCHRONOUS } from "./driver-order.ts";
import { OpenStore, type StoreStep, storeScript } from "./store-script.ts";

const order = v.parse(driverOrder, JSON.parse(process.argv[2] ?? ""));

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function plant(synchronous: string): void {
  const honest = `PRAGMA synchronous = ${SYNCHRONOUS[0]}`;
  Bun.plugin({
    name: "weaker setting",
    setup(build) {
      build.onLoad({ filter: /[\\/]sqlite-store\.ts$/ }, ({ path }) => {
        const parts = readFileSync(path, "utf8").split(honest);
        assert(parts.length === 2, `not exactly once in ${path}: ${honest}`);
        return { contents: parts.join(`PRAGMA synchronous = ${synchronous}`), loader: "ts" };
      });
    },
  });
}

/** @returns the failure of a step, if there is one */
function failureOf(run: () => void): Failure | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** One of each call that writes, none of which any step makes. */
const LATER_WRITES: readonly ((store: EventStore) => void)[] = [
  (store) => store.setMeta("later", "value"),
  (store) => store.putBlob("0".repeat(64) as never, 0, new Uint8Array(1), 1),
  (store) => {
    const [key, body] = [
      { origin: "9-00000000000000ff", seq: 1 },
      { kind: "group-deleted", gid: "0".repeat(32) },
    ];
    store.append([orThrow(parseEntry({ key, stamp: "0".repeat(16), request: "0".repeat(32), body }))]);
  },
  (store) =>
    store.saveRows([
      orThrow(parseStateRow({ kind: "group", gid: "9".repeat(32), deleted: true, transfers: [] })),
    ]),
  (store) => store.adopt(new Map([["9-00000000000000ff" as Origin, 1]])),
];

/** @returns the failure after which nothing more can be done, told already */
function perform(on: OpenStore, steps: readonly StoreStep[]): Failure | undefined {
  for (const [index, step] of steps.entries()) {
    if (index < order.done) continue;
    const failure = failureOf(() => step(on));
    if (failure !== undefined) {
      say(`failed ${index + 1} ${failure.code}`);
      return failure;
    }
    say(`done ${index + 1}`);
  }
  return undefined;
}

function tryLater(on: OpenStore, failure: Failure): void {
  if (!on.isOpen) {
    say("not open");
    return;
  }
  for (const write of LATER_WRITES)
    say(failureOf(() => write(on.store)) === failure ? "refused" : "not refused");
}

async function run(): Promise<void> {
  if (order.synchronous !== SYNCHRONOUS[0]) plant(order.synchronous);
  const { SqliteStore } = await import("../../tracker/store/sqlite-store.ts");
  const on = new OpenStore(() => SqliteStore.open(order.path));
  const refused = failureOf(() => on.reopen());
  if (refused !== undefined) {
    say(`failed 0 ${refused.code}`);
    return;
  }
  const failure = perform(on, storeScript(order.seed, order.steps).steps);
  if (failure !== undefined && order.dies) process.kill(process.pid, "SIGKILL");
  if (failure !== undefined) tryLater(on, failure);
  say("closing");
  on.close();
  say("closed");
}

await run();
