import { describe, expect, test } from "bun:test";
import { LINUX, MACOS, WINDOWS } from "../base/platform.ts";
import { cannotListen, causeInWords, unreachable } from "./network-failure.ts";

const error = (code: string) => Object.assign(new Error("Failed to do it"), { code });

describe("causes in plain words", () => {
  test("known codes", () => {
    expect(causeInWords(error("ECONNREFUSED"))).toContain("refused");
    expect(causeInWords(error("ENOTFOUND"))).toContain("name not found");
    expect(causeInWords(error("EHOSTUNREACH"))).toContain("no route");
    expect(causeInWords(error("ETIMEDOUT"))).toContain("timed out");
  });
  test("others keep their message and code; control characters are spelled out", () => {
    expect(causeInWords(error("EODD"))).toBe("Failed to do it (EODD)");
    expect(causeInWords(new Error("a\u001bb"))).toBe("a\\u{1b}b");
    expect(causeInWords("text")).toBe("text");
  });
});

describe("failures name the address", () => {
  const address = { host: "::1", port: 7 };
  test("dialling", () => {
    const failure = unreachable(address, "no answer");
    expect([failure.code, failure.message]).toEqual([
      "peer-unreachable",
      "cannot connect to [::1]:7: no answer",
    ]);
  });
  test.each([
    ["EHOSTUNREACH", "no route to that machine"],
    ["EHOSTDOWN", "that machine is down"],
    ["ENETUNREACH", "no route to that network"],
    ["ENETDOWN", "the network is down"],
    ["EPERM", "not permitted, perhaps by a firewall"],
    ["EMFILE", "too many open files on this machine"],
    ["ENFILE", "too many open files on this machine"],
    ["EAI_AGAIN", "name not found: the name server does not answer"],
    ["EPROTO", "it does not speak this protocol"],
  ])("dialling, when the system says %s", (code, words) => {
    const failure = unreachable(address, causeInWords(error(code)));
    expect(failure.message).toBe(`cannot connect to [::1]:7: ${words}`);
  });
  test("a taken port has its own code", () => {
    const failure = cannotListen(address, error("EADDRINUSE"));
    expect(failure.code).toBe("address-in-use");
    expect(failure.message).toContain("[::1]:7: another program listens there");
  });
  test("a port that Windows gives to nobody is taken too; elsewhere that needs rights", () => {
    const failure = cannotListen(address, error("EACCES"), WINDOWS);
    expect(failure.code).toBe("address-in-use");
    expect(failure.message).toContain("[::1]:7: another program or the system has it; choose another port");
    for (const platform of [LINUX, MACOS])
      expect(cannotListen(address, error("EACCES"), platform)).toMatchObject({
        code: "usage",
        message: "cannot listen on [::1]:7: not permitted",
      });
    for (const platform of [LINUX, MACOS, WINDOWS])
      expect(cannotListen(address, error("EADDRINUSE"), platform).code).toBe("address-in-use");
  });
  test("an address that is not here is wrong usage", () => {
    const failure = cannotListen(address, error("EADDRNOTAVAIL"));
    expect(failure.code).toBe("usage");
    expect(failure.message).toBe(
      "cannot listen on [::1]:7: that address is not one of this machine; give one of its own, or to a client 0.0.0.0, which is all of them",
    );
  });
});
