import { expect, test } from "bun:test";
import { bundledPackages } from "./bundled-packages.ts";

const LOCKED = {
  "node_modules/@scope/one": { version: "1.0.0" },
  "node_modules/two": { version: "2.0.0" },
  "node_modules/two/node_modules/three": { version: "3.0.0" },
};
const bundle = (inputs: Readonly<Record<string, number>>) => ({
  outputs: {
    "main.js": {
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([path, bytesInOutput]) => [path, { bytesInOutput }]),
      ),
    },
  },
});

test("a package counts if a byte of it is in the program, by the folder that it lies in", () => {
  const found = bundledPackages(
    bundle({
      "src/main.ts": 9,
      "node_modules/@scope/one/index.js": 1,
      "../elsewhere/node_modules/two/node_modules/three/lib/a.js": 1,
      "node_modules/two/index.js": 0,
    }),
    LOCKED,
  );
  expect(found.map(({ name, version }) => `${name} ${version}`)).toEqual(["@scope/one 1.0.0", "three 3.0.0"]);
});
