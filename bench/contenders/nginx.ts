/**
 * The plain way: `curl` from nginx, to disk or piped through `sha1sum`; no encryption, no second hash, and to disk no hash at all.
 *
 * nginx runs with its own configuration, folders and port, as whoever starts it. The start of `curl` is inside the time.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { freePorts } from "../../e2e/harness/free-ports.ts";
import { PeerProcess } from "../peer-process.ts";
import {
  type Contender,
  type Downloader,
  firstLineOf,
  type Layout,
  missingPrograms,
  type Original,
  type Seat,
  type Swarm,
} from "./contender.ts";

const TRY_AGAIN_MS = 10;

function configuration(folder: string, root: string, host: string, port: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  return `
    daemon off;
    ${process.getuid?.() === 0 ? "user root;" : ""}
    worker_processes 1;
    pid ${join(folder, "nginx.pid")};
    error_log stderr crit;
    events { worker_connections 64; }
    http {
      access_log off;
      sendfile on;
      ${temporary.join(" ")}
      server { listen ${host}:${port}; root ${root}; }
    }`;
}

type Target = "to disk" | "to sha1sum";

export class CurlFromNginx implements Contender {
  readonly name: string;
  readonly inside: string;
  readonly isSwarm = false;
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
    this.name = `curl ${target}`;
    this.inside =
      target === "to disk" ? "start of curl" : "SHA-1 of the whole, nothing on disk, start of curl";
  }

  async missing(): Promise<string | undefined> {
    return missingPrograms(["nginx", "curl", "sha1sum"]);
  }

  async version(): Promise<string> {
    const curl = firstLineOf(["curl", "--version"]).split(" ")[1];
    return `${curl} from ${firstLineOf(["nginx", "-v"]).replace("nginx version: ", "")}`;
  }

  async open(folder: string, layout: Layout, original: Original): Promise<Swarm> {
    const [seeder, downloader] = [layout.seeders[0], layout.downloaders[0]];
    if (seeder === undefined || downloader === undefined) throw new Error("nobody to serve, or to fetch");
    const [port = 0] = freePorts(1);
    const file = join(folder, "nginx.conf");
    writeFileSync(file, configuration(folder, dirname(original.path), seeder.host, port));
    const command = [...seeder.within, "nginx", "-p", folder, "-c", file, "-e", "stderr"];
    const nginx = new PeerProcess("nginx", command);
    const url = `http://${seeder.host}:${port}/${basename(original.path)}`;
    while (!answers(downloader, url)) {
      if (nginx.hasEnded) throw new Error("nginx does not start");
      await Bun.sleep(TRY_AGAIN_MS);
    }
    return {
      seederPids: [],
      downloaders: [this.#downloader(folder, downloader, url, original)],
      [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
    };
  }

  #downloader(folder: string, { within }: Seat, url: string, { path, sha1 }: Original): Downloader {
    const destination = join(folder, "fetched", basename(path));
    mkdirSync(dirname(destination), { recursive: true });
    const command =
      this.#target === "to disk"
        ? ["curl", "-sf", "-o", destination, url]
        : ["sh", "-c", `curl -sf "$1" | sha1sum`, "sh", url];
    return {
      destination: this.#target === "to disk" ? destination : undefined,
      pid: () => undefined,
      fetch: async () => {
        const child = Bun.spawn([...within, ...command], { stdio: ["ignore", "pipe", "inherit"] });
        const said = await new Response(child.stdout).text();
        if ((await child.exited) !== 0) throw new Error(`curl ended with code ${child.exitCode}`);
        if (this.#target === "to sha1sum" && !said.startsWith(sha1))
          throw new Error(`curl fetched something else: ${said}`);
      },
    };
  }
}

function answers({ within }: Seat, url: string): boolean {
  return Bun.spawnSync([...within, "curl", "-sfI", url]).success;
}
