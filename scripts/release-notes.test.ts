import { expect, test } from "bun:test";
import { join } from "node:path";
import { version } from "../package.json";
import { releaseNotes } from "./release-notes.ts";

const LOG = `# Changes

## [Unreleased]

## [1.10.0] - 2026-02-01

### Added

- One thing, see [there](https://example.org).

## [1.1.0] - 2026-01-01

The first.

[1.10.0]: https://example.org/1.10.0
`;

test("the notes of a version are all that is below its heading, and no more", () => {
  expect(releaseNotes(LOG, "1.10.0")).toBe("### Added\n\n- One thing, see [there](https://example.org).");
  expect(releaseNotes(LOG, "1.1.0")).toBe("The first.");
  expect(releaseNotes(LOG.replaceAll("\n", "\r\n"), "1.1.0")).toBe("The first.");
});

test("a version without notes has none", () => {
  for (const none of ["1.1", "1.1.1", "2.0.0", "Unreleased"]) expect(releaseNotes(LOG, none)).toBeUndefined();
});

test("the change log has notes, a date and a link for the version of package.json", async () => {
  const log = await Bun.file(join(import.meta.dir, "..", "CHANGELOG.md")).text();
  expect(releaseNotes(log, version)).toContain("\n");
  expect(log).toMatch(new RegExp(`^## \\[${version.replaceAll(".", "\\.")}\\] - \\d{4}-\\d\\d-\\d\\d$`, "m"));
  expect(log).toContain(`\n[${version}]: https://github.com/`);
});
