/** What the system that the tests run on has not got, so that what needs it is skipped there. */

/** Signals that end a program in order, or halt it; on Windows every one is a kill. */
export const HAS_SIGNALS = process.platform !== "win32";
/** Rights of owner, group and others. */
export const HAS_MODES = process.platform !== "win32";
/** `/proc`, with the open files of each process. */
export const HAS_PROC = process.platform === "linux";
