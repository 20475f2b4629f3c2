/**
 * `docs/MESSAGES.md` against the code, both ways: every message of an error is on the page, and the page has no other.
 * `P2P_WRITE_PAGE=1 npm run unit -- src/messages-page` writes it anew.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { FAILURE_CODES } from "./base/failure.ts";
import { messagesOf, wordsOf } from "./testing/message-list.ts";
import { programMessages } from "./testing/program-messages.ts";

const ROOT = join(import.meta.dir, "..");
const PAGE = join(ROOT, "docs", "MESSAGES.md");

const HEAD = `# Messages of errors

What stands behind \`error: \`, by its code: the code is for programs, and what it means and asks of you is in
[SCRIPTING.md](SCRIPTING.md#codes). \`<what>\` is put in as the program runs. A message may stand inside another one, as the
reason for it, or behind the name or the path that it is about.
This page is made from the code, and a test holds the two together (\`src/messages-page.test.ts\`).
`;

async function messages(): Promise<Map<string, Set<string>>> {
  const byCode = Map.groupBy(await programMessages(), ({ code }) => code);
  return new Map([...byCode].map(([code, found]) => [code, new Set(found.map(({ text }) => text))]));
}

async function codeMeanings(): Promise<Map<string, string>> {
  const page = await Bun.file(join(ROOT, "docs", "SCRIPTING.md")).text();
  const rows = page.matchAll(/^\| `([a-z-]+)` \| (.*) \| (.*) \|$/gm);
  return new Map([...rows].map(([, code = "", means, advice]) => [code, `${means}: ${advice}.`]));
}

async function rendered(): Promise<string> {
  const [found, meanings] = [await messages(), await codeMeanings()];
  const sections = [...FAILURE_CODES, "various"].flatMap((code) => {
    const texts = [...(found.get(code) ?? [])].sort();
    const means = meanings.get(code) ?? "The code is that of what went wrong underneath.";
    return texts.length === 0
      ? []
      : [`\n## ${code}\n\n${means}\n\n${texts.map((text) => `- \`${text}\``).join("\n")}\n`];
  });
  return HEAD + sections.join("");
}

test("every message of an error is on the page, and the page has no other", async () => {
  const page = await rendered();
  if (process.env["P2P_WRITE_PAGE"] !== undefined) await Bun.write(PAGE, page);
  expect(await Bun.file(PAGE).text()).toBe(page);
});

test("messages are found whatever they are made of", () => {
  const source = `
    throw new Failure("usage", \`\${forTerminal(word)} is no word (\${list.map((x) => \`<\${x}>\`).join(", ")})\`);
    new Failure("timeout", isLate ? "too late" : \`after \${ms} ms\`)
    new Failure("corrupt", \`\${a} of \` +
      \`the \${b}\` + " there"); new Failure(code, message); new Failure("corrupt", why(")"))`;
  expect(messagesOf(source)).toEqual([
    { code: "usage", text: "<word> is no word (<x>)", line: 2, literals: ["", " is no word (", ")"] },
    { code: "timeout", text: "too late", line: 3, literals: ["too late"] },
    { code: "timeout", text: "after <ms> ms", line: 3, literals: ["after ", " ms"] },
    { code: "corrupt", text: "<a> of the <b> there", line: 4, literals: ["", " of the ", " there"] },
  ]);
});

test("words that are handed on are found in calls and tables, under the code of their row", () => {
  const source = `
    const TABLE = { a: "no such thing", b: "it is over" };
    const ROWS = new Map([["EX", ["disk-full", "the disk is full"]], ["EY", ["corrupt", "it is damaged"]]]);
    refuse("must be one word"); unrefuse("not this"); refuse(\`holds \${what}\`);
    return isOver ? "it is over" : undefined; return "not a port"; kind = { kind: "port" };`;
  const found = (begin: string) =>
    wordsOf(source, begin, "usage").map(({ code, text, line }) => `${line} ${code} ${text}`);
  expect(found("TABLE = {")).toEqual(["2 usage no such thing", "2 usage it is over"]);
  expect(found("ROWS = new Map(")).toEqual(["3 disk-full the disk is full", "3 corrupt it is damaged"]);
  expect(found("refuse(")).toEqual(["4 usage must be one word", "4 usage holds <what>"]);
  expect([...found("return "), ...found("? ")]).toEqual(["5 usage not a port", "5 usage it is over"]);
});
