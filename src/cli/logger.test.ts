import { expect, test } from "bun:test";
import { createLogger } from "./logger.ts";

function logged(
  level: "warn" | "info" | "debug",
  write: (log: ReturnType<typeof createLogger>) => void,
): string[] {
  const lines: string[] = [];
  write(createLogger(level, (line) => lines.push(line.replace(/^\S+Z /, "<time> "))));
  return lines;
}

test("an entry is one line with time and level, whatever its text holds", () => {
  expect(logged("info", (log) => log.warn("a\nb\u001b[31m", { left: 1 }))).toEqual([
    '<time> warn  a\\u{a}b\\u{1b}[31m {"left":1}',
  ]);
});

test("entries below the level are dropped, all others are kept, also when they repeat", () => {
  const write = (log: ReturnType<typeof createLogger>) => {
    log.debug("d");
    log.info("i");
    log.info("i");
    log.warn("w");
    log.error("e");
  };
  expect(logged("warn", write)).toEqual(["<time> warn  w", "<time> error e"]);
  expect(logged("info", write)).toEqual([
    "<time> info  i",
    "<time> info  i",
    "<time> warn  w",
    "<time> error e",
  ]);
  expect(logged("debug", write)).toHaveLength(5);
});

test("an error brings its stack along, in one line", () => {
  const [line] = logged("info", (log) => log.error(new Error("broken")));
  expect(line).toContain("Error: broken");
  expect(line).toContain("logger.test.ts");
});
