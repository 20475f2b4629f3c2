/**
 * Which key each tracker showed when it was first met: trust on first use, as ssh does with `known_hosts`.
 *
 * The judgement is pure. A pin in `tracker_info.txt` overrides what is remembered; without one, the first key seen at an
 * address is the only one accepted there until its user forgets it. That a first contact without a pin can be
 * intercepted is not for this file to prevent.
 */
import { join } from "node:path";
import * as v from "valibot";
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { forTerminal } from "../base/text.ts";
import { check, fingerprint } from "../wire/schema.ts";
import { readSmallFile, replaceFile } from "./durable-file.ts";

export interface Acquaintance {
  /** From `tracker_info.txt`. */
  readonly pinned: Fingerprint | undefined;
  /** From an earlier meeting. */
  readonly remembered: Fingerprint | undefined;
}

/** @param file where it is remembered, for the message. @returns Failure "tracker-refused" if the key must not be trusted */
export function judge(
  address: Address,
  presented: Fingerprint,
  { pinned, remembered }: Acquaintance,
  file: string,
): "known" | "first-use" | Failure {
  const known = pinned ?? remembered;
  if (known === undefined) return "first-use";
  if (known === presented) return "known";
  const place = formatAddress(address);
  const [source, remedy] =
    pinned === undefined
      ? ["at the first contact", `remove the entry for ${place} in ${forTerminal(file)}`]
      : ["tracker_info.txt says", `edit the pin of ${place} in tracker_info.txt`];
  return new Failure(
    "tracker-refused",
    `the tracker at ${place} shows another key (sha256:${presented}) than ${source} (sha256:${known}): ` +
      `somebody may be in between; if the tracker was set up anew, ${remedy}`,
  );
}

const addressText = v.pipe(
  v.string(),
  v.check((text) => !(parseAddress(text) instanceof Failure), "not an address"),
);
const FILE_SHAPE = v.record(addressText, fingerprint);

export class KnownTrackers {
  readonly #path: string;
  readonly #byAddress: Map<string, Fingerprint>;
  /** Writes follow each other, so that the last one wins. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, byAddress: Map<string, Fingerprint>) {
    this.#path = path;
    this.#byAddress = byAddress;
  }

  /** @param folder exists, and is this process's alone. @throws Failure "disk-error" */
  static async open(folder: string): Promise<KnownTrackers> {
    const path = join(folder, "known-trackers.json");
    const text = await readSmallFile(path);
    if (text === undefined) return new KnownTrackers(path, new Map());
    const found = parseKnownTrackers(text);
    if (found instanceof Failure)
      throw new Failure(
        "disk-error",
        `${forTerminal(path)} is damaged (${found.message}): correct it, or delete it to trust each tracker's key anew`,
      );
    return new KnownTrackers(path, found);
  }

  /** What is known of the tracker there. */
  recall(address: Address): Fingerprint | undefined {
    return this.#byAddress.get(keyOf(address));
  }

  judge(
    address: Address,
    presented: Fingerprint,
    pinned: Fingerprint | undefined,
  ): "known" | "first-use" | Failure {
    return judge(address, presented, { pinned, remembered: this.recall(address) }, this.#path);
  }

  /** From now on only this key is accepted there. Resolves once that is on disk. @throws Failure "disk-error" */
  remember(address: Address, presented: Fingerprint): Promise<void> {
    this.#byAddress.set(keyOf(address), presented);
    const write = this.#writing.then(() => replaceFile(this.#path, formatKnownTrackers(this.#byAddress)));
    this.#writing = write.catch(() => {});
    return write;
  }
}

function keyOf({ host, port }: Address): string {
  return formatAddress({ host: host.toLowerCase(), port });
}

/** @returns "protocol" or "disk-error" for what no `formatKnownTrackers` has made */
export function parseKnownTrackers(text: string): Map<string, Fingerprint> | Failure {
  try {
    const found = check(FILE_SHAPE, JSON.parse(text));
    return found instanceof Failure ? found : new Map(Object.entries(found));
  } catch {
    return new Failure("disk-error", "not JSON");
  }
}

/** One line a tracker, so that a person can delete one. */
export function formatKnownTrackers(byAddress: ReadonlyMap<string, Fingerprint>): string {
  return `${JSON.stringify(Object.fromEntries([...byAddress].sort()), undefined, 2)}\n`;
}
