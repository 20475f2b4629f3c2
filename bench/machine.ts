/** What a figure was taken on: the program, the runtime, the system, the processor, and how busy it was. */
import { cpus, loadavg, release, totalmem } from "node:os";
import { version } from "../package.json";
import { formatBytes } from "../src/base/text.ts";

export function machine(): string {
  const [first, ...more] = cpus();
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(" ");
  return `p2p ${version}, Bun ${Bun.version}, ${process.platform} ${release()} ${process.arch}, ${more.length + 1} x ${first?.model ?? "?"}, ${formatBytes(totalmem())}; load ${load}`;
}
