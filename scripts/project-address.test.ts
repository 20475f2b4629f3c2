import { expect, test } from "bun:test";
import { addressedFiles, readAddressed } from "./addressed-files.ts";
import { npmName, PROJECT_SLUG, readdress, slugOf } from "./project-address.ts";

/** An address of this project, as against those of others: its name is `p2p` whoever owns it. */
const ADDRESS = /github\.com\/([\w-]+\/p2p)\b/g;

test("the address is that of package.json", () => {
  expect(slugOf("git+https://github.com/ann/p2p.git")).toBe("ann/p2p");
  expect(slugOf("https://github.com/ann/p2p.js")).toBe("ann/p2p.js");
  expect(() => slugOf("https://example.org/p2p")).toThrow("no repository of GitHub");
});

test("the package is in the owner's scope, in small letters as npm wants it", () => {
  expect(npmName("Ann-B/p2p", "p2p-linux-x64")).toBe("@ann-b/p2p-linux-x64");
});

test("another owner is written wherever the first was", () => {
  const text = "npm i @ann_b/p2p, github.com/Ann_B/p2p/x, REPOSITORY=Ann_B/p2p, not @ann_bc/p2p";
  expect(readdress(text, "Ann_B/p2p", "Cem/p2p")).toBe(
    "npm i @cem/p2p, github.com/Cem/p2p/x, REPOSITORY=Cem/p2p, not @ann_bc/p2p",
  );
});

test("every file that names the project's address names the one of package.json", () => {
  const files = addressedFiles();
  expect(files).toContain("install.sh");
  expect(files).toContain("install.ps1");
  const wrong = files.flatMap((path) =>
    [...readAddressed(path).matchAll(ADDRESS)]
      .filter(([, slug]) => slug !== PROJECT_SLUG)
      .map(([address]) => `${path}: ${address}`),
  );
  expect(wrong).toEqual([]);
  expect(readAddressed("install.sh")).toContain(`\nREPOSITORY=${PROJECT_SLUG}\n`);
  expect(readAddressed("install.ps1")).toContain(`\n$P2pRepository = '${PROJECT_SLUG}'\n`);
});
