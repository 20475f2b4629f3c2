/**
 * Whoever takes part: p2p itself, another client with both ends, or a plain download.
 *
 * A swarm is opened for one run and closed after it: no run meets what another one left. What is timed is the same for
 * all: from the order to begin, given to a program that already runs, to its word that the file is whole on disk.
 */

/** A machine, or what stands for one. */
export interface Seat {
  readonly name: string;
  /** The command that starts a program there; empty for this machine itself. */
  readonly within: readonly string[];
  /** An IPv4 address of its own. */
  readonly host: string;
}

export interface Layout {
  /** Where trackers run. */
  readonly hub: Seat;
  readonly seeders: readonly Seat[];
  readonly downloaders: readonly Seat[];
}

export interface Original {
  /** The same file for all seeders and all contenders. */
  readonly path: string;
  readonly bytes: number;
  readonly sha1: string;
}

export interface Downloader {
  /** Of the process that downloads; may be known only after the order to begin. */
  pid(): number | undefined;
  /** Resolves when the file is whole on disk. */
  fetch(): Promise<void>;
  /** Where the file is then; undefined if it is kept nowhere. */
  readonly destination: string | undefined;
}

/** All of them run, know each other, and wait. */
export interface Swarm extends AsyncDisposable {
  readonly downloaders: readonly Downloader[];
  /** Processes that seed; empty if they are not counted. */
  readonly seederPids: readonly number[];
}

export interface Contender {
  readonly name: string;
  /** What it does within the time, besides fetching and writing. */
  readonly inside: string;
  /** Takes several sources and several downloaders. */
  readonly isSwarm: boolean;
  /** @returns why it cannot take part on this machine; undefined if it can. Called once, before anything else */
  missing(): Promise<string | undefined>;
  version(): Promise<string>;
  /** @param folder empty, this swarm's own, removed by the caller */
  open(folder: string, layout: Layout, original: Original): Promise<Swarm>;
}

/** All that is measured here, but webtorrent, which the bench fetches itself. */
export const INSTALL_COMMAND =
  "apt-get install -y --no-install-recommends nginx-light curl aria2 python3-libtorrent transmission-cli iproute2";

/** @returns why a contender made of these programs cannot take part */
export function missingPrograms(programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => Bun.which(program) === null);
  return missing.length === 0 ? undefined : `${missing.join(", ")} not installed: ${INSTALL_COMMAND}`;
}

/** The first line of what it prints. */
export function firstLineOf(command: readonly string[]): string {
  const { stdout, stderr } = Bun.spawnSync([...command]);
  return (stdout.toString() || stderr.toString()).trim().split("\n")[0] ?? "";
}
