/** What `npm run release:check` found of each binary, as lines; and whether all that could be checked is right. Pure. */
import { formatBytes } from "../../src/base/text.ts";

export interface CheckedBinary {
  readonly name: string;
  /** Undefined if it was not built. */
  readonly bytes: number | undefined;
  /** Problems with its form: signature, resources. */
  readonly wrong: readonly string[];
  /** As long as the bare runtime, so many times. */
  readonly startRatio?: number;
  readonly journey: { readonly passed: string } | { readonly failed: string } | { readonly notRun: string };
}

export function isRight({ bytes, wrong, journey }: CheckedBinary): boolean {
  return bytes !== undefined && wrong.length === 0 && !("failed" in journey);
}

function journeyText({ bytes, journey }: CheckedBinary): string {
  if (bytes === undefined) return "not built";
  if ("passed" in journey) return `passed ${journey.passed}`;
  return "failed" in journey ? `FAILED: ${journey.failed.split("\n")[0]}` : `not run: ${journey.notRun}`;
}

export function checkTable(binaries: readonly CheckedBinary[]): readonly string[] {
  const rows = binaries.map((binary) => [
    binary.name,
    binary.bytes === undefined ? "-" : formatBytes(binary.bytes),
    binary.startRatio === undefined ? "-" : binary.startRatio.toFixed(2),
    [journeyText(binary), ...binary.wrong].join("; "),
  ]);
  const all = [["binary", "size", "start", "journey"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map(([name = "", size = "", start = "", journey = ""]) =>
    [
      name.padEnd(widths[0] ?? 0),
      size.padStart(widths[1] ?? 0),
      start.padStart(widths[2] ?? 0),
      journey,
    ].join("  "),
  );
}
