/**
 * Which of this machine's shares nobody else has online: with this user they go, until somebody comes back.
 *
 * Asked of the tracker when somebody is about to leave, who must not be held up by it: what is not known soon is not told.
 */
import type { Clock } from "../base/clock.ts";
import { type GroupName, nameKey } from "../base/ids.ts";
import { LAST_COPIES_GROUPS_MAX, LAST_COPIES_MS_MAX } from "../base/limits.ts";
import type { FileView, ShareView } from "./views.ts";

export interface LastCopiesDependencies {
  readonly listFiles: (group: GroupName) => Promise<readonly FileView[]>;
  readonly clock: Pick<Clock, "after">;
}

export async function lastCopies(
  shares: readonly ShareView[],
  { listFiles, clock }: LastCopiesDependencies,
): Promise<readonly ShareView[]> {
  const groups = [...new Set(shares.map(({ group }) => group))].slice(0, LAST_COPIES_GROUPS_MAX);
  if (groups.length === 0) return [];
  const late = Promise.withResolvers<readonly ShareView[]>();
  const cancel = clock.after(LAST_COPIES_MS_MAX, () => late.resolve([]));
  const asked = Promise.all(groups.map(async (group) => [group, await alone(listFiles(group))] as const));
  const found = asked.then((perGroup) => {
    const names = new Map<GroupName, ReadonlySet<string>>(perGroup);
    return shares.filter(({ group, name }) => names.get(group)?.has(nameKey(name)));
  });
  try {
    return await Promise.race([found, late.promise]);
  } finally {
    cancel();
  }
}

/** Names of the files of which there is one source: as this machine is one, it is that. */
async function alone(files: Promise<readonly FileView[]>): Promise<ReadonlySet<string>> {
  try {
    return new Set((await files).filter(({ sources }) => sources === 1).map(({ name }) => nameKey(name)));
  } catch {
    return new Set();
  }
}
