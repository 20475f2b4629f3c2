import { expect, test } from "bun:test";
import { isMember } from "../tracker/core/queries.ts";
import type { Entry, EntryKey, Origin } from "../wire/entry.ts";
import { type HistoryEntry, SimHistory } from "./sim-history.ts";
import { SimRules } from "./sim-rules.ts";
import { group, TestTracker, user } from "./test-tracker.ts";

const lab = group("lab");

/** All that was made, each entry with what its tracker had before it. */
function historyOf(...trackers: readonly TestTracker[]): HistoryEntry[] {
  const history = new SimHistory();
  for (const { core, log } of trackers) {
    const seen = new Map<Origin, number>();
    for (const entry of log) {
      history.append([entry], seen, ({ origin }: EntryKey) => origin === core.origin);
      seen.set(entry.key.origin, entry.key.seq);
    }
  }
  return history.all();
}

test("a request whose end has not come is open, though who removed the user later had seen its end", () => {
  const [left, right, behind] = [new TestTracker(1), new TestTracker(2), new TestTracker(3)];
  const ann = left.createUser("ann");
  const bob = left.createUser("bob");
  const gid = left.createGroup(ann, "lab");
  left.addMember(ann, "lab", bob);
  const beforeRemoval = [...left.log];
  left.must({ kind: "remove-member", by: ann, group: lab, user: user("bob") });
  right.take(left.log);
  right.addMember(ann, "lab", bob);
  right.must({ kind: "remove-member", by: ann, group: lab, user: user("bob") });

  const whole = historyOf(left, right);
  const ruled = () => {
    const keys = new Set(behind.log.map(keyText));
    return new SimRules(
      whole.filter(({ entry }) => keys.has(keyText(entry))),
      whole,
    ).standing(gid, bob);
  };
  behind.take([...beforeRemoval, ...right.log.filter(({ key }) => key.origin === right.core.origin)]);
  expect([ruled(), behind.state.groups.standing(gid, bob)]).toEqual(["requested", "requested"]);
  expect(isMember(behind.state, gid, bob)).toBe(false);
  behind.take(left.log);
  expect([ruled(), behind.state.groups.standing(gid, bob)]).toEqual(["none", "none"]);
});

function keyText({ key: { origin, seq } }: Entry): string {
  return `${origin} ${seq}`;
}
