import { expect, test } from "bun:test";
import { stat, writeFile } from "node:fs/promises";
import { ManualClock } from "../../testing/manual-clock.ts";
import { manifestOf } from "../../testing/service-clients.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import { identityOf } from "./file-identity.ts";
import { SmallFiles } from "./small-files.ts";
import type { JobReply, SmallJob } from "./worker-protocol.ts";

/** Stores one file in the folder with a worker that writes nothing into it, on a file system that it names itself. */
async function storedOn(device: "the folder's" | "another", folder: TempFolder) {
  const asked: SmallJob["kind"][] = [];
  const { device: real } = identityOf(await stat(folder.path, { bigint: true }));
  const written = { device: device === "another" ? `${real}0` : real, inode: "1", size: 0, modifiedNs: "0" };
  const files = new SmallFiles(async (job): Promise<JobReply> => {
    asked.push(job.kind);
    switch (job.kind) {
      case "look-small":
        return { kind: "looked", free: [true] };
      case "write-small":
        for (const part of job.parts) await writeFile(part, "");
        return { kind: "wrote-small", files: [written] };
      case "place-small":
        return { kind: "placed-small", outcomes: [undefined] };
      default:
        return { kind: "synced" };
    }
  }, new ManualClock());
  const manifest = manifestOf("notes", 0);
  const target = { manifest, path: folder.join("notes"), base: folder.path, journalPath: folder.join("j") };
  const stored = await files.begin([target]);
  expect(await stored.write(undefined, [target])).toBe("written");
  const placed = await stored.place(() => true);
  await stored.close();
  return { asked, isPlaced: placed.has(target) };
}

test("what came to lie on another file system than was looked at is not synced with it, and gets no name", async () => {
  await using folder = await TempFolder.make();
  const here = await storedOn("the folder's", folder);
  expect(here.isPlaced).toBe(true);
  expect(here.asked.slice(-2)).toEqual(["sync-file-systems", "place-small"]);
  const elsewhere = await storedOn("another", folder);
  expect(elsewhere.isPlaced).toBe(false);
  expect(elsewhere.asked.at(-1)).toBe("write-small");
});
