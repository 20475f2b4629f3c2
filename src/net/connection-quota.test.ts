import { describe, expect, test } from "bun:test";
import { HANDSHAKE_MS_USUAL } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import { runSeed } from "../testing/run-seed.ts";
import { ConnectionQuota, type Standing } from "./connection-quota.ts";

interface One {
  readonly name: string;
}

/** Comers by name, so that an expectation reads as what happened. */
class Door {
  readonly quota: ConnectionQuota<One>;
  readonly #inside = new Map<string, One>();
  #nowMs = 0;

  constructor(connectionsMax: number, perAddressMax: number) {
    this.quota = new ConnectionQuota({ connectionsMax, perAddressMax });
  }

  /** So long that everybody has had time to prove a key. */
  waits(): void {
    this.#nowMs += HANDSHAKE_MS_USUAL;
  }

  /** @returns "in", "refused", or who went for it */
  comes(name: string, host: string, standing: Standing = "unproven"): string {
    const one = { name };
    const outcome = this.quota.admit(one, host, this.#nowMs);
    if (outcome === "refused") return "refused";
    this.#inside.set(name, one);
    this.quota.setStanding(one, standing);
    return outcome.evicted?.name ?? "in";
  }

  becomes(name: string, standing: Standing): void {
    this.quota.setStanding(this.#one(name), standing);
  }

  goes(name: string): void {
    this.quota.release(this.#one(name));
  }

  #one(name: string): One {
    return this.#inside.get(name) ?? { name };
  }
}

describe("an address", () => {
  test("has its share, and what it releases it may take again", () => {
    const door = new Door(10, 2);
    expect([door.comes("1", "a", "guest"), door.comes("2", "a", "guest")]).toEqual(["in", "in"]);
    expect([door.comes("3", "a"), door.comes("4", "b")]).toEqual(["refused", "in"]);
    door.goes("1");
    expect([door.comes("5", "a", "guest"), door.comes("6", "a")]).toEqual(["in", "refused"]);
  });

  test("that has its share makes room with its own: first who proved nothing, then strangers, the oldest first", () => {
    const door = new Door(10, 4);
    door.comes("guest", "a", "guest");
    door.comes("stranger", "a", "stranger");
    door.comes("old", "a");
    door.comes("young", "a");
    door.comes("elsewhere", "b");
    door.waits();
    expect(["5", "6", "7"].map((name) => door.comes(name, "a", "guest"))).toEqual([
      "old",
      "young",
      "stranger",
    ]);
    expect(door.comes("8", "a")).toBe("refused");
  });

  test("does not cut a handshake that has just begun while a stranger could go, and then the oldest of them", () => {
    const door = new Door(10, 3);
    door.comes("stranger", "a", "stranger");
    door.comes("old", "a");
    door.comes("young", "a");
    expect(["4", "5", "6"].map((name) => door.comes(name, "a"))).toEqual(["stranger", "old", "young"]);
    door.becomes("5", "stranger");
    door.waits();
    expect(door.comes("7", "a")).toBe("4");
  });

  test("counts as one whatever its last 64 bits of IPv6, and in IPv6 clothes", () => {
    const door = new Door(10, 1);
    door.comes("1", "2001:db8::1");
    expect(door.comes("2", "2001:db8::ffff:1")).toBe("1");
    door.comes("3", "192.0.2.1");
    expect(door.comes("4", "::ffff:192.0.2.1")).toBe("3");
  });
});

describe("all addresses together", () => {
  test("have a bound: beyond it the address that holds most strangers gives up its oldest", () => {
    const door = new Door(4, 3);
    door.comes("honest", "b");
    for (const name of ["1", "2", "3"]) door.comes(name, "a");
    expect(door.comes("newcomer", "c")).toBe("1");
    expect(door.comes("4", "a")).toBe("2");
    expect(door.comes("5", "a")).toBe("3");
  });

  test("one who crowds in from many addresses crowds out itself, not the one who came before or after", () => {
    const door = new Door(8, 4);
    door.comes("before", "b", "stranger");
    for (let at = 0; at < 7; at++) door.comes(`a${at}`, `attacker-${at % 2}`);
    door.comes("after", "c", "stranger");
    const gone = Array.from({ length: 100 }, (_, at) => door.comes(`x${at}`, `attacker-${at % 2}`));
    expect(gone.every((name) => /^[ax]\d+$/.test(name))).toBe(true);
  });

  test("a guest never gives way: with guests alone a newcomer is refused, until one becomes a stranger again", () => {
    const door = new Door(2, 2);
    door.comes("1", "a", "guest");
    door.comes("2", "b", "guest");
    expect(door.comes("3", "c")).toBe("refused");
    door.becomes("1", "stranger");
    expect(door.comes("3", "c")).toBe("1");
  });
});

test("one that gave way is out of the books: its end and its standing change nothing", () => {
  const door = new Door(1, 1);
  door.comes("1", "a");
  expect(door.comes("2", "a", "guest")).toBe("1");
  door.becomes("1", "guest");
  door.goes("1");
  expect(door.quota.size).toBe(1);
  expect(door.comes("3", "b")).toBe("refused");
});

test("whatever happens, no bound is passed and no guest is turned out", () => {
  const prng = new Prng(runSeed());
  const inside = new Map<One, { host: string; standing: Standing }>();
  const quota = new ConnectionQuota<One>({ connectionsMax: 12, perAddressMax: 5 });
  const standings = ["unproven", "stranger", "guest"] as const;
  for (let step = 0; step < 5_000; step++) {
    const one = [...inside.keys()][prng.below(20)];
    const act = prng.below(4);
    if (act < 2) {
      const newcomer = { name: `${step}` };
      const host = `host-${prng.below(6)}`;
      const outcome = quota.admit(newcomer, host, 50 * step);
      if (outcome === "refused") continue;
      if (outcome.evicted !== undefined) expect(inside.get(outcome.evicted)?.standing).not.toBe("guest");
      if (outcome.evicted !== undefined) inside.delete(outcome.evicted);
      inside.set(newcomer, { host, standing: "unproven" });
    } else if (one !== undefined && act === 2) {
      quota.release(one);
      inside.delete(one);
    } else if (one !== undefined) {
      const standing = standings[prng.below(3)] ?? "guest";
      quota.setStanding(one, standing);
      inside.set(one, { host: inside.get(one)?.host ?? "", standing });
    }
    expect(quota.size).toBe(inside.size);
    expect(inside.size).toBeLessThanOrEqual(12);
    const perHost = Map.groupBy(inside.values(), ({ host }) => host);
    for (const guests of perHost.values()) expect(guests.length).toBeLessThanOrEqual(5);
  }
});
