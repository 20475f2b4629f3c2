/**
 * One aria2, started and waiting; its download begins with the order `begin` and ends with its own notice that all is there.
 *
 * No limits, no encryption, peers from the HTTP tracker alone. Ends with standard input, and aria2 with it.
 */
import { readFileSync } from "node:fs";
import { fail, obey, type PeerRequest, readRequest } from "./request.ts";

const TRY_AGAIN_MS = 10;
/** A client that has nothing to do ends by itself unless it takes orders. */
const COMMON = [
  "--no-conf=true",
  "--quiet=true",
  "--enable-rpc=true",
  "--enable-dht=false",
  "--enable-dht6=false",
  "--disable-ipv6=true",
  "--bt-enable-lpd=false",
  "--enable-peer-exchange=false",
  "--bt-max-peers=0",
  "--bt-request-peer-speed-limit=0",
  "--max-overall-upload-limit=0",
  "--max-overall-download-limit=0",
  "--seed-ratio=0.0",
  "--file-allocation=none",
  "--disk-cache=64M",
];

function argumentsOf({ host, port, controlPort, folder }: PeerRequest): string[] {
  return [
    ...COMMON,
    `--rpc-listen-port=${controlPort}`,
    `--listen-port=${port}`,
    `--interface=${host}`,
    `--dir=${folder}`,
    `--stop-with-process=${process.pid}`,
  ];
}

async function connect(url: string, child: Bun.Subprocess): Promise<WebSocket> {
  for (;;) {
    const socket = new WebSocket(url);
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.onopen = () => resolve(true);
      socket.onerror = () => resolve(false);
      socket.onclose = () => resolve(false);
    });
    if (isOpen) return socket;
    if (child.exitCode !== null) throw new Error(`aria2c ended with code ${child.exitCode}`);
    await Bun.sleep(TRY_AGAIN_MS);
  }
}

/** Resolves when it says that all pieces are there and right. */
function add(socket: WebSocket, torrent: string, options: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      const { method, error } = JSON.parse(String(data));
      if (method === "aria2.onBtDownloadComplete") resolve();
      if (method === "aria2.onDownloadError" || error !== undefined) reject(new Error(String(data)));
    };
    const params = [readFileSync(torrent).toString("base64"), [], options];
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: "add", method: "aria2.addTorrent", params }));
  });
}

async function main(): Promise<void> {
  const request = readRequest();
  const child = Bun.spawn(["aria2c", ...argumentsOf(request)], { stdio: ["ignore", "ignore", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  const socket = await connect(`ws://127.0.0.1:${request.controlPort}/jsonrpc`, child);
  if (request.role === "seed") await add(socket, request.torrent, { "check-integrity": "true" });
  console.log(`ready ${child.pid}`);
  await obey(() => add(socket, request.torrent, {}));
  process.exit(0);
}

await main().catch(fail);
