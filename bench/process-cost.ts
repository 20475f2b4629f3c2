/** What a process that still runs has cost so far, as the kernel counts it; Linux only. */
import { readFileSync } from "node:fs";

/** Peak resident bytes. */
export function peakResidentBytes({ pid }: { readonly pid: number }): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** Time on all cores; the kernel counts in hundredths here, whatever its own tick. */
export function processorSeconds({ pid }: { readonly pid: number }): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
