import { expect, test } from "bun:test";
import { helpOnScreen } from "./help-on-screen.ts";

const GREY = "\u001b[90m";
const CYAN = "\u001b[36m";
const AS_BEFORE = "\u001b[39m";
const HEADING = "\u001b[4m\u001b[1mOPTIONS\u001b[22m\u001b[24m";
const help = [
  `${GREY}Share and download files in groups of people${AS_BEFORE}`,
  HEADING,
  `  ${CYAN}--stay${AS_BEFORE}    go on sharing after the end of the commands   `,
  "  p2p client 127.0.0.1:6000 tracker_info.txt --stay < commands.txt",
].join("\n");

test("what a name means is broken between words beside it, an example so that it can be copied", () => {
  expect(helpOnScreen(help, 42).split("\n")).toEqual([
    "Share and download files in groups of",
    "people",
    HEADING,
    "  --stay    go on sharing after the end of",
    "            the commands",
    "  p2p client 127.0.0.1:6000 \\",
    "      tracker_info.txt --stay < \\",
    "      commands.txt",
  ]);
});

test("what stands between quotes in an example is not parted", () => {
  const example = "  p2p client 10.0.0.1:1 t.txt -c 'login bob builder; list_groups'";
  expect(helpOnScreen(example, 34).split("\n")).toEqual([
    "  p2p client 10.0.0.1:1 t.txt -c \\",
    "      'login bob builder; list_groups'",
  ]);
  expect(helpOnScreen(example, 80)).toBe(example);
});

test("on a narrow screen it stands below the name", () => {
  expect(helpOnScreen(help, 30).split("\n").slice(3, 6)).toEqual([
    "  --stay",
    "      go on sharing after the",
    "      end of the commands",
  ]);
});

test("without a width only the colours go", () => {
  expect(helpOnScreen(help, undefined)).toBe(
    help.replaceAll(GREY, "").replaceAll(CYAN, "").replaceAll(AS_BEFORE, ""),
  );
});
