/** What a process that still runs has cost so far, as the kernel counts it; Linux only. */
import { readFileSync } from "node:fs";

interface Process {
  readonly pid: number;
}

export function peakResidentBytes(process: Process): number {
  return memoryBytes(process, "VmHWM");
}

/** At this moment. */
export function residentBytes(process: Process): number {
  return memoryBytes(process, "VmRSS");
}

function memoryBytes({ pid }: Process, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** Time on all cores; the kernel counts in hundredths here, whatever its own tick. */
export function processorSeconds({ pid }: Process): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
