/** A tracker for one torrent, on the address given: prints `ready`. Ends with standard input. */
import { AnnouncedPeers } from "../announce.ts";
import { bencode } from "../torrent.ts";

const request: { readonly host: string; readonly port: number } = JSON.parse(process.argv[2] ?? "{}");
const peers = new AnnouncedPeers();
Bun.serve({
  hostname: request.host,
  port: request.port,
  fetch(announced, serving) {
    const host = serving.requestIP(announced)?.address.replace(/^::ffff:/, "") ?? request.host;
    const { pathname, searchParams } = new URL(announced.url);
    // A scrape asks for numbers that nobody here needs.
    const answer = pathname === "/announce" ? peers.announce(host, searchParams) : bencode({ files: {} });
    return new Response(answer);
  },
});
console.log("ready");
for await (const _ of Bun.stdin.stream());
process.exit(0);
