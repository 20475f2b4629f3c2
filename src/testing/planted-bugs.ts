/**
 * Wrong variants of the program that some suite must catch: each a few changes of the source text, made while it is
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

/** What finds a wrong variant soonest. */
export type Catcher =
  | { readonly suite: "simulation"; readonly world: "merge" | "cluster" }
  | { readonly suite: "fuzzing"; readonly target: string }
  | { readonly suite: "swarms" };

export interface PlantedBug {
  readonly name: string;
  readonly caughtBy: Catcher;
  readonly changes: readonly SourceChange[];
}

/** Of those that one suite is to catch. */
export function plantedFor<S extends Catcher["suite"]>(
  suite: S,
): readonly (PlantedBug & { readonly caughtBy: Extract<Catcher, { suite: S }> })[] {
  return PLANTED_BUGS.filter(
    (bug): bug is PlantedBug & { caughtBy: Extract<Catcher, { suite: S }> } => bug.caughtBy.suite === suite,
  );
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "no tie-break",
    caughtBy: { suite: "simulation", world: "merge" },
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
    name: "attributes of whoever came first",
    caughtBy: { suite: "simulation", world: "merge" },
    changes: [
      {
        file: "tracker/core/shares.ts",
        find: "row.listing = row.listing === undefined ? listing : latest(row.listing, listing);",
        replace:
          "const { attributes } = row.listing ?? listing; const { attributes: _, ...rest } = row.listing === undefined ? listing : latest(row.listing, listing);" +
          " row.listing = attributes === undefined ? rest : { ...rest, attributes };",
      },
    ],
  },
  {
    name: "membership by last writer",
    caughtBy: { suite: "simulation", world: "merge" },
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
    caughtBy: { suite: "simulation", world: "merge" },
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
    caughtBy: { suite: "simulation", world: "merge" },
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
    caughtBy: { suite: "simulation", world: "merge" },
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
    caughtBy: { suite: "simulation", world: "merge" },
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
    caughtBy: { suite: "simulation", world: "merge" },
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
    caughtBy: { suite: "simulation", world: "merge" },
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
    caughtBy: { suite: "simulation", world: "merge" },
    changes: [
      {
        file: "tracker/core/queries.ts",
        find: "export function sharersOf({ shares }: State,",
        replace: "export function sharersOf({ shares, users }: State,",
      },
      {
        file: "tracker/core/queries.ts",
        find: "  return [...machines.values()];",
        replace: '  return [...machines.values()].filter(({ uid }) => !users.name(uid).includes("~"));',
      },
    ],
  },
  {
    name: "sequence reused after restore",
    caughtBy: { suite: "simulation", world: "merge" },
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
    caughtBy: { suite: "simulation", world: "cluster" },
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
    caughtBy: { suite: "simulation", world: "cluster" },
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
    caughtBy: { suite: "simulation", world: "cluster" },
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
    caughtBy: { suite: "simulation", world: "cluster" },
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
    caughtBy: { suite: "simulation", world: "cluster" },
    changes: [
      {
        file: "wire/signed.ts",
        find: 'if (found.fingerprint !== expected.fingerprint) return "otherKey";',
        replace: "",
      },
    ],
  },
  {
    name: "frames of any length",
    caughtBy: { suite: "fuzzing", target: "frames of message rules" },
    changes: [
      { file: "wire/frame.ts", find: "if (bodyBytes > bodyBytesMax)", replace: "if (bodyBytes < 0)" },
    ],
  },
  {
    name: "streamed frames shorter than their head",
    caughtBy: { suite: "fuzzing", target: "frames of peer rules" },
    changes: [
      { file: "wire/frame.ts", find: "if (bodyBytes < streamedHeadBytes)", replace: "if (bodyBytes < 0)" },
    ],
  },
  {
    name: "lax base64url",
    caughtBy: { suite: "fuzzing", target: "signed grant" },
    changes: [
      {
        file: "wire/signed.ts",
        find: 'return bytes.toString("base64url") === text ? bytes : undefined;',
        replace: "return bytes;",
      },
    ],
  },
  {
    name: "a statement that counts for any purpose",
    caughtBy: { suite: "fuzzing", target: "signed grant" },
    changes: [
      {
        file: "wire/signed.ts",
        find: "function signedBytes(purpose: Purpose, payload",
        replace:
          'function signedBytes(purpose: Purpose, payload: Uint8Array): Uint8Array { return every("any" as Purpose, payload); } function every(purpose: Purpose, payload',
      },
      {
        file: "wire/signed.ts",
        find: "return check(SCHEMAS[purpose], payload)",
        replace: "return (check(v.union([grant, session]), payload) as never)",
      },
    ],
  },
  {
    name: "names not composed",
    caughtBy: { suite: "fuzzing", target: "user name" },
    changes: [
      { file: "base/ids.ts", find: 'const name = text.normalize("NFC");', replace: "const name = text;" },
    ],
  },
  {
    name: "a line that a terminal turns around",
    caughtBy: { suite: "fuzzing", target: "text for a terminal" },
    changes: [
      {
        file: "base/text.ts",
        find: "\\u061C\\u200B-\\u200F\\u202A-\\u202E\\u2060-\\u2069\\uFEFF",
        replace: "\\u061C\\u200B-\\u200F\\u202A-\\u202D\\u2060-\\u2069\\uFEFF",
      },
    ],
  },
  {
    name: "hosts as an address of a web page has them",
    caughtBy: { suite: "fuzzing", target: "hosts" },
    changes: [{ file: "base/address.ts", find: "IPV6_CHARS.test(bare) && ", replace: "" }],
  },
  {
    name: "bits of a peer that are only lent",
    caughtBy: { suite: "fuzzing", target: "client-peer opened" },
    changes: [
      { file: "wire/client-peer.ts", find: "new Uint8Array(rest.subarray(1))", replace: "rest.subarray(1)" },
    ],
  },
  {
    name: "devices of Windows as file names",
    caughtBy: { suite: "fuzzing", target: "safe file names" },
    changes: [
      {
        file: "transfer/disk/safe-path.ts",
        find: "DEVICE.test(name) ?",
        replace: "name.length > 1_000 ?",
      },
    ],
  },
  {
    name: "journals without their seal",
    caughtBy: { suite: "fuzzing", target: "journals" },
    changes: [
      {
        file: "transfer/disk/journal.ts",
        find: "seal(bytes.subarray(0, sealAt))))",
        replace: "new Uint8Array()))",
      },
    ],
  },
  {
    name: "a long word compared with every command",
    caughtBy: { suite: "fuzzing", target: "lines of the prompt" },
    changes: [
      {
        file: "base/text.ts",
        find: "if (Math.abs(word.length - candidate.length) >= bestDistance) continue;",
        replace: "",
      },
    ],
  },
  {
    name: "stored rows by their kind alone",
    caughtBy: { suite: "fuzzing", target: "stored state rows" },
    changes: [
      {
        file: "tracker/store/stored-rows.ts",
        find: '&& isClaimed(value["password"], "hash")',
        replace: "",
      },
    ],
  },
  {
    name: "pieces taken for what they are said to be",
    caughtBy: { suite: "swarms" },
    changes: [
      {
        file: "transfer/disk/piece-hash.ts",
        find: "return prefix.every((byte, at) => bytes[at] === byte);",
        replace: "return bytes.length >= prefix.length;",
      },
    ],
  },
  {
    name: "half a piece that keeps its buffer",
    caughtBy: { suite: "swarms" },
    changes: [
      {
        file: "transfer/peer-feed.ts",
        find: "if (slot !== undefined) this.#slots.release(slot);",
        replace: "",
      },
    ],
  },
  {
    name: "a liar that is asked for ever",
    caughtBy: { suite: "swarms" },
    changes: [
      {
        file: "transfer/core/peer-table.ts",
        find: 'return wrong.size >= WRONG_PIECES_MAX ? "too-many" : "kept";',
        replace: 'return wrong.size > 1_000_000 * WRONG_PIECES_MAX ? "too-many" : "kept";',
      },
    ],
  },
];
