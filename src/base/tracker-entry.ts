import type { Address } from "./address.ts";
import type { Fingerprint } from "./ids.ts";

/** One tracker, as `tracker_info.txt` names it. */
export interface TrackerEntry {
  /** A label from 1 on, unique in its file. */
  readonly no: number;
  readonly address: Address;
  /** The key that must be there; undefined: whichever is met first. */
  readonly pin: Fingerprint | undefined;
}
