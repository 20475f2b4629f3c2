/** Runs a command for a client; the one place that knows what a client hears besides the answer. */
import type { ClientLink } from "./client-link.ts";
import type { Command } from "./core/commands.ts";
import type { State } from "./core/state.ts";
import type { Desk } from "./desk.ts";

/**
 * Resolves once the command is durable here and, where they are in reach, at the other trackers.
 * @param view makes the answer from the state right after the command
 * @throws Failure
 */
export async function carryOut<T>(
  desk: Desk,
  link: ClientLink,
  command: Command,
  view: (state: State) => T,
): Promise<T> {
  const { value, copies } = await desk.commands.run(command, view);
  const notice = desk.copiesNotices.next(link, copies, desk.trackers);
  if (notice !== undefined) link.notify(notice);
  return value;
}
