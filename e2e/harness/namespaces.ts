/**
 * Two machines in one: network namespaces with a cable between them that can be cut. Their traffic reaches nothing else.
 *
 * Linux and root only. The names are this run's alone, and the namespaces, with the cable in them, are removed in any case.
 */
import { randomBytes } from "node:crypto";

/** Inside the namespaces only: any two addresses will do. */
export const HOSTS = ["10.77.0.1", "10.77.0.2"] as const;

/** Why there are none on this machine; undefined if there are. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const program of ["ip", "setsid"])
    if (Bun.which(program) === null) return `there is no program ${program}`;
  const name = newNamespaceName();
  const made = Bun.spawnSync(["ip", "netns", "add", name]);
  removeNamespace(name);
  return made.success ? undefined : `ip netns add: ${made.stderr.toString().trim()}`;
}

/** One of the machines. */
export type Side = 0 | 1;

export class Namespaces {
  readonly #names: readonly [string, string];

  constructor() {
    const name = newNamespaceName();
    this.#names = [`${name}a`, `${name}b`];
    removeNamespacesAfterThisProcess(this.#names);
    for (const each of this.#names) {
      ipCommand("netns", "add", each);
      ipCommand("-n", each, "link", "set", "lo", "up");
    }
    const [left, right] = this.#names;
    ipCommand("link", "add", left, "netns", left, "type", "veth", "peer", "name", right, "netns", right);
    for (const [side, each] of this.#names.entries())
      ipCommand("-n", each, "addr", "add", `${HOSTS[side]}/24`, "dev", each);
    this.join();
  }

  /** The command that starts a program there. */
  within(side: Side): readonly string[] {
    return ["ip", "netns", "exec", this.#names[side]];
  }

  cut(): void {
    for (const name of this.#names) ipCommand("-n", name, "link", "set", name, "down");
  }

  join(): void {
    for (const name of this.#names) ipCommand("-n", name, "link", "set", name, "up");
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) removeNamespace(name);
  }
}

/** With a letter behind it, it fits the 15 characters of an interface. */
export function newNamespaceName(): string {
  return `p2p-${randomBytes(4).toString("hex")}`;
}

export function ipCommand(...args: readonly string[]): void {
  const done = Bun.spawnSync(["ip", ...args]);
  if (!done.success) throw new Error(`ip ${args.join(" ")}: ${done.stderr.toString().trim()}`);
}

/** However it ends: one that is killed, or whose test runs into its deadline, removes nothing itself. */
export function removeNamespacesAfterThisProcess(names: readonly string[]): void {
  const present = names.map((name) => `[ -e /run/netns/${name} ]`).join(" || ");
  const watch = `sleep 1; while kill -0 ${process.pid} && { ${present}; }; do sleep 1; done`;
  const removal = names.map((name) => `ip netns del ${name}`).join("; ");
  // In the background of a shell that ends at once: no child of this process, which would be ended with it.
  Bun.spawnSync(["setsid", "sh", "-c", `(${watch}; ${removal}) &`], {
    stdio: ["ignore", "ignore", "ignore"],
  });
}

export function removeNamespace(name: string): void {
  Bun.spawnSync(["ip", "netns", "del", name]);
}
