import { expect, test } from "bun:test";
import { REQUESTS_REMEMBERED_MAX } from "../../base/limits.ts";
import { bodiesOf, group, type requestId, TestTracker, user } from "../../testing/test-tracker.ts";
import { isMember } from "./queries.ts";
import { stateHash } from "./state-rows.ts";

test("what a command makes is made once, even if it is repeated long after all else about it is forgotten", () => {
  const tracker = new TestTracker();
  const ann = tracker.createUser("ann");
  const bob = tracker.createUser("bob");
  const gid = tracker.createGroup(ann, "lab");
  const lab = group("lab");
  const commands = [
    { kind: "create-user", name: user("cy"), passwordHash: "hash" },
    { kind: "create-group", by: bob, group: group("art") },
    { kind: "join-group", by: bob, group: lab },
    { kind: "accept-request", by: ann, group: lab, user: user("bob") },
    { kind: "remove-member", by: ann, group: lab, user: user("bob") },
  ] as const;
  for (const command of commands) {
    const request = tracker.nextRequest();
    expect(bodiesOf(tracker.run({ ...command, request })).length).toBeGreaterThan(0);
    for (let others = 0; others < REQUESTS_REMEMBERED_MAX; others++)
      tracker.state.recent.add(`${command.kind} ${others}` as ReturnType<typeof requestId>);
    const hash = stateHash(tracker.state);
    expect(tracker.run({ ...command, request })).toEqual([]);
    expect(stateHash(tracker.state)).toBe(hash);
  }
  expect(isMember(tracker.state, gid, bob)).toBe(false);
});

test("a refused command is decided anew when it comes again", () => {
  const tracker = new TestTracker();
  const ann = tracker.createUser("ann");
  const request = tracker.nextRequest();
  const join = { kind: "join-group", request, by: ann, group: group("lab") } as const;
  expect(tracker.run(join)).toBeInstanceOf(Error);
  const bob = tracker.createUser("bob");
  tracker.createGroup(bob, "lab");
  expect(bodiesOf(tracker.run(join)).length).toBe(1);
});
