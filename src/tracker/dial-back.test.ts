import { describe, expect, test } from "bun:test";
import type { Address } from "../base/address.ts";
import { DIAL_BACK_MS, DIAL_BACKS_AT_ONCE_MAX, DIAL_BACKS_PER_ADDRESS_AT_ONCE_MAX } from "../base/limits.ts";
import { failureOf } from "../testing/failure-of.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { SimNetwork } from "../testing/sim-network.ts";
import { deviceOf } from "../testing/test-tracker.ts";
import type { ClientLink } from "./client-link.ts";
import { DialBack } from "./dial-back.ts";

const ann = deviceOf("ann");
const HOST = "192.0.2.1";

/** A tracker's dialling back, and all the addresses that it dials. */
function start() {
  const clock = new ManualClock();
  const network = new SimNetwork();
  const transport = network.transport(deviceOf("tracker"));
  const dialled: string[] = [];
  const dial = (address: Address, expected: Parameters<typeof transport.dial>[1]) => {
    dialled.push(`${address.host}:${address.port}`);
    return transport.dial(address, expected);
  };
  const back = new DialBack({ dial }, clock);
  const link = (host = HOST) => ({ remote: { host, port: 50_000 }, fingerprint: ann }) as ClientLink;
  const listen = (machine: string, port: number, host = HOST) =>
    network.transport(deviceOf(machine)).listen({ host, port }, (connection) => {
      connection.attach({ data() {}, drained() {}, closed() {} });
    });
  /** How it ends, and after how long by the clock. */
  const reaches = (port: number, host?: string) => clock.during(back.reaches(link(host), port), 60_000, 100);
  return { clock, network, back, link, listen, reaches, dialled };
}

describe("who asks to be dialled back", () => {
  test("is reached if its own key is there, is sent nothing, and the connection ends", async () => {
    const { listen, reaches, dialled, network } = start();
    await listen("ann", 6000);
    expect(await reaches(6000)).toEqual({ outcome: true, tookMs: 0 });
    expect(dialled).toEqual([`${HOST}:6000`]);
    await settle();
    expect(network.connections(ann)).toEqual([]);
  });

  test("cannot tell what else is there: a free port, another machine or a firewall, nor by the time that it takes", async () => {
    const { listen, reaches, network } = start();
    await listen("somebody else", 22);
    const nobody = await reaches(23);
    expect(nobody).toEqual({ outcome: false, tookMs: DIAL_BACK_MS });
    expect(await reaches(22)).toEqual(nobody);
    expect(network.connections(deviceOf("somebody else"))).toEqual([]);
  });

  test("cannot have another address dialled than its own", async () => {
    const { reaches, listen, dialled } = start();
    await listen("ann", 6000, "198.51.100.7");
    expect(await reaches(6000)).toMatchObject({ outcome: false });
    expect(dialled).toEqual([`${HOST}:6000`]);
  });

  test("is dialled a few times at once and then seldom, and others are dialled as before", async () => {
    const { listen, reaches, dialled } = start();
    await listen("ann", 6000);
    await listen("ann", 6000, "198.51.100.7");
    for (let times = 0; times < DIAL_BACKS_PER_ADDRESS_AT_ONCE_MAX; times++)
      expect(await reaches(6000)).toMatchObject({ outcome: true });
    expect(await reaches(6000)).toMatchObject({ outcome: { code: "try-later" } });
    expect(dialled).toHaveLength(DIAL_BACKS_PER_ADDRESS_AT_ONCE_MAX);
    expect(await reaches(6000, "198.51.100.7")).toMatchObject({ outcome: true });
  });

  test("shares with all others a bound on what runs at once", async () => {
    const { clock, link } = start();
    const never = new DialBack({ dial: () => new Promise(() => {}) }, clock);
    const hosts = Array.from({ length: DIAL_BACKS_AT_ONCE_MAX }, (_, index) => `192.0.2.${index}`);
    const all = hosts.map((host) => never.reaches(link(host), 6000));
    expect(await failureOf(never.reaches(link("198.51.100.1"), 6000))).toMatchObject({ code: "try-later" });
    clock.advance(DIAL_BACK_MS);
    expect(new Set(await Promise.all(all))).toEqual(new Set([false]));
  });
});
