import { expect, test } from "bun:test";
import type { Address } from "../base/address.ts";
import { MemoryStore } from "./store/memory-store.ts";
import { TrackerKeys } from "./tracker-keys.ts";

const [second, third]: [Address, Address] = [
  { host: "192.0.2.2", port: 5000 },
  { host: "192.0.2.3", port: 5000 },
];

test("the keys of other trackers that were met count after a restart too, as long as they are listed", () => {
  const store = new MemoryStore();
  const keys = new TrackerKeys("own", [second, third], store);
  expect(keys.all).toEqual(["own"]);
  expect(keys.learn(second, "two")).toBe(true);
  expect(keys.learn(third, "three")).toBe(true);
  expect(keys.all).toEqual(["own", "two", "three"]);
  expect(new TrackerKeys("own", [second, third], store).all).toEqual(["own", "two", "three"]);
  expect(new TrackerKeys("own", [third], store).all).toEqual(["own", "three"]);
});

test("a tracker that was set up anew has one key, the one that it showed last", () => {
  const keys = new TrackerKeys("own", [second], new MemoryStore());
  keys.learn(second, "two");
  expect(keys.learn(second, "two")).toBe(false);
  expect(keys.learn(second, "new")).toBe(true);
  expect(keys.all).toEqual(["own", "new"]);
});

test("what cannot be read any more is learned anew", () => {
  const store = new MemoryStore();
  store.setMeta("tracker-keys", "{");
  expect(new TrackerKeys("own", [second], store).all).toEqual(["own"]);
});
