/** What the process under test is told to do, as the JSON of its one argument. */
import * as v from "valibot";

/** Settings of SQLite; the first is the store's own, the others must fail. */
export const SYNCHRONOUS = ["FULL", "NORMAL", "OFF"] as const;
export type Synchronous = (typeof SYNCHRONOUS)[number];

export const driverOrder = v.strictObject({
  /** Of the database; its folder is there. */
  path: v.string(),
  seed: v.number(),
  /** About how many. */
  steps: v.number(),
  synchronous: v.picklist(SYNCHRONOUS),
  /** Steps that an earlier process has done. */
  done: v.optional(v.number(), 0),
  /** At the first failure, as if killed: nothing is closed. */
  dies: v.optional(v.boolean(), false),
});
export type DriverOrder = v.InferInput<typeof driverOrder>;
