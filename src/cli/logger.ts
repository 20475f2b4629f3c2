/**
 * The log: what happened, for whoever runs the program, on standard error. Replies to commands are no log.
 *
 * consola with everything explicit: by itself it would change level, folding and format with NODE_ENV and CI.
 */
import { type ConsolaInstance, createConsola, LogLevels, type LogObject } from "consola";
import { forTerminal } from "../base/text.ts";

export type Level = "warn" | "info" | "debug";

/** @param writeLine takes one line without its end */
export function createLogger(level: Level, writeLine: (line: string) => void): ConsolaInstance {
  return createConsola({
    level: LogLevels[level],
    throttle: 0,
    reporters: [{ log: (entry) => writeLine(formatEntry(entry)) }],
  });
}

/** `2026-01-02T03:04:05.678Z warn text`: one line, whatever the text holds. */
function formatEntry({ date, type, args }: LogObject): string {
  return forTerminal(`${date.toISOString()} ${type.padEnd(5)} ${args.map(textOf).join(" ")}`);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ?? value.message;
  return JSON.stringify(value) ?? String(value);
}
