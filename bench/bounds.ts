/** The least time in which a file can be with all who want it, whatever program brings it there. Pure. */

export interface Lines {
  /** Of everybody that has the whole file from the start, bytes a second. */
  readonly seedersUp: readonly number[];
  readonly downloadersUp: readonly number[];
  /** Infinite where a downloader's own line down is not narrowed. */
  readonly downloadersDown: readonly number[];
}

/**
 * The seeders have to send each byte once, the slowest downloader has to take all of it, and all that is sent in the end
 * goes over all lines up together.
 * @returns seconds
 */
export function leastSeconds(bytes: number, { seedersUp, downloadersUp, downloadersDown }: Lines): number {
  const seeding = sum(seedersUp);
  return Math.max(
    bytes / seeding,
    bytes / Math.min(...downloadersDown),
    (downloadersDown.length * bytes) / (seeding + sum(downloadersUp)),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
