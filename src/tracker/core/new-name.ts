/** What a name for something new must keep, beyond being a name. */
import { Failure } from "../../base/failure.ts";
import { utf8Length } from "../../base/text.ts";
import { SUFFIX_BYTES } from "./name-table.ts";

/** Merging may have to put a suffix behind any name: with it the name must still be one. */
export function refuseTooLong(what: string, name: string, bytesMax: number): Failure | undefined {
  const most = bytesMax - SUFFIX_BYTES;
  if (utf8Length(name) <= most) return undefined;
  return new Failure("invalid-name", `${what} is longer than ${most} bytes: ${name}`);
}
