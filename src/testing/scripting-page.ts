/** `docs/SCRIPTING.md` as values: what it says that a line of JSON looks like, and which codes there are. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { faultsOf, type Shapes } from "./json-shape.ts";

const PAGE = join(import.meta.dir, "..", "..", "docs", "SCRIPTING.md");

export class ScriptingPage {
  readonly #text = readFileSync(PAGE, "utf8");
  readonly shapes = this.#block("shapes");
  readonly results = this.#block("results");
  readonly events = this.#block("events");
  /** Code by code, what to do. */
  readonly codes: ReadonlyMap<string, string> = new Map(
    [...this.#text.matchAll(/^\| `([a-z-]+)` \| (?:.+) \| (.+) \|$/gm)].map(([, code = "", what = ""]) => [
      code,
      what,
    ]),
  );

  /** @returns what the page does not say of that line; nothing if all is as it says */
  faultsOfLine(line: string): readonly string[] {
    const record = JSON.parse(line);
    switch (record.type) {
      case "reply":
        return [
          ...faultsOf(record, this.shapes.get("reply") ?? "", this.shapes),
          ...faultsOf(record.result, this.results.get(record.command) ?? "", this.shapes),
        ];
      case "error":
        return [
          ...faultsOf(record, this.shapes.get("error") ?? "", this.shapes),
          ...(this.codes.has(record.code) ? [] : [`the page has no code ${record.code}`]),
        ];
      case "event": {
        const { type: _, event, ...fields } = record;
        return faultsOf(fields, this.events.get(event) ?? "", this.shapes);
      }
      default:
        return faultsOf(record, this.shapes.get(record.type) ?? "", this.shapes);
    }
  }

  #block(name: string): Shapes {
    const blocks = [...this.#text.matchAll(new RegExp(`^\`\`\`${name}\\n([\\s\\S]*?)^\`\`\``, "gm"))];
    const lines = blocks.flatMap(([, body = ""]) => body.trim().split("\n"));
    return new Map(
      lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ")).trim()]),
    );
  }
}
