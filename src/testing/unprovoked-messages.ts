/** Messages of errors that no test can provoke, each with its reason. One that is provoked after all must go. */
import type { Unprovoked } from "./seen-messages.ts";

export const UNPROVOKED: readonly Unprovoked[] = [];
