/**
 * What a process did to the files of one folder, read from the text that `strace -f -y -s 1048576` wrote. Pure.
 *
 * Invariant: nothing that changes a file of the folder is passed over in silence. A call that is not known here, or whose
 * bytes were cut off, throws: an image made without it would prove nothing. The one exception is the `-shm` file of
 * SQLite, which is memory shared by processes and built anew at each first open. Calls of other files are no concern.
 */
import { assert } from "../../base/assert.ts";

export type DiskEvent =
  /** Opened for making it; it may well have been there. */
  | { readonly kind: "create"; readonly file: string }
  | { readonly kind: "write"; readonly file: string; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "resize"; readonly file: string; readonly size: number }
  | { readonly kind: "sync"; readonly file: string }
  | { readonly kind: "sync-folder" }
  | { readonly kind: "remove"; readonly file: string }
  | { readonly kind: "rename"; readonly file: string; readonly to: string }
  /** A call that was made to fail. `file` is undefined for the folder itself. */
  | { readonly kind: "fault"; readonly call: string; readonly file: string | undefined }
  /** A line on standard output. */
  | { readonly kind: "said"; readonly line: string };

/** What to have recorded: every call that can change a file, and those that make changes certain. */
export const RECORDED_CALLS = [
  ...["open", "openat", "openat2", "creat", "write", "writev", "pwrite64", "pwritev", "pwritev2"],
  ...["fsync", "fdatasync", "sync_file_range", "ftruncate", "truncate", "fallocate", "copy_file_range"],
  ...["sendfile", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat"],
];

interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: number;
  readonly isInjected: boolean;
}

/** @param folder absolute and real, as the recorded process names it */
export function parseSyscallLog(text: string, folder: string): DiskEvent[] {
  return [...callsOf(text)].flatMap((call) => eventsOf(call, folder));
}

/** How often each call was made, also when it failed. */
export function countCalls(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of callsOf(text)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

const LINE = /^(\d+) +(?:(\w+)\(|<\.\.\. \w+ resumed>)/;
const UNFINISHED = " <unfinished ...>";

/** Whole calls, each where it returned: one that another thread's call came between is on two lines. */
function* callsOf(text: string): Generator<Call> {
  const begun = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [head, thread, name] = LINE.exec(line) ?? [];
    if (head === undefined || thread === undefined) continue;
    if (line.endsWith(UNFINISHED)) {
      begun.set(thread, line.slice(0, -UNFINISHED.length));
      continue;
    }
    const whole = name === undefined ? `${begun.get(thread)}${line.slice(head.length)}` : line;
    yield callOf(whole);
  }
}

/** The result is looked for from the end, since what was written may look like one. */
function callOf(line: string): Call {
  const [head, , name = ""] = LINE.exec(line) ?? [];
  const tail = /^(.*)\) += (-?\d+|\?)/s.exec(line);
  assert(head !== undefined && tail !== null, `no call: ${line.slice(0, 200)}`);
  const [, before = "", result] = tail;
  return {
    name,
    args: before.slice(head.length),
    result: Number(result),
    isInjected: line.endsWith("(INJECTED)"),
  };
}

function eventsOf(call: Call, folder: string): DiskEvent[] {
  const [first = "", second] = pathsOf(call).map((path) => nameIn(folder, path));
  if (call.name === "write" && call.args.startsWith("1<")) return said(call);
  const file = first === "" ? undefined : first;
  if (file === undefined || file.endsWith("-shm")) return [];
  if (call.isInjected) return [{ kind: "fault", call: call.name, file: file === "." ? undefined : file }];
  if (!(call.result >= 0)) return [];
  if (file === ".") return ofFolder(call);
  return ofFile(call, file, second);
}

function ofFolder({ name }: Call): DiskEvent[] {
  return name === "fsync" || name === "fdatasync" ? [{ kind: "sync-folder" }] : [];
}

function ofFile(call: Call, file: string, other: string | undefined): DiskEvent[] {
  switch (call.name) {
    case "open":
    case "openat":
      return ofOpen(call.args, file);
    case "pwrite64":
      return [{ kind: "write", file, offset: lastNumber(call.args), bytes: writtenBytes(call) }];
    case "ftruncate":
      return [{ kind: "resize", file, size: lastNumber(call.args) }];
    case "fsync":
    case "fdatasync":
      return [{ kind: "sync", file }];
    case "unlink":
    case "unlinkat":
      return [{ kind: "remove", file }];
    case "rename":
    case "renameat":
    case "renameat2":
      assert(other !== undefined && other !== "", `moved out of the folder: ${call.args}`);
      return [{ kind: "rename", file, to: other }];
    default:
      throw new Error(`a call that this reader does not know: ${call.name}(${call.args.slice(0, 200)}`);
  }
}

function ofOpen(args: string, file: string): DiskEvent[] {
  const created: DiskEvent[] = args.includes("O_CREAT") ? [{ kind: "create", file }] : [];
  return args.includes("O_TRUNC") ? [...created, { kind: "resize", file, size: 0 }] : created;
}

function said(call: Call): DiskEvent[] {
  return Buffer.from(writtenBytes(call))
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ kind: "said", line }));
}

/** Of calls on a descriptor the path that `-y` adds to it, of the others each path given. */
function pathsOf({ args }: Call): string[] {
  const [, ofDescriptor, gone] = /^\d+<([^>]*)>(\(deleted\))?/.exec(args) ?? [];
  if (ofDescriptor !== undefined) return gone === undefined ? [ofDescriptor] : [];
  const withoutData = args.slice(0, 10_000);
  return [...withoutData.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path = ""]) => path);
}

/** @returns "." for the folder itself, "" for what is not in it */
function nameIn(folder: string, path: string): string {
  if (path === folder) return ".";
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : "";
}

function lastNumber(args: string): number {
  return Number(args.slice(args.lastIndexOf(", ") + 2));
}

/** As many as were taken. */
function writtenBytes({ args, result }: Call): Uint8Array {
  const end = args.lastIndexOf('"');
  assert(!args.startsWith("...", end + 1), `bytes are cut off: ${args.slice(0, 200)}`);
  const bytes = bytesOf(args.slice(args.indexOf('"') + 1, end));
  assert(bytes.length >= result, `fewer bytes than were written: ${args.slice(0, 200)}`);
  return bytes.subarray(0, result);
}

const LETTERS: ReadonlyMap<string, number> = new Map([
  ["n", 10],
  ["t", 9],
  ["r", 13],
  ["f", 12],
  ["v", 11],
  ['"', 34],
  ["\\", 92],
]);

/** A string of C: plain characters, letters after a backslash, one to three octal digits after one. */
function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; ) {
    if (text[at] !== "\\") {
      bytes[length++] = text.charCodeAt(at++);
      continue;
    }
    const [value, next] = byteOf(text, at + 1);
    bytes[length++] = value;
    at = next;
  }
  return bytes.slice(0, length);
}

function byteOf(text: string, from: number): readonly [value: number, next: number] {
  const letter = LETTERS.get(text[from] ?? "");
  if (letter !== undefined) return [letter, from + 1];
  let end = from;
  while (end < from + 3 && /[0-7]/.test(text[end] ?? "")) end++;
  assert(end > from, `an escape that this reader does not know: ${text.slice(from - 1, from + 3)}`);
  return [Number.parseInt(text.slice(from, end), 8), end];
}
