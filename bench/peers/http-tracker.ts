/** A tracker for one torrent, on the address given: prints `ready`. Ends with standard input. */
import { AnnouncedPeers } from "../announce.ts";

const request: { readonly host: string; readonly port: number } = JSON.parse(process.argv[2] ?? "{}");
const peers = new AnnouncedPeers();
Bun.serve({
  hostname: request.host,
  port: request.port,
  fetch(announced, serving) {
    const host = serving.requestIP(announced)?.address.replace(/^::ffff:/, "") ?? request.host;
    return new Response(peers.announce(host, new URL(announced.url).searchParams));
  },
});
console.log("ready");
for await (const _ of Bun.stdin.stream());
process.exit(0);
