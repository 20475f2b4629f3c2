import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid, Uid } from "../base/ids.ts";
import { CLOCK_APART_WARN_MS, GRANT_LIFETIME_MS } from "../base/limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { formatPublicKey, grantRefused, sign } from "../wire/signed.ts";
import { GrantGate } from "./grant-gate.ts";

const tracker = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const gid = "a".repeat(32) as Gid;
const otherGid = "b".repeat(32) as Gid;
const uid = "1".repeat(32) as Uid;
const otherUid = "2".repeat(32) as Uid;
const machine = "c".repeat(64) as Fingerprint;
const otherMachine = "d".repeat(64) as Fingerprint;

function setUp() {
  const clock = new ManualClock();
  const gate = new GrantGate({
    nowMs: () => clock.nowMs(),
    keys: () => [formatPublicKey(tracker.publicKey)],
  });
  const grant = (
    by = tracker,
    change: { gid?: Gid; uid?: Uid; fingerprint?: Fingerprint; expiresMs?: number } = {},
  ) =>
    sign(
      {
        purpose: "grant",
        gid,
        uid,
        fingerprint: machine,
        expiresMs: clock.nowMs() + GRANT_LIFETIME_MS,
        ...change,
      },
      by.privateKey,
    );
  return { clock, gate, grant };
}

describe("the grant gate", () => {
  test("admits a grant of a known tracker for this group and this very machine", () => {
    const { clock, gate, grant } = setUp();
    expect(gate.admit(grant(), gid, machine)).toEqual({ uid, expiresMs: clock.nowMs() + GRANT_LIFETIME_MS });
  });

  test("refuses a grant of another group, another machine or an unknown tracker, and no grant at all", () => {
    const { gate, grant } = setUp();
    expect(gate.admit(grant(), otherGid, machine)).toBeInstanceOf(Failure);
    expect(gate.admit(grant(), gid, otherMachine)).toBeInstanceOf(Failure);
    expect(gate.admit(grant(stranger), gid, machine)).toBeInstanceOf(Failure);
    expect(gate.admit("", gid, machine)).toBeInstanceOf(Failure);
  });

  test("an admission counts until its grant ends, and no longer", () => {
    const { clock, gate, grant } = setUp();
    const admission = gate.admit(grant(), gid, machine);
    if (admission instanceof Failure) throw admission;
    clock.advance(GRANT_LIFETIME_MS - 1);
    expect(gate.leftMs(admission)).toBe(1);
    clock.advance(1);
    expect(gate.leftMs(admission)).toBe(0);
  });

  test("a revocation voids what was signed before it, for that user and that group only", () => {
    const { gate, grant } = setUp();
    const before = grant();
    const ofOtherUser = grant(tracker, { uid: otherUid });
    const ofOtherGroup = grant(tracker, { gid: otherGid });
    gate.revoke(gid, uid);
    expect(gate.admit(before, gid, machine)).toBeInstanceOf(Failure);
    expect(gate.admit(ofOtherUser, gid, machine)).toMatchObject({ uid: otherUid });
    expect(gate.admit(ofOtherGroup, otherGid, machine)).toMatchObject({ uid });
  });

  test("a revocation voids a grant of the same moment from a tracker whose clock is ahead, too", () => {
    const { clock, gate, grant } = setUp();
    const ahead = grant(tracker, { expiresMs: clock.nowMs() + GRANT_LIFETIME_MS + CLOCK_APART_WARN_MS });
    gate.revoke(gid, uid);
    expect(gate.admit(ahead, gid, machine)).toEqual(grantRefused("revoked"));
  });

  test("a member accepted anew is admitted at once when that is told, and otherwise with a grant signed well after", () => {
    const { clock, gate, grant } = setUp();
    gate.revoke(gid, uid);
    gate.revoke(otherGid, uid);
    expect(gate.admit(grant(), gid, machine)).toEqual(grantRefused("revoked"));
    gate.readmit(gid, uid);
    expect(gate.admit(grant(), gid, machine)).toMatchObject({ uid });
    const untold = () => gate.admit(grant(tracker, { gid: otherGid }), otherGid, machine);
    expect(untold()).toEqual(grantRefused("revoked"));
    clock.advance(CLOCK_APART_WARN_MS + 1);
    expect(untold()).toMatchObject({ uid });
  });

  test("counts what it refuses, by reason", () => {
    const { clock, gate, grant } = setUp();
    const old = grant();
    clock.advance(GRANT_LIFETIME_MS);
    gate.admit(old, gid, machine);
    gate.admit(grant(), gid, machine);
    for (const _ of [1, 2]) gate.admit(grant(stranger), gid, machine);
    gate.admit(grant(), otherGid, machine);
    gate.admit(grant(), gid, otherMachine);
    gate.revoke(gid, uid);
    gate.admit(grant(), gid, machine);
    expect(Object.fromEntries(gate.refusals)).toEqual({
      expired: 1,
      forged: 2,
      otherGroup: 1,
      otherKey: 1,
      revoked: 1,
    });
  });

  test("one that spares a machine voids what the user's other machines hold, and nothing of that one", () => {
    const { clock, gate, grant } = setUp();
    const ofOther = grant(tracker, { fingerprint: otherMachine });
    const ofSpared = grant();
    gate.revoke(gid, uid, machine);
    expect(gate.admit(ofOther, gid, otherMachine)).toEqual(grantRefused("outdated"));
    expect(gate.admit(ofSpared, gid, machine)).toMatchObject({ uid });
    clock.advance(1);
    expect(gate.admit(grant(tracker, { fingerprint: otherMachine }), gid, otherMachine)).toMatchObject({
      uid,
    });
  });

  test("a member accepted anew gets nothing back that a change of the password took", () => {
    const { gate, grant } = setUp();
    gate.revoke(gid, uid, otherMachine);
    gate.revoke(gid, uid);
    gate.readmit(gid, uid);
    expect(gate.admit(grant(), gid, machine)).toEqual(grantRefused("outdated"));
  });

  test("to be spared gives nothing back that an earlier revocation took", () => {
    const { clock, gate, grant } = setUp();
    const before = grant();
    gate.revoke(gid, uid, otherMachine);
    clock.advance(1);
    const between = grant();
    gate.revoke(gid, uid, machine);
    gate.revoke(gid, uid, machine);
    expect(gate.admit(before, gid, machine)).toBeInstanceOf(Failure);
    expect(gate.admit(between, gid, machine)).toMatchObject({ uid });
    gate.revoke(gid, uid);
    expect(gate.admit(between, gid, machine)).toBeInstanceOf(Failure);
  });

  test("revocations are forgotten once no grant from before them can stand", () => {
    const { clock, gate, grant } = setUp();
    gate.revoke(gid, uid);
    clock.advance(GRANT_LIFETIME_MS + CLOCK_APART_WARN_MS + 1);
    gate.revoke(otherGid, otherUid);
    expect(gate.admit(grant(), gid, machine)).toMatchObject({ uid });
  });
});
