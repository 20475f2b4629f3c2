import { expect, test } from "bun:test";
import * as v from "valibot";
import { Failure } from "../base/failure.ts";
import { METHODS } from "./client-tracker.ts";
import { check, checkInput, userName } from "./schema.ts";

const refusal = (refused: unknown) => {
  if (!(refused instanceof Failure)) throw new Error("not refused", { cause: refused });
  return [refused.code, refused.message];
};

test("what a machine got wrong is told with its place", () => {
  const list = v.object({ rows: v.array(userName) });
  expect(refusal(check(list, { rows: ["ann", ""] }))).toEqual(["protocol", 'rows.1: user id is empty: ""']);
  expect(refusal(checkInput(METHODS.ping.params, 7))[0]).toBe("protocol");
  expect(refusal(checkInput(METHODS.get_blob.params, { group: "lab", digest: 7, offset: 0 }))).toEqual([
    "protocol",
    "digest: Invalid type: Expected string but received 7",
  ]);
});

test("what a person got wrong is told in the words of the rule alone", () => {
  const account = { id: "0".repeat(32), name: "ann", password: "pw" };
  const create = (given: object) => refusal(checkInput(METHODS.create_user.params, { ...account, ...given }));
  expect(create({ name: "a b" })).toEqual([
    "invalid-input",
    'user id must be one word, without spaces: "a b"',
  ]);
  expect(create({ password: "x".repeat(2_000) })).toEqual([
    "invalid-input",
    "the password is longer than 1024 bytes (it has 2000)",
  ]);
  expect(refusal(checkInput(METHODS.search.params, { text: "x".repeat(1_001) }))).toEqual([
    "invalid-input",
    "the text is longer than 1000 characters (it has 1001)",
  ]);
});
