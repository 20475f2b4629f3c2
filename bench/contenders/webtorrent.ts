/**
 * webtorrent under Node, both ends over TCP. The bench installs it itself, outside of what the repository tracks.
 *
 * Its WebRTC needs a binary that is fetched from elsewhere in an install script; only browsers are reached that way, so
 * an empty package stands in its place.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Contender, firstLineOf, type Layout, type Original } from "./contender.ts";
import { TorrentSwarm } from "./torrent-swarm.ts";

/** The newest one that runs under Node 20. */
const VERSION = "2.8.5";
const FOLDER = join(import.meta.dir, "..", "..", "node_modules", ".cache", `p2p-bench-webtorrent-${VERSION}`);
const MODULE = join(FOLDER, "node_modules", "webtorrent", "index.js");
/** Its dependencies as they were then: later ones within its ranges do not work with it any more. */
const BEFORE = "2026-01-05";
const INSTALL = [
  "npm",
  "install",
  "--prefix",
  FOLDER,
  "--no-audit",
  "--no-fund",
  "--ignore-scripts",
  `--before=${BEFORE}`,
];
const INSTALL_MS_MAX = 180_000;

const WRAPPER = {
  private: true,
  dependencies: { webtorrent: VERSION },
  overrides: { "webrtc-polyfill": "file:./no-webrtc" },
};
const NO_WEBRTC = { name: "webrtc-polyfill", version: "1.2.2", type: "module", exports: "./index.js" };
const NO_WEBRTC_NAMES = "RTCPeerConnection, RTCSessionDescription, RTCIceCandidate";

export class Webtorrent implements Contender {
  readonly name = "webtorrent";
  readonly inside = "verification (SHA-1)";
  readonly isSwarm = true;

  async missing(): Promise<string | undefined> {
    for (const program of ["node", "npm"])
      if (Bun.which(program) === null) return `${program} not installed: https://nodejs.org`;
    if (!existsSync(MODULE)) await install();
    return existsSync(MODULE) ? undefined : `it could not be installed: ${INSTALL.join(" ")}`;
  }

  async version(): Promise<string> {
    return `${VERSION} on Node ${firstLineOf(["node", "--version"])}`;
  }

  open(folder: string, layout: Layout, original: Original): Promise<TorrentSwarm> {
    const program = {
      name: this.name,
      runner: ["node"],
      script: "webtorrent.mjs",
      more: { module: MODULE },
    };
    return TorrentSwarm.open(program, folder, layout, original);
  }
}

async function install(): Promise<void> {
  mkdirSync(join(FOLDER, "no-webrtc"), { recursive: true });
  writeFileSync(join(FOLDER, "package.json"), JSON.stringify(WRAPPER));
  writeFileSync(join(FOLDER, "no-webrtc", "package.json"), JSON.stringify(NO_WEBRTC));
  writeFileSync(
    join(FOLDER, "no-webrtc", "index.js"),
    `let ${NO_WEBRTC_NAMES};\nexport { ${NO_WEBRTC_NAMES} };\nexport default {};\n`,
  );
  console.log(`installing webtorrent ${VERSION} from npm, once ...`);
  const npm = Bun.spawn(INSTALL, {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: INSTALL_MS_MAX,
    cwd: FOLDER,
  });
  await npm.exited;
}
