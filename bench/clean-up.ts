/**
 * What has to be undone when this process ends, also by Ctrl-C or a failure: processes, folders, namespaces.
 *
 * Owns the order: the last thing made is the first undone. Only synchronous acts; the usual way is to dispose of each thing in its place.
 */
const acts = new Set<() => void>();

/** @returns takes it back, for what has been undone in its place */
export function atExit(act: () => void): () => void {
  acts.add(act);
  return () => void acts.delete(act);
}

/** Once, at the start of a program. */
export function cleanUpOnSignals(): void {
  process.on("exit", () => {
    for (const act of [...acts].reverse()) act();
  });
  // By default a signal ends the process without the event above.
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)
    process.on(signal, () => process.exit(code));
}
