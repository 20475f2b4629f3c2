/**
 * Two machines in one: network namespaces with a cable between them that can be cut. Their traffic reaches nothing else.
 *
 * Linux and root only. The names are this run's alone, and the namespaces, with the cable in them, are removed in any case.
 */
import { randomBytes } from "node:crypto";

/** Inside the namespaces only: any two addresses will do. */
export const HOSTS = ["10.77.0.1", "10.77.0.2"] as const;

const present = new Set<string>();
process.on("exit", () => {
  for (const name of present) remove(name);
});

/** Why there are none on this machine; undefined if there are. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  if (Bun.which("ip") === null) return "there is no ip program";
  const name = newName();
  const made = Bun.spawnSync(["ip", "netns", "add", name]);
  remove(name);
  return made.success ? undefined : `ip netns add: ${made.stderr.toString().trim()}`;
}

/** One of the machines. */
export type Side = 0 | 1;

export class Namespaces {
  readonly #names: readonly [string, string];

  constructor() {
    const name = newName();
    this.#names = [`${name}a`, `${name}b`];
    for (const each of this.#names) {
      ip("netns", "add", each);
      present.add(each);
      ip("-n", each, "link", "set", "lo", "up");
    }
    const [left, right] = this.#names;
    ip("link", "add", left, "netns", left, "type", "veth", "peer", "name", right, "netns", right);
    for (const [side, each] of this.#names.entries())
      ip("-n", each, "addr", "add", `${HOSTS[side]}/24`, "dev", each);
    this.join();
  }

  /** The command that starts a program there. */
  within(side: Side): readonly string[] {
    return ["ip", "netns", "exec", this.#names[side]];
  }

  cut(): void {
    for (const name of this.#names) ip("-n", name, "link", "set", name, "down");
  }

  join(): void {
    for (const name of this.#names) ip("-n", name, "link", "set", name, "up");
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) remove(name);
  }
}

/** With a letter behind it, it fits the 15 characters of an interface. */
function newName(): string {
  return `p2p-${randomBytes(4).toString("hex")}`;
}

function ip(...args: readonly string[]): void {
  const done = Bun.spawnSync(["ip", ...args]);
  if (!done.success) throw new Error(`ip ${args.join(" ")}: ${done.stderr.toString().trim()}`);
}

function remove(name: string): void {
  Bun.spawnSync(["ip", "netns", "del", name]);
  present.delete(name);
}
