/** What somebody on the network sees of a whole session: bytes, and nothing in clear. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { until } from "./harness/until.ts";
import { holdsPartOf, WireCapture, whyNoCapture } from "./harness/wire-capture.ts";
import { World } from "./harness/world.ts";

const missing = whyNoCapture();
if (missing !== undefined) console.warn(`nothing is captured on the wire: ${missing}`);

const FILE_BYTES = 1 * MiB;
const TEXT = Buffer.from("All work and no play makes Jack a dull boy.\n".repeat(6_000));
/** The first bytes of a TLS 1.3 handshake record, and of one that carries data. */
const HANDSHAKE_RECORD = Buffer.from([0x16, 0x03, 0x01]);
const DATA_RECORD = Buffer.from([0x17, 0x03, 0x03]);

/** Sends its argument over a plain connection to itself. */
const PLAIN = `
const net = require("node:net");
const server = net.createServer((socket) => socket.on("data", () => process.exit(0)));
server.listen(0, "127.0.0.1", () => net.connect(server.address().port, "127.0.0.1").write(process.argv.at(-1)));
`;

test.skipIf(missing !== undefined)("what goes over a plain connection is found in its capture", async () => {
  await using world = new World();
  const capture = new WireCapture(world.folder, "plain");
  const marker = "a marker that is long enough to be found again";
  const plain = Bun.spawn([...capture.within, process.execPath, "-e", PLAIN, marker], { stdout: "ignore" });
  expect(await plain.exited).toBe(0);
  const isFound = () =>
    [...capture.sockets().values()].some((bytes) => holdsPartOf(Buffer.from(marker), bytes));
  // The recorder ends after what it records.
  await until(async () => isFound());
});

test.skipIf(missing !== undefined)(
  "no password, name or byte of a file goes over any socket in clear in a whole session",
  async () => {
    await using world = new World();
    const captures = ["tracker", "annabella", "benedikta"].map((name) => new WireCapture(world.folder, name));
    const [ofTracker, ofAnn, ofBen] = captures;
    const tracker = await world.startTracker(1, { within: ofTracker?.within ?? [] });
    const ann = world.startClient("annabella", { within: ofAnn?.within ?? [] });
    const ben = world.startClient("benedikta", { within: ofBen?.within ?? [] });
    const folder = world.dir("annabella", "files");
    const names = ["randomfile.bin", "plaintext.txt"] as const;
    writeRandomFile(join(folder, names[0]), FILE_BYTES, 11);
    writeFileSync(join(folder, names[1]), TEXT);
    for (const client of [ann, ben])
      await client.all([
        `create_user ${client.name} pass-${client.name}`,
        `login ${client.name} pass-${client.name}`,
      ]);
    await ann.ok("create_group secretlab");
    await ben.ok("join_group secretlab");
    await ann.ok("accept_request secretlab benedikta");
    for (const name of names) {
      await ann.ok(`upload_file ${join(folder, name)} secretlab`);
      const copy = join(world.dir("benedikta", "files"), name);
      await ben.ok("list_files secretlab");
      await ben.ok(`download_file secretlab ${name} ${copy}`);
      await ben.downloaded(copy);
      expect(await sha1Of(copy)).toBe(await sha1Of(join(folder, name)));
    }
    await ben.ok("change_password pass-benedikta another-benedikta");
    for (const program of [ann, ben, tracker]) {
      program.write("quit\n");
      await program.exited();
    }

    const sockets = captures.map((capture) => [...capture.sockets().values()]);
    for (const ofOne of sockets) {
      expect(ofOne.some((bytes) => bytes.includes(HANDSHAKE_RECORD))).toBe(true);
      expect(ofOne.some((bytes) => bytes.includes(DATA_RECORD))).toBe(true);
    }
    for (const ofClient of sockets.slice(1)) {
      const bytes = ofClient.reduce((sum, each) => sum + each.length, 0);
      expect(bytes).toBeGreaterThan(FILE_BYTES + TEXT.length);
    }
    const all = Buffer.concat(sockets.flat());
    const words = [
      "annabella",
      "benedikta",
      "secretlab",
      "randomfile",
      "plaintext",
      "create_user",
      "p2p peer",
    ];
    expect(words.filter((word) => all.includes(word))).toEqual([]);
    for (const name of names) {
      const content = readFileSync(join(folder, name));
      expect(holdsPartOf(content, all)).toBe(false);
      // The same search finds 32 bytes of it, wherever they begin.
      const planted = Buffer.concat([
        all.subarray(0, 1_001),
        content.subarray(77_777, 77_809),
        all.subarray(0, 99),
      ]);
      expect(holdsPartOf(content, planted)).toBe(true);
    }
  },
);
