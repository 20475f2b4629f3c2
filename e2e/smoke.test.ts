/** The journey that the binaries of a release are held against (`npm run release:check`), on the one for this machine. */
import { expect, test } from "bun:test";
import packageFile from "../package.json";
import { BINARY } from "./harness/binary.ts";
import { smokeJourney } from "./harness/smoke-journey.ts";
import { World } from "./harness/world.ts";

test("the program built for this machine does the main job", async () => {
  await using world = new World(1, { command: [BINARY] });
  await smokeJourney(world, { version: packageFile.version });
});

test("a program that does not start, or is another version, fails the journey", async () => {
  await using silent = new World(1, { command: ["false"] });
  await expect(smokeJourney(silent, { version: packageFile.version })).rejects.toThrow(
    "version ended with 1",
  );
  await using other = new World(1);
  await expect(smokeJourney(other, { version: "9.9.9" })).rejects.toThrow('in place of "9.9.9"');
});
