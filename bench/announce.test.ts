import { expect, test } from "bun:test";
import { AnnouncedPeers, compactPeers } from "./announce.ts";

const announced = (peers: AnnouncedPeers, host: string, query: string) =>
  peers.announce(host, new URLSearchParams(query)).toString("latin1");

test("a peer is six bytes: its address and its port, both with the high byte first", () => {
  const packed = compactPeers([
    { host: "10.78.0.2", port: 0x1234 },
    { host: "255.0.0.1", port: 1 },
  ]);
  expect([...packed]).toEqual([10, 78, 0, 2, 0x12, 0x34, 255, 0, 0, 1, 0, 1]);
  expect(() => compactPeers([{ host: "::1", port: 1 }])).toThrow("not an IPv4 address: ::1");
});

test("who announces is told of all others, and is told of to them until it stops", () => {
  const peers = new AnnouncedPeers();
  const seeder = compactPeers([{ host: "10.0.0.1", port: 5000 }]).toString("latin1");
  expect(announced(peers, "10.0.0.1", "port=5000&event=started")).toEndWith("5:peers0:e");
  expect(announced(peers, "10.0.0.2", "port=5000")).toEndWith(`5:peers6:${seeder}e`);
  announced(peers, "10.0.0.1", "port=5000&event=stopped");
  expect(announced(peers, "10.0.0.2", "port=5000")).toEndWith("5:peers0:e");
});

test("an announce without a port is refused, and nobody is told of it", () => {
  const peers = new AnnouncedPeers();
  expect(announced(peers, "10.0.0.1", "port=0")).toStartWith("d14:failure reason");
  expect(announced(peers, "10.0.0.2", "port=5000")).toEndWith("5:peers0:e");
});
