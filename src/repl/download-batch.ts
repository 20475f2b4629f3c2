/**
 * All downloads that are under way together, as one: how many of them are complete, how far all are, how fast.
 *
 * A batch lasts from the first that runs until none does; what joins meanwhile is a part of it, what is paused, fails or is
 * given up is not any more. The speed is that of the batch, not the sum of its downloads': small files are over before one
 * of theirs can be told. Pure: looked at from time to time, with the time handed in.
 */
import { BATCH_RATE_MS } from "../base/limits.ts";
import { count } from "../base/text.ts";
import type { DownloadView } from "../client/views.ts";
import type { ProgressItem } from "./render-progress.ts";

interface Mark {
  readonly atMs: number;
  readonly fetchedBytes: number;
}

export class DownloadBatch {
  /** What each of them had when it was looked at last. */
  #doneBytes = new Map<string, number>();
  #fetchedBytes = 0;
  /** The oldest is as old as the speed reaches back. */
  #marks: Mark[] = [];

  /** @param views all downloads. @param nowMs monotonic. @returns undefined if none runs */
  look(views: readonly DownloadView[], nowMs: number): ProgressItem | undefined {
    const members = views.filter((view) => view.state === "downloading" || this.#isDone(view));
    if (!members.some(({ state }) => state === "downloading")) {
      this.#end();
      return undefined;
    }
    this.#count(members);
    const complete = members.filter(({ state }) => state === "complete").length;
    return {
      name: `${complete} of ${count(members.length, "file")}`,
      doing: "downloading",
      doneBytes: members.reduce((sum, { doneBytes }) => sum + doneBytes, 0),
      total: members.reduce((sum, { size }) => sum + size, 0),
      rate: this.#rate(nowMs),
      sources: undefined,
      waits: undefined,
      isBrief: false,
    };
  }

  #isDone(view: DownloadView): boolean {
    return view.state === "complete" && this.#doneBytes.has(keyOf(view));
  }

  #end(): void {
    this.#doneBytes.clear();
    this.#marks = [];
  }

  #count(members: readonly DownloadView[]): void {
    for (const member of members) {
      const before = this.#doneBytes.get(keyOf(member)) ?? member.doneBytes;
      this.#fetchedBytes += Math.max(0, member.doneBytes - before);
    }
    this.#doneBytes = new Map(members.map((member) => [keyOf(member), member.doneBytes]));
  }

  #rate(nowMs: number): number {
    this.#marks.push({ atMs: nowMs, fetchedBytes: this.#fetchedBytes });
    while ((this.#marks[1]?.atMs ?? nowMs) <= nowMs - BATCH_RATE_MS) this.#marks.shift();
    const first = this.#marks[0];
    if (first === undefined || first.atMs === nowMs) return 0;
    return (1000 * (this.#fetchedBytes - first.fetchedBytes)) / (nowMs - first.atMs);
  }
}

/** Of a download, among all. */
export function keyOf({ group, name }: DownloadView): string {
  return `${group}/${name}`;
}
