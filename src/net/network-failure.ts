/** What the operating system says of a failed connection, in plain words. Pure. */
import { type Address, formatAddress } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import { HERE } from "../base/platform.ts";
import { forTerminal } from "../base/text.ts";

const CAUSES: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused: nothing listens there"],
  ["ECONNRESET", "the connection was cut by the other side"],
  ["EPIPE", "the connection was cut by the other side"],
  ["ECONNABORTED", "the connection was cut"],
  ["ETIMEDOUT", "timed out: no answer"],
  ["EHOSTUNREACH", "no route to that machine"],
  ["EHOSTDOWN", "that machine is down"],
  ["ENETUNREACH", "no route to that network"],
  ["ENETDOWN", "the network is down"],
  ["EADDRNOTAVAIL", "that address is not one of this machine"],
  ["EACCES", "not permitted"],
  ["EPERM", "not permitted, perhaps by a firewall"],
  ["EMFILE", "too many open files on this machine"],
  ["ENFILE", "too many open files on this machine"],
  ["ENOTFOUND", "name not found"],
  ["EAI_NONAME", "name not found"],
  ["EAI_AGAIN", "name not found: the name server does not answer"],
  ["EPROTO", "it does not speak this protocol"],
]);

export function causeInWords(error: unknown): string {
  const code = codeOf(error);
  const known = code === undefined ? undefined : CAUSES.get(code);
  if (known !== undefined) return known;
  const message = error instanceof Error ? error.message : String(error);
  return forTerminal(code === undefined ? message : `${message} (${code})`);
}

export function unreachable(address: Address, cause: string): Failure {
  return new Failure("peer-unreachable", `cannot connect to ${formatAddress(address)}: ${cause}`);
}

export function cannotListen(address: Address, error: unknown, { portTakenErrors } = HERE): Failure {
  const place = formatAddress(address);
  const code = codeOf(error) ?? "";
  if (portTakenErrors.has(code)) {
    const who =
      code === "EADDRINUSE" ? "another program listens there" : "another program or the system has it";
    return new Failure(
      "address-in-use",
      `cannot listen on ${place}: ${who}; choose another port, or 0 for any free one`,
    );
  }
  const advice =
    code === "EADDRNOTAVAIL" ? "; give one of its own, or to a client 0.0.0.0, which is all of them" : "";
  return new Failure("usage", `cannot listen on ${place}: ${causeInWords(error)}${advice}`);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
