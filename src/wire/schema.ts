/** Valibot schemas of the domain's values: each ends in the very parser of `base/ids`, so a wire value is a branded one. */
import * as v from "valibot";
import { isHost } from "../base/address.ts";
import { FAILURE_CODES, Failure, type FailureCode } from "../base/failure.ts";
import {
  parseDigest,
  parseFileId,
  parseFileName,
  parseFingerprint,
  parseGid,
  parseGroupName,
  parseListingId,
  parsePassword,
  parseRequestId,
  parseSha1,
  parseUid,
  parseUserName,
} from "../base/ids.ts";
import { FILE_BYTES_MAX, TEXT_CHARS_MAX, TIME_MS_MAX } from "../base/limits.ts";

/** A string that `parse` accepts; the failure's own words are the issue. */
function parsed<T extends string>(parse: (text: string) => T | Failure) {
  return v.pipe(
    v.string(),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value);
      if (value instanceof Failure) {
        addIssue({ message: value.message });
        return NEVER;
      }
      return value;
    }),
  );
}

export const userName = parsed(parseUserName);
export const groupName = parsed(parseGroupName);
export const fileName = parsed(parseFileName);
export const password = parsed(parsePassword);
export const uid = parsed(parseUid);
export const gid = parsed(parseGid);
export const requestId = parsed(parseRequestId);
export const fileId = parsed(parseFileId);
export const listingId = parsed(parseListingId);
export const digest = parsed(parseDigest);
export const sha1 = parsed(parseSha1);
export const fingerprint = parsed(parseFingerprint);

export const host = v.pipe(v.string(), v.maxLength(253), v.check(isHost, "not a host"));
export const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
export const address = v.object({ host, port });
/** A whole number that survives JSON: sizes, counts, times in milliseconds. */
export const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const fileSize = v.pipe(whole, v.maxValue(FILE_BYTES_MAX));
/** Free text shown to people: bounded here, made safe where it is printed. */
export const shortText = parsed((text) =>
  text.length <= TEXT_CHARS_MAX
    ? text
    : new Failure(
        "invalid-input",
        `the text is longer than ${TEXT_CHARS_MAX} characters (it has ${text.length})`,
      ),
);

export const fileSummary = v.object({ fileId, size: fileSize, sha1, digest });

/** See `base/file-attributes`. Strict, with its keys in that order: it is part of entries and rows. */
export const attributes = v.strictObject({
  modifiedMs: v.pipe(whole, v.maxValue(TIME_MS_MAX)),
  executable: v.boolean(),
});

export const failureCode = v.picklist(FAILURE_CODES) satisfies v.GenericSchema<string, FailureCode>;
/** How a Failure travels. */
export const failure = v.object({ code: failureCode, message: shortText });

/** Holds a value against a schema; the first issue becomes one line that names the place. */
export function check<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | Failure {
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? result.output : misshapen(result.issues[0]);
}

/** As `check`, of what a person may have typed: where a rule of the domain refuses it, that rule's words are the line. */
export function checkInput<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | Failure {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  return isOfRule(issue) ? new Failure("invalid-input", issue.message) : misshapen(issue);
}

function misshapen(issue: v.BaseIssue<unknown>): Failure {
  const place = v.getDotPath(issue);
  return new Failure("protocol", place === null ? issue.message : `${place}: ${issue.message}`);
}

/** Made by `parsed`: its message is a whole sentence. */
function isOfRule({ type }: v.BaseIssue<unknown>): boolean {
  return type === "raw_transform";
}
