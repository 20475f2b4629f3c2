/** Every method in every role: whether it is done, that a refusal does nothing, and that no answer says too much. */
import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileId, Gid } from "../base/ids.ts";
import { RpcConnection } from "../net/rpc.ts";
import {
  type AccessWorld,
  accessWorld,
  QUESTIONS,
  secretsFrom,
  tracesOf,
} from "../testing/access-questions.ts";
import { DELETED_GROUP_ACCESS, METHOD_ACCESS, ROLES, type Role } from "../testing/access-table.ts";
import { failureOf } from "../testing/failure-of.ts";
import { SimNetwork } from "../testing/sim-network.ts";
import { deviceOf, hexId, originOf } from "../testing/test-tracker.ts";
import { METHODS, type Method, notice, type Params } from "../wire/client-tracker.ts";
import { REPLICA_METHODS, type ReplicaMethod, type ReplicaParams } from "../wire/tracker-tracker.ts";
import { RpcLink } from "./rpc-link.ts";

interface Answered {
  readonly outcome: string;
  /** All that comes back. */
  readonly said: string;
}

async function ask<M extends Method>(
  { world, clients }: AccessWorld,
  role: Role,
  method: M,
  params: Params<M>,
  tail?: Uint8Array,
): Promise<Answered> {
  try {
    // Some answers take their time on purpose.
    const { outcome } = await world.clock.during(clients[role].ask(method, params, tail), 5_000, 1_000);
    if (outcome instanceof Failure) throw outcome;
    const { result, tail: behind } = outcome;
    return { outcome: "ok", said: `${JSON.stringify(result)} ${behind?.toHex() ?? ""}` };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { outcome: error.code, said: error.message };
  }
}

/** Asks in that role, and holds a refusal against what it must not do. @returns the outcome */
async function cell(access: AccessWorld, role: Role, method: Method): Promise<string> {
  const question = QUESTIONS[method](access);
  const before = tracesOf(access);
  const { outcome, said } = await ask(access, role, method, question.params, question.tail);
  const told = secretsFrom(role).filter((secret) => said.includes(secret));
  expect({ role, method, told }).toEqual({ role, method, told: [] });
  if (outcome === "ok") return outcome;
  if (question.twin !== undefined) {
    const twin = await ask(access, role, method, question.twin, question.tail);
    expect({ role, method, ...twin }).toEqual({ role, method, outcome, said });
  }
  expect({ role, method, traces: tracesOf(access) }).toEqual({ role, method, traces: before });
  for (const client of Object.values(access.clients)) expect(await client.heard()).toEqual([]);
  return outcome;
}

/** A world that is asked again until something was done in it. */
class Worlds {
  #fresh: AccessWorld | undefined;

  constructor(readonly make: () => Promise<AccessWorld>) {}

  async ask(role: Role, method: Method): Promise<string> {
    this.#fresh ??= await this.make();
    const outcome = await cell(this.#fresh, role, method);
    if (outcome === "ok") this.#fresh = undefined;
    return outcome;
  }
}

const outcomesOf = async (worlds: Worlds, roles: readonly Role[], method: Method) => {
  const outcomes: Record<string, string> = {};
  for (const role of roles) outcomes[role] = await worlds.ask(role, method);
  return outcomes;
};

describe("who may do what", () => {
  const worlds = new Worlds(accessWorld);
  for (const method of Object.keys(METHODS) as Method[])
    test(method, async () => {
      expect(await outcomesOf(worlds, ROLES, method)).toEqual(METHOD_ACCESS.get(method) ?? {});
    });

  test("the table has no row for what is no method", () => {
    expect([...METHOD_ACCESS.keys()].sort()).toEqual(Object.keys(METHODS).sort());
  });
});

describe("of a deleted group nothing is left to do", () => {
  const deleted = new Worlds(async () => {
    const access = await accessWorld();
    const { owner } = access.clients;
    await owner.call("delete_group", QUESTIONS.delete_group(access).params);
    for (const client of Object.values(access.clients)) await client.heard();
    return access;
  });
  for (const [method, row] of DELETED_GROUP_ACCESS)
    test(method, async () => {
      const roles = Object.keys(row) as Role[];
      expect(await outcomesOf(deleted, roles, method as Method)).toEqual(row);
    });

  test("every method that names a group has a row", () => {
    const named = Object.entries(METHODS).filter(
      ([method, { params }]) =>
        "group" in params.entries || ["follow", "find_small", "grant"].includes(method),
    );
    expect([...DELETED_GROUP_ACCESS.keys()].sort()).toEqual(named.map(([method]) => method).sort());
  });
});

test("who never was in a group cannot tell it from one that never was", async () => {
  const access = await accessWorld();
  const unknown = hexId<Gid>("no such group");
  for (const role of ["outsider", "neighbour"] as const)
    for (const gid of [access.gid, unknown]) {
      const client = access.clients[role];
      const later = { code: "try-later" };
      expect(await failureOf(client.call("grant", { gid }))).toMatchObject(later);
      expect(await failureOf(client.call("follow", { gid, fileId: hexId<FileId>("f", 64) }))).toMatchObject(
        later,
      );
    }
});

const NO_BLOB = hexId<ReplicaParams<"get_blob">["digest"]>("d", 64);
const REPLICA_PARAMS: { readonly [M in ReplicaMethod]: ReplicaParams<M> } = {
  greet: { version: 1, no: 2, origin: originOf(2), clockMs: 0, key: "AAAA", vector: [] },
  push: {},
  look: {},
  rows: {},
  adopt: { vector: [] },
  presence: { here: [], gone: [] },
  keep_blob: { digest: NO_BLOB },
  get_blob: { digest: NO_BLOB, offset: 0 },
};

test("what trackers say to each other is answered to no client, whoever has logged in with its key", async () => {
  const access = await accessWorld();
  const { service, clock } = access.world;
  const network = new SimNetwork();
  for (const machine of ["a stranger", "olga's machine"]) {
    const [near, far] = network.pair(deviceOf("tracker"), deviceOf(machine));
    const events = { report: () => {}, closed: () => {} };
    expect(service.acceptTracker(near, events)).toBeUndefined();
    new RpcLink({ connection: near, service, clock, ...events });
    const methods = { ...REPLICA_METHODS, hello: METHODS.hello, resume: METHODS.resume };
    const rpc = new RpcConnection({
      connection: far,
      protocol: { methods, notice },
      clock,
      report: () => {},
      handler: { notice: () => {}, closed: () => {} },
    });
    await rpc.call("hello", { version: 1, program: "test" });
    const { token } = access.clients.owner;
    if (machine !== "a stranger")
      await rpc.call("resume", { token, listening: { host: "0.0.0.0", port: 7000 } });
    const before = tracesOf(access);
    const tail = Buffer.from("[]");
    for (const method of Object.keys(REPLICA_METHODS) as ReplicaMethod[]) {
      const { code } = await failureOf(rpc.call(method, REPLICA_PARAMS[method], tail));
      // Of get_blob, which both tables have, clients are to say for which group.
      expect([method, code]).toEqual([method, "protocol"]);
    }
    expect(tracesOf(access)).toBe(before);
  }
});
