/**
 * Twelve attacks on the handshake of a client that shares a file, many times each: no byte of the file leaves it.
 *
 * `P2P_ATTACKS` says how often each is tried.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MiB, sha1Of } from "./harness/files.ts";
import { type Lab, openLab, shareFile } from "./harness/lab.ts";
import { calmAgain, HAS_VITALS, inWords, vitalsOf } from "./harness/vitals.ts";
import { World } from "./harness/world.ts";
import { Attacker } from "./hostile/attacker.ts";
import { Machine } from "./hostile/machine.ts";
import { markedFile } from "./hostile/marker.ts";
import {
  HANDSHAKE_ATTACKS,
  type HandshakeAttack,
  type HandshakesOrder,
  type Member,
} from "./hostile/order.ts";
import { RawLink } from "./hostile/raw-link.ts";

const TIMES = Number(process.env["P2P_ATTACKS"] ?? 100);
const SECRET_BYTES = 2 * MiB;
const HONEST_BYTES = 64 * MiB;

/** The grant of a machine of bob's that is not the program: its certificate can be shown, and its key be used or not. */
async function memberOf({ trackerPort }: Lab): Promise<Member> {
  const machine = await Machine.make();
  const link = new RawLink(await machine.dial(trackerPort));
  await link.call("hello", { version: 1, program: "hostile" });
  await link.call("login", { name: "bob", password: "pw", listening: { host: "127.0.0.1", port: 9 } });
  const found = (await link.call("find_file", { group: "lab", name: "secret.bin" })) as {
    gid: string;
    file: { fileId: string };
  };
  const { grant } = (await link.call("grant", { gid: found.gid })) as { grant: string };
  link.close();
  return { identity: machine.identity, gid: found.gid, fileId: found.file.fileId, grant };
}

test.skipIf(!HAS_VITALS)(
  `twelve attacks on the handshake, ${TIMES} times each: no byte of the file leaks, and a member fetches beside them`,
  async () => {
    await using world = new World();
    const lab = await openLab(world);
    const { ann, bob, seederPort } = lab;
    const secret = join(world.dir("ann", "files"), "secret.bin");
    writeFileSync(secret, markedFile(SECRET_BYTES));
    await ann.ok(`upload_file ${secret} lab`);
    const open = await shareFile(lab, HONEST_BYTES);
    const member = await memberOf(lab);
    const attack = async (kinds: readonly HandshakeAttack[], times: number) => {
      const target = { port: seederPort, listener: "peer" } as const;
      const order: HandshakesOrder = { attack: "handshakes", target, kinds, times, member };
      await using attacker = Attacker.start(order);
      return await attacker.done();
    };
    // The same words from the one who may say them: so the attacks fail by what they lack alone.
    expect(await attack(["the member itself"], 5)).toMatchObject({ begun: 5, leaks: 5 });

    const before = vitalsOf(ann);
    const copy = join(world.dir("bob", "files"), "film.bin");
    const attacks = attack(HANDSHAKE_ATTACKS, TIMES);
    await bob.ok(`download_file lab ${open.split("/").at(-1)} ${copy}`);
    await bob.downloaded(copy);
    const tally = await attacks;
    expect(tally).toMatchObject({ begun: TIMES * HANDSHAKE_ATTACKS.length, leaks: 0 });
    expect(tally.ended).toBe(tally.begun);
    expect(await sha1Of(copy)).toBe(await sha1Of(open));
    const after = await calmAgain(ann, before);
    console.log(
      `${tally.begun} attacks, ${tally.heardBytes} bytes came back, ${tally.leaks} leaks;`,
      `seeder ${inWords(before)} before, ${inWords(after)} after`,
    );
  },
);
