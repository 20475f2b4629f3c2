/** An IPv4 address of this machine that is not 127.0.0.1: some clients take no peers there. What goes to it uses the loopback device too. */
import { networkInterfaces } from "node:os";

export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}
