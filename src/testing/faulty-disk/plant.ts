/** Preloaded into the process of a trial: the transfer's disk code gets the faulty calls and no threads. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InlineWorker } from "./inline-worker.ts";

const FAULTY = join(import.meta.dir, "faulty-fs.ts");

Bun.plugin({
  name: "faulty disk",
  setup(build) {
    // What the inline workers are made of has its own way to the gate, and is loaded already.
    build.onLoad({ filter: /[/\\]src[/\\]transfer[/\\]disk[/\\].*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll(
        /^(import (?!type).*) from "node:fs(?:\/promises)?";$/gm,
        (_, names) => `${names} from ${JSON.stringify(FAULTY)};`,
      ),
      loader: "ts",
    }));
  },
});

Object.assign(globalThis, { Worker: InlineWorker });
