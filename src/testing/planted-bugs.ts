/**
 * Wrong variants of the tracker that its simulations must catch: each a few changes of the source text, made while it is
 * loaded in a process of its own (`scripts/plant.ts`), so that the program itself holds no switch for them.
 *
 * Invariant: what is to be replaced stands in its file exactly once; a variant that no longer fits is an error, never a
 * pass.
 */

export interface SourceChange {
  /** From `src`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface PlantedBug {
  readonly name: string;
  /** The simulation that catches it soonest. */
  readonly world: "merge" | "cluster";
  readonly changes: readonly SourceChange[];
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "no tie-break",
    world: "merge",
    changes: [
      {
        file: "tracker/core/joins.ts",
        find: "if (left.claim !== right.claim) return left.claim < right.claim ? -1 : 1;",
        replace:
          "const [l, r] = [left.claim.slice(0, 16), right.claim.slice(0, 16)]; return l === r ? 0 : l < r ? -1 : 1;",
      },
    ],
  },
  {
    name: "membership by last writer",
    world: "merge",
    changes: [
      {
        file: "tracker/core/membership.ts",
        find: "if (closed?.has(joinId) !== true && open.get(joinId) === undefined)",
        replace: "if (open.get(joinId) === undefined)",
      },
    ],
  },
  {
    name: "membership keyed by name",
    world: "merge",
    changes: [
      {
        file: "tracker/core/groups.ts",
        find: 'return this.#groups.get(gid)?.standing(uid) ?? "none";',
        replace:
          'const holder = this.#users.find(this.#users.sortKey(uid).split("\\n")[0] ?? "")[0] ?? uid;' +
          ' return this.#groups.get(gid)?.standing(holder) ?? "none";',
      },
    ],
  },
  {
    name: "removal ordered by clock",
    world: "merge",
    changes: [
      {
        file: "tracker/core/state.ts",
        find: "return groups.remove(body);",
        replace: 'return groups.remove({ ...body, removalId: entry.stamp.padEnd(32, "0") });',
      },
      {
        file: "tracker/core/state.ts",
        find: "return groups.accept(entry, body);",
        replace: 'return groups.accept(entry, { ...body, removals: [entry.stamp.padEnd(32, "0")] });',
      },
      {
        file: "tracker/core/membership.ts",
        find: "removals.isSubsetOf(new Set(accept.removals));",
        replace: '[...removals].every((removal) => removal < (accept.removals[0] ?? ""));',
      },
    ],
  },
  {
    name: "accept without removals seen",
    world: "merge",
    changes: [
      {
        file: "tracker/core/membership.ts",
        find: "return removals === undefined || removals.isSubsetOf(new Set(accept.removals));",
        replace: "return true;",
      },
    ],
  },
  {
    name: "transfer without vector",
    world: "merge",
    changes: [
      {
        file: "tracker/core/membership.ts",
        find: "return tenure.seenByLater === undefined || covers(tenure.seenByLater, accept);",
        replace: "return true;",
      },
    ],
  },
  {
    name: "password stamp from the wall clock",
    world: "merge",
    changes: [
      {
        file: "tracker/core/decide-users.ts",
        find: "const stamp = laterStamp(now, stampAfter(replaced));",
        replace: "const stamp = now;",
      },
    ],
  },
  {
    name: "shares by last writer",
    world: "merge",
    changes: [
      {
        file: "tracker/core/joins.ts",
        find: "if (left.counter !== right.counter) return left.counter > right.counter ? left : right;",
        replace: "if (left.counter !== right.counter) return right;",
      },
    ],
  },
  {
    name: "rename that drops shares",
    world: "merge",
    changes: [
      {
        file: "tracker/core/queries.ts",
        find: "export function sharersOf({ shares }: State, gid: Gid, fileId: FileId): ShareRow[] {\n  return [...shares.sharers(gid, fileId)];",
        replace:
          "export function sharersOf({ shares, users }: State, gid: Gid, fileId: FileId): ShareRow[] {\n" +
          '  return [...shares.sharers(gid, fileId)].filter(({ uid }) => !users.name(uid).includes("~"));',
      },
    ],
  },
  {
    name: "sequence reused after restore",
    world: "merge",
    changes: [
      {
        file: "tracker/core/machine.ts",
        find: "    this.origin = origin;",
        replace: '    this.origin = (origin.split("-")[0] + "-" + "0".repeat(16)) as Origin;',
      },
    ],
  },
  {
    name: "acknowledge before commit",
    world: "cluster",
    changes: [
      {
        file: "tracker/command-log.ts",
        find: "if (batch.entries.length > 0) store.append(batch.entries);",
        replace:
          "if (batch.entries.length > 0) this.#dependencies.afterTurn(() => {" +
          " try { store.append(batch.entries); } catch (error) { this.#fail(error, []); } });",
      },
    ],
  },
  {
    name: "snapshot without tail",
    world: "cluster",
    changes: [
      {
        file: "tracker/replication/log-feed.ts",
        find: "    const covered = new Map(this.#source.covered());\n",
        replace: "",
      },
      {
        file: "tracker/replication/log-feed.ts",
        find: "this.heard(await this.#calls.adopt(covered));",
        replace: "this.heard(await this.#calls.adopt(new Map(this.#source.covered())));",
      },
      {
        // A state as small as the simulated ones fits one message; a real one takes many, and longer.
        file: "base/limits.ts",
        find: "export const PUSH_ENTRIES_MAX = 1_000;",
        replace: "export const PUSH_ENTRIES_MAX = 3;",
      },
    ],
  },
  {
    name: "log trimmed above the checkpoint",
    world: "cluster",
    changes: [
      {
        file: "tracker/trim-point.ts",
        find: "of meetVectors(settled, checkpointed)) {",
        replace: "of meetVectors(settled, vector)) {",
      },
      {
        file: "tracker/store/memory-store.ts",
        find: "meetVectors(point, meetVectors(this.vector(), this.#disk.checkpointed))",
        replace: "meetVectors(point, this.vector())",
      },
    ],
  },
  {
    name: "told to be on other trackers before they have it",
    world: "cluster",
    changes: [
      {
        file: "tracker/replication/spread.ts",
        find: "this.#receivers.filter((receiver) => receiver.holds(seq)).length",
        replace: "this.#receivers.filter((receiver) => receiver.isInReach).length",
      },
    ],
  },
  {
    name: "grant without key binding",
    world: "cluster",
    changes: [
      {
        file: "wire/signed.ts",
        find: 'if (found.fingerprint !== expected.fingerprint) return "otherKey";',
        replace: "",
      },
    ],
  },
];
