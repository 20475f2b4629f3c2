/**
 * One webtorrent client, told what to do by its one argument and one line on standard input, run by Node.
 *
 * Prints `ready <pid>` when it seeds, or waits for the order `begin`; then `done` when every piece is verified and written.
 * TCP only, no limits, no finding of peers but by the addresses given. Ends with standard input.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const request = JSON.parse(process.argv[2]);
const { default: WebTorrent } = await import(pathToFileURL(request.module).href);

const fail = (error) => {
  console.error(String(error?.message ?? error));
  process.exit(1);
};

const client = new WebTorrent({
  torrentPort: request.port,
  maxConns: 500,
  dht: false,
  lsd: false,
  utp: false,
  tracker: false,
  natUpnp: false,
  natPmp: false,
});
client.on("error", fail);

function add(options, done) {
  const torrent = client.add(readFileSync(request.torrent), {
    path: request.folder,
    announce: [],
    ...options,
  });
  torrent.on("error", fail);
  torrent.on("done", done);
  torrent.on("ready", () => {
    for (const [host, port] of request.peers) torrent.addPeer(`${host}:${port}`);
  });
}

const ready = () => console.log(`ready ${process.pid}`);
if (request.role === "seed") add({ skipVerify: true }, ready);
else ready();

for await (const line of createInterface({ input: process.stdin }))
  if (line === "begin") add({}, () => console.log("done"));
process.exit(0);
