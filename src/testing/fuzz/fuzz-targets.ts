/** The table of all fuzz targets: every decoder of the program. `fuzz-targets.test.ts` holds it to be complete. */
import type { FuzzTarget } from "./fuzz-target.ts";
import { baseFuzzTargets } from "./targets/base-values.ts";
import { clientFileFuzzTargets } from "./targets/client-files.ts";
import { commandLineFuzzTargets } from "./targets/command-lines.ts";
import { entryFuzzTargets } from "./targets/entries.ts";
import { frameFuzzTargets } from "./targets/frames.ts";
import { journalFuzzTargets } from "./targets/journals.ts";
import { methodFuzzTargets } from "./targets/methods.ts";
import { peerMessageFuzzTargets } from "./targets/peer-messages.ts";
import { safePathFuzzTargets } from "./targets/safe-paths.ts";
import { signedFuzzTargets } from "./targets/signed-statements.ts";
import { trackerInfoFuzzTargets } from "./targets/tracker-infos.ts";
import { trackerStoreFuzzTargets } from "./targets/tracker-store.ts";

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...frameFuzzTargets,
  ...methodFuzzTargets,
  ...peerMessageFuzzTargets,
  ...entryFuzzTargets,
  ...signedFuzzTargets,
  ...baseFuzzTargets,
  ...safePathFuzzTargets,
  ...journalFuzzTargets,
  ...trackerInfoFuzzTargets,
  ...commandLineFuzzTargets,
  ...clientFileFuzzTargets,
  ...trackerStoreFuzzTargets,
];
