/** A network address as people write it: `host:port`, `[IPv6]:port`. */
import { Failure } from "./failure.ts";
import { forTerminal } from "./text.ts";

export interface Address {
  /** A host name, an IPv4 or an IPv6 address, without brackets. */
  readonly host: string;
  /** 1 to 65535; 0 means "any free port" where one listens. */
  readonly port: number;
}

/** Of what was refused, so much is repeated. */
const SHOWN_CHARS_MAX = 80;
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?$/;
const IPV6_CHARS = /^[0-9A-Fa-f:.]+$/;
const IPV4_LIKE = /^[\d.]+$/;

export function isIpv4(host: string): boolean {
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

export function isIpv6(host: string): boolean {
  const bare = host.replace(/%[\w.-]+$/, "");
  // The characters first: with others of its own the text could make an address of a web page that means something else.
  return (
    IPV6_CHARS.test(bare) && bare.includes(":") && !/[^:]:$/.test(bare) && URL.canParse(`http://[${bare}]/`)
  );
}

export function isHost(host: string): boolean {
  if (host.includes(":")) return isIpv6(host);
  return IPV4_LIKE.test(host) ? isIpv4(host) : HOST_NAME.test(host);
}

/** @returns undefined unless the text is a whole number from `least` to 65535 */
export function parsePort(text: string, least = 1): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= least && port <= 65_535 ? port : undefined;
}

/** @param portLeast 0 where a listening address is meant */
export function parseAddress(text: string, portLeast = 1): Address | Failure {
  const shown = forTerminal(text.slice(0, SHOWN_CHARS_MAX));
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text);
  if (!found)
    return new Failure("usage", `not an address: ${shown}; write ip:port, for example 127.0.0.1:5000`);
  const host = found[1] ?? found[2] ?? "";
  const port = parsePort(found[3] ?? "", portLeast);
  if (!isHost(host))
    return new Failure(
      "usage",
      `not a host name or IP address: ${forTerminal(host.slice(0, SHOWN_CHARS_MAX)) || "(empty)"} in ${shown}`,
    );
  if (port === undefined)
    return new Failure(
      "usage",
      `not a port from ${portLeast} to 65535: ${found[3]?.slice(0, SHOWN_CHARS_MAX)} in ${shown}`,
    );
  return { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function sameAddress(left: Address, right: Address): boolean {
  return left.port === right.port && left.host.toLowerCase() === right.host.toLowerCase();
}

/** Whoever has one IPv6 address usually has its whole /64; an IPv4 address in IPv6 clothes is the IPv4 address. */
export function addressKey(host: string): string {
  const bare = host.toLowerCase().replace(/%.*$/, "");
  if (bare.startsWith("::ffff:") && bare.includes(".")) return bare.slice(7);
  if (!isIpv6(bare)) return bare;
  const [head = "", tail = ""] = bare.split("::");
  const words = (part: string) => (part === "" ? [] : part.split(":"));
  const gap = Math.max(0, 8 - words(head).length - words(tail).length);
  const all = [...words(head), ...new Array<string>(bare.includes("::") ? gap : 0).fill("0"), ...words(tail)];
  return all
    .slice(0, 4)
    .map((word) => word.replace(/^0+(?=.)/, ""))
    .join(":");
}
