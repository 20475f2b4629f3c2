import { describe, expect, test } from "bun:test";
import { addressKey, formatAddress, isHost, parseAddress } from "./address.ts";
import { Failure } from "./failure.ts";

describe("a host", () => {
  test("is a name, an IPv4 or an IPv6 address", () => {
    for (const host of ["localhost", "a-b.example.", "10.0.0.1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1"])
      expect([host, isHost(host)]).toEqual([host, true]);
  });

  test("is nothing that only the address of a web page makes an IPv6 address", () => {
    for (const host of [
      "user:x]@[::1",
      "@[::1",
      "::1]/path[",
      "::1]:80/?[",
      "::\n1",
      "::1\t",
      "::1]/\u001b[31m[",
      "::1]#[",
      "::a:",
      ":::",
    ])
      expect([host, isHost(host)]).toEqual([host, false]);
  });

  test("that was refused is shown cut short", () => {
    const failure = parseAddress(`${"x".repeat(5_000)}:1`);
    expect(failure).toBeInstanceOf(Failure);
    expect((failure as Failure).message.length).toBeLessThan(500);
  });
});

test.each([
  ["h:70000", 1, "not a port from 1 to 65535: 70000 in h:70000"],
  ["h:0", 1, "not a port from 1 to 65535: 0 in h:0"],
  ["[::1]:123456", 0, "not a port from 0 to 65535: 123456 in [::1]:123456"],
  ["h", 1, "not an address: h; write ip:port, for example 127.0.0.1:5000"],
  [":1", 1, "not a host name or IP address: (empty) in :1"],
])("what is wrong with the address %s is said", (text, portLeast, message) => {
  expect(parseAddress(text, portLeast)).toMatchObject({ code: "usage", message });
});

test("an IPv6 address is written in brackets and found again", () => {
  const address = { host: "::1", port: 5_000 };
  expect(formatAddress(address)).toBe("[::1]:5000");
  expect(parseAddress("[::1]:5000")).toEqual(address);
});

test.each([
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::9", "2001:db8:1:2"],
  ["2001:0DB8:0001:0002::", "2001:db8:1:2"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  ["::1", "0:0:0:0"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["192.0.2.1", "192.0.2.1"],
])("the address %s counts as %s", (host, key) => {
  expect(addressKey(host)).toBe(key);
});
