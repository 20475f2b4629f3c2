/**
 * Which state of the sources a binary is made of, as `p2p --version` says it.
 *
 * Invariant: twelve digits of a commit, with `-dirty` behind if anything differs from it, or `unknown`; never a guess. Who
 * builds from an archive without history gives it in `P2P_COMMIT`.
 */
import { realpathSync } from "node:fs";

export const COMMIT_VARIABLE = "P2P_COMMIT";
/** Always the same number: git's own short form grows with the clone. */
const COMMIT_CHARS = 12;
const GIVEN = /^[0-9a-f]{7,40}(-dirty)?$/;

export interface SourceFacts {
  /** By whoever builds. */
  readonly given: string | undefined;
  /** The commit of the clone that the sources are in; undefined if they are in none of their own. */
  readonly head: string | undefined;
  /** Whether anything differs from that commit. */
  readonly changed: boolean;
}

export function commitName({ given, head, changed }: SourceFacts): string {
  if (given !== undefined && given !== "") {
    if (!GIVEN.test(given)) throw new Error(`${COMMIT_VARIABLE} is not a commit: ${given}`);
    const [hash = "", mark] = given.split("-");
    return mark === undefined ? hash.slice(0, COMMIT_CHARS) : `${hash.slice(0, COMMIT_CHARS)}-${mark}`;
  }
  if (head === undefined) return "unknown";
  return `${head.slice(0, COMMIT_CHARS)}${changed ? "-dirty" : ""}`;
}

function git(root: string, args: readonly string[]): string | undefined {
  try {
    const { success, stdout } = Bun.spawnSync(["git", ...args], { cwd: root, stderr: "ignore" });
    return success ? stdout.toString().trim() : undefined;
  } catch {
    return undefined;
  }
}

/** @param root of the sources; a clone around them that is somebody else's says nothing about them */
export function sourceFacts(root: string, env: Readonly<Record<string, string | undefined>>): SourceFacts {
  const top = git(root, ["rev-parse", "--show-toplevel"]);
  const isOwn = top !== undefined && realpathSync(top) === realpathSync(root);
  return {
    given: env[COMMIT_VARIABLE],
    head: isOwn ? git(root, ["rev-parse", "HEAD"]) : undefined,
    changed: isOwn && git(root, ["status", "--porcelain"]) !== "",
  };
}
