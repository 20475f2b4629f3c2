/**
 * Machines with narrow lines in one: a network namespace each, a cable from each to a switch in a namespace of its own, and
 * a token bucket on what each one sends. What a machine receives is not narrowed.
 *
 * Linux and root only. The names are this run's alone, and all of it is removed in any case.
 */
import {
  ipCommand,
  newNamespaceName,
  removeNamespace,
  removeNamespacesAfterThisProcess,
  whyNoNamespaces,
} from "../e2e/harness/namespaces.ts";
import { atExit } from "./clean-up.ts";
import type { Seat } from "./contenders/contender.ts";

const SWITCH = "switch";
const MACHINES_MAX = 99;
/** The bucket: enough for the largest packet that TCP hands down at once, and for a tick of the scheduler. */
const BURST = "128kb";
/** How long a packet may wait in the queue behind the bucket. */
const LATENCY = "100ms";

export interface Machine {
  readonly name: string;
  readonly upBitsPerSecond: number;
}

export function whyNoShapedNetwork(): string | undefined {
  const why = whyNoNamespaces();
  if (why !== undefined) return why;
  return Bun.which("tc") === null
    ? "there is no program tc: apt-get install -y --no-install-recommends iproute2"
    : undefined;
}

export class ShapedNetwork implements Disposable {
  /** In the switch itself: its line is not narrowed. */
  readonly hub: Seat;
  /** In the order given. */
  readonly seats: readonly Seat[];
  readonly #names: readonly string[];
  readonly #forget: () => void;

  constructor(machines: readonly Machine[]) {
    if (machines.length > MACHINES_MAX) throw new Error(`at most ${MACHINES_MAX} machines`);
    const name = newNamespaceName();
    const nameOf = (index: number) => `${name}-${index}`;
    this.#names = [name, ...machines.map((_, index) => nameOf(index))];
    removeNamespacesAfterThisProcess(this.#names);
    this.#forget = atExit(() => this.#remove());
    for (const each of this.#names) {
      ipCommand("netns", "add", each);
      ipCommand("-n", each, "link", "set", "lo", "up");
    }
    ipCommand("-n", name, "link", "add", SWITCH, "type", "bridge");
    ipCommand("-n", name, "addr", "add", `${hostOf(0)}/16`, "dev", SWITCH);
    ipCommand("-n", name, "link", "set", SWITCH, "up");
    this.hub = { name: "hub", within: within(name), host: hostOf(0) };
    this.seats = machines.map((machine, index) => {
      plugIn(name, nameOf(index), machine, hostOf(index + 1));
      return { name: machine.name, within: within(nameOf(index)), host: hostOf(index + 1) };
    });
  }

  [Symbol.dispose](): void {
    this.#remove();
    this.#forget();
  }

  #remove(): void {
    for (const name of this.#names) removeNamespace(name);
  }
}

/** Inside the namespaces only: any network will do. */
function hostOf(index: number): string {
  return `10.78.0.${index + 1}`;
}

function within(namespace: string): readonly string[] {
  return ["ip", "netns", "exec", namespace];
}

function plugIn(hub: string, name: string, { upBitsPerSecond }: Machine, host: string): void {
  ipCommand("link", "add", name, "netns", name, "type", "veth", "peer", "name", name, "netns", hub);
  ipCommand("-n", hub, "link", "set", name, "master", SWITCH, "up");
  ipCommand("-n", name, "addr", "add", `${host}/16`, "dev", name);
  ipCommand("-n", name, "link", "set", name, "up");
  const bucket = ["tbf", "rate", `${upBitsPerSecond}bit`, "burst", BURST, "latency", LATENCY];
  const shaped = Bun.spawnSync([...within(name), "tc", "qdisc", "add", "dev", name, "root", ...bucket]);
  if (!shaped.success) throw new Error(`tc: ${shaped.stderr.toString().trim()}`);
}
