/** How long any one step may take: hashing or fetching the largest file on a slow disk. */
export const SLOWEST_STEP_MS = 900_000;
