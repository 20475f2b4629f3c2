/**
 * The baseline: `curl` from nginx on loopback, piped through `sha1sum`: no encryption, no second hash, nothing on disk.
 *
 * nginx runs with its own configuration, folders and port, as whoever starts it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../e2e/harness/world.ts";

/** @returns what is missing on this machine for the baseline; undefined if nothing is */
export function missingForBaseline(): string | undefined {
  if (process.platform !== "linux") return "resident memory is read from /proc, which only Linux has";
  const missing = ["nginx", "curl", "sha1sum"].filter((program) => Bun.which(program) === null);
  return missing.length === 0 ? undefined : `not installed here: ${missing.join(", ")}`;
}

function configuration(folder: string, root: string, port: number): string {
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
      server { listen 127.0.0.1:${port}; root ${root}; }
    }`;
}

export class Nginx {
  readonly #process: Bun.Subprocess;
  readonly #origin: string;

  private constructor(process: Bun.Subprocess, origin: string) {
    this.#process = process;
    this.#origin = origin;
  }

  /**
   * @param folder its own, for everything it keeps
   * @param root whose files it serves
   */
  static async start(folder: string, root: string): Promise<Nginx> {
    const [port = 0] = freePorts(1);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "nginx.conf");
    writeFileSync(file, configuration(folder, root, port));
    const child = Bun.spawn(["nginx", "-p", folder, "-c", file, "-e", "stderr"], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const nginx = new Nginx(child, `http://127.0.0.1:${port}`);
    while (!(await nginx.#answers())) {
      if (child.exitCode !== null) throw new Error(`nginx ended with code ${child.exitCode}`);
      await Bun.sleep(10);
    }
    return nginx;
  }

  /** @returns seconds */
  async fetch(name: string, sha1: string): Promise<number> {
    const startedMs = performance.now();
    const pipe = Bun.spawn(["sh", "-c", `curl -s "$1" | sha1sum`, "sh", `${this.#origin}/${name}`]);
    const said = await new Response(pipe.stdout).text();
    const seconds = (performance.now() - startedMs) / 1000;
    if (!said.startsWith(sha1)) throw new Error(`curl fetched something else: ${said}`);
    return seconds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A master with a worker: SIGTERM ends both.
    this.#process.kill("SIGTERM");
    await this.#process.exited;
  }

  async #answers(): Promise<boolean> {
    return await fetch(`${this.#origin}/`).then(
      () => true,
      () => false,
    );
  }
}
