/** Whether tests can make symbolic links: on Windows that is a right of its own, which few users have. */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const HAS_LINKS = tried();

function tried(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "p2p-links-"));
  try {
    symlinkSync(folder, join(folder, "link"));
    return true;
  } catch {
    console.error("skipped: what links lead to, since none can be made here");
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
