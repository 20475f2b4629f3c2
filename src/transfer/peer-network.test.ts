import { describe, expect, test } from "bun:test";
import type { Address } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import type { FileId, Fingerprint, Gid } from "../base/ids.ts";
import type { Connection, Transport } from "../net/connection.ts";
import { failureOf } from "../testing/failure-of.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { SimNetwork } from "../testing/sim-network.ts";
import type { PeerLink, ServingSide } from "./peer-link.ts";
import { PeerNetwork } from "./peer-network.ts";

const ann = "1".repeat(64) as Fingerprint;
const bob = "2".repeat(64) as Fingerprint;
const eve = "3".repeat(64) as Fingerprint;
const gid = "a".repeat(32) as Gid;
const fileId = "f".repeat(64) as FileId;
const anyPort: Address = { host: "sim", port: 0 };
const nowhere: Address = { host: "sim", port: 9 };

/** Refuses every channel, and counts. */
class Refusing implements ServingSide {
  opens = 0;
  closedLinks = 0;
  open(link: PeerLink, channel: number): void {
    this.opens++;
    link.endServed(channel, new Failure("unknown-file", "nothing is served here"));
  }
  renew(): void {}
  request(): void {}
  cancel(): void {}
  arrived = () => true;
  leave(): void {}
  linkClosed(): void {
    this.closedLinks++;
  }
}

function setUp() {
  const clock = new ManualClock();
  const sim = new SimNetwork();
  /** Dials that each machine has made. */
  const dials: Fingerprint[] = [];
  const machine = (self: Fingerprint) => {
    const real = sim.transport(self);
    const transport: Transport = {
      listen: (address, accept) => real.listen(address, accept),
      dial: (address, expected) => {
        dials.push(self);
        return real.dial(address, expected);
      },
    };
    const serving = new Refusing();
    return { serving, network: new PeerNetwork({ transport, clock, serving }) };
  };
  return { clock, sim, dials, machine };
}

describe("a link to a key", () => {
  test("is dialled once, however many ask for it at once and later", async () => {
    const { sim, dials, machine } = setUp();
    const address = await machine(bob).network.listen(anyPort);
    const { network } = machine(ann);
    const links = await Promise.all([network.linkTo(bob, address), network.linkTo(bob, address)]);
    links.push(await network.linkTo(bob, address));
    expect(new Set(links).size).toBe(1);
    expect(links[0]?.peer).toBe(bob);
    expect(dials).toEqual([ann]);
    expect(sim.connections(ann, bob)).toHaveLength(1);
  });

  test("that the other side dialled serves as well, and nothing needs to be reachable the other way", async () => {
    const { dials, machine } = setUp();
    const near = machine(ann);
    const far = machine(bob);
    await far.network.linkTo(ann, await near.network.listen(anyPort));
    const link = await near.network.linkTo(bob, nowhere);
    link.openChannel({ kind: "open", gid, fileId }, "grant", {
      opened: () => {},
      have: () => {},
      given: () => {},
      dataBegins: () => undefined,
      dataGrows: () => {},
      dataEnds: () => {},
      rejected: () => {},
      closed: () => {},
    });
    await settle();
    expect(dials).toEqual([bob]);
    expect(far.serving.opens).toBe(1);
  });

  test("that has ended is dialled anew", async () => {
    const { sim, dials, machine } = setUp();
    const address = await machine(bob).network.listen(anyPort);
    const near = machine(ann);
    const first = await near.network.linkTo(bob, address);
    sim.cut(ann, bob);
    const second = await near.network.linkTo(bob, address);
    await settle();
    expect(second).not.toBe(first);
    expect(second.isOpen).toBe(true);
    expect(dials).toHaveLength(2);
    expect(near.serving.closedLinks).toBe(1);
  });

  test("is refused if another key answers there, and the failure sticks to nothing", async () => {
    const { sim, machine } = setUp();
    const wrong = await machine(eve).network.listen(anyPort);
    const right = await machine(bob).network.listen(anyPort);
    const { network } = machine(ann);
    expect((await failureOf(network.linkTo(bob, wrong))).code).toBe("peer-refused");
    expect((await failureOf(network.linkTo(bob, nowhere))).code).toBe("peer-unreachable");
    expect(sim.connections(ann)).toEqual([]);
    expect((await network.linkTo(bob, right)).peer).toBe(bob);
  });

  test("whose dial fails, fails for everybody who waits for it", async () => {
    const { dials, machine } = setUp();
    const { network } = machine(ann);
    const tries = [network.linkTo(bob, nowhere), network.linkTo(bob, nowhere)];
    for (const tried of tries) expect((await failureOf(tried)).code).toBe("peer-unreachable");
    expect(dials).toEqual([ann]);
  });

  test("may be one of two, when both sides dial at the same moment; either then carries channels", async () => {
    const { sim, machine } = setUp();
    const near = machine(ann).network;
    const far = machine(bob).network;
    const [nearAddress, farAddress] = await Promise.all([near.listen(anyPort), far.listen(anyPort)]);
    const links = await Promise.all([near.linkTo(bob, farAddress), far.linkTo(ann, nearAddress)]);
    await settle();
    for (const link of links) expect(link.isOpen).toBe(true);
    expect(sim.connections(ann, bob)).toHaveLength(2);
  });
});

describe("closing", () => {
  test("ends every link and the listening", async () => {
    const { clock, sim, machine } = setUp();
    const far = machine(bob).network;
    const address = await far.listen(anyPort);
    await machine(ann).network.linkTo(bob, address);
    await machine(eve).network.linkTo(bob, address);
    far.close();
    await settle();
    expect(sim.connections(bob)).toEqual([]);
    expect(clock.pending).toBe(0);
    expect((await failureOf(machine(ann).network.linkTo(bob, address))).code).toBe("peer-unreachable");
  });

  test("ends also what was being dialled or accepted meanwhile", async () => {
    const { clock, sim } = setUp();
    let accept: (connection: Connection) => void = () => {};
    const dial = Promise.withResolvers<Connection>();
    const transport: Transport = {
      listen: async (address, told) => {
        accept = told;
        return { address, close: () => {} };
      },
      dial: () => dial.promise,
    };
    const network = new PeerNetwork({ transport, clock, serving: new Refusing() });
    await network.listen(anyPort);
    const link = network.linkTo(bob, nowhere);
    network.close();
    dial.resolve(sim.pair(ann, bob)[0]);
    accept(sim.pair(ann, eve)[0]);
    expect((await failureOf(link)).code).toBe("peer-unreachable");
    await settle();
    expect(sim.connections(ann)).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
