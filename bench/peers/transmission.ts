/**
 * One transmission-cli; what is in its folder already it verifies by itself. It has no way to be started and wait: the order `begin` starts the process, so its start is inside
 * the time. It has ended when it runs its own finishing script.
 *
 * No limits, encryption only where the other end asks for it, TCP only, peers from the HTTP tracker alone. Ends with standard input.
 */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, obey, type PeerRequest, readRequest } from "./request.ts";

const LOOK_AGAIN_MS = 5;

const SETTINGS = {
  "dht-enabled": false,
  "lpd-enabled": false,
  "pex-enabled": false,
  "utp-enabled": false,
  "port-forwarding-enabled": false,
  "speed-limit-up-enabled": false,
  "speed-limit-down-enabled": false,
  "ratio-limit-enabled": false,
  "peer-limit-global": 500,
  "peer-limit-per-torrent": 500,
  "upload-slots-per-torrent": 100,
  preallocation: 0,
  encryption: 0,
  "cache-size-mb": 64,
};

interface Started {
  readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  /** Written by its finishing script. */
  readonly finished: string;
}

function start({ home, folder, host, port, torrent }: PeerRequest): Started {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "settings.json"), JSON.stringify({ ...SETTINGS, "bind-address-ipv4": host }));
  const finished = join(home, "finished");
  const script = join(home, "finish.sh");
  writeFileSync(script, `#!/bin/sh\n: > '${finished}'\n`);
  chmodSync(script, 0o755);
  const args = ["-g", home, "-w", folder, "-p", String(port), "-f", script, "-et", "-M", "-U", "-D"];
  const child = Bun.spawn(["transmission-cli", ...args, torrent], {
    env: { ...process.env, HOME: home },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.on("exit", () => child.kill("SIGKILL"));
  return { child, finished };
}

/** Resolves when it has told that it seeds. Goes on reading: a full pipe would stop it. */
function seeds({ child }: Started): Promise<void> {
  return new Promise((resolve) => {
    void (async () => {
      const decoder = new TextDecoder();
      let said = "";
      for await (const chunk of child.stdout) {
        said = (said + decoder.decode(chunk)).slice(-1000);
        if (said.includes("Seeding")) resolve();
      }
    })();
  });
}

async function finishes({ child, finished }: Started): Promise<void> {
  while (!existsSync(finished)) {
    if (child.exitCode !== null) throw new Error(`transmission-cli ended with code ${child.exitCode}`);
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

async function main(): Promise<void> {
  const request = readRequest();
  if (request.role === "seed") {
    const started = start(request);
    await seeds(started);
    console.log(`ready ${started.child.pid}`);
  } else console.log("ready");
  await obey(async () => {
    const started = start(request);
    console.log(`pid ${started.child.pid}`);
    void seeds(started);
    await finishes(started);
  });
  process.exit(0);
}

await main().catch(fail);
