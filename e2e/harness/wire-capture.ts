/**
 * What went over the TCP sockets of a process, as its own system calls say: recorded by `strace`, read back byte for byte.
 *
 * Linux with `strace` only. The recorder runs apart from the program, which keeps its process id, its pipes and its end.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const CALLS = "read,write,readv,writev,sendto,recvfrom,sendmsg,recvmsg,sendmmsg,recvmmsg,sendfile,splice";
/** More than one call moves. */
const CALL_BYTES_MAX = 8 * 1024 * 1024;
const SOCKET = /^\d+ +\w+\(\d+<(TCP(?:v6)?:\[[^\]]*\])>/;
const RESUMED = /^\d+ +<\.{3} \w+ resumed>/;
/** What is before the bytes of a call fits in. */
const HEAD_CHARS = 200;
const THREAD = /^\d+/;
const UNFINISHED = "<unfinished ...>";

/** Why nothing can be recorded on this machine; undefined if it can. */
export function whyNoCapture(): string | undefined {
  if (process.platform !== "linux") return `there is no strace on ${process.platform}`;
  if (Bun.which("strace") === null) return "strace is not installed";
  const probe = Bun.spawnSync(["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"]);
  return probe.success ? undefined : `strace does not work here: ${probe.stderr.toString().trim()}`;
}

export class WireCapture {
  readonly #log: string;

  /** @param folder where the recording lies */
  constructor(folder: string, name: string) {
    this.#log = join(folder, `${name}.strace`);
  }

  /** The command that a program is started with to be recorded. */
  get within(): readonly string[] {
    const what = ["-e", `trace=${CALLS}`, "-e", "signal=none", "-s", `${CALL_BYTES_MAX}`, "-xx"];
    return ["strace", "-D", "-f", "--seccomp-bpf", "-yy", "-qq", ...what, "-o", this.#log];
  }

  /** By socket what went in and out, in the order of the calls. @throws if bytes are cut off */
  sockets(): ReadonlyMap<string, Buffer> {
    const parts = new Map<string, Buffer[]>();
    const begun = new Map<string, string>();
    for (const line of readFileSync(this.#log, "latin1").split("\n")) {
      const head = line.slice(0, HEAD_CHARS);
      const thread = THREAD.exec(head)?.[0] ?? "";
      const socket = SOCKET.exec(head)?.[1] ?? (RESUMED.test(head) ? begun.get(thread) : undefined);
      begun.delete(thread);
      if (socket === undefined) continue;
      if (line.endsWith(UNFINISHED)) begun.set(thread, socket);
      const ofSocket = parts.get(socket) ?? [];
      for (const bytes of stringsOf(line)) ofSocket.push(bytes);
      parts.set(socket, ofSocket);
    }
    return new Map([...parts].map(([socket, bytes]) => [socket, Buffer.concat(bytes)]));
  }
}

/** The strings of a call, each byte of them written as `\\x` and two digits. */
function* stringsOf(line: string): Generator<Buffer> {
  for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at)) {
    const end = line.indexOf('"', at + 1);
    if (line.startsWith("...", end + 1)) throw new Error(`bytes are cut off: ${line.slice(0, HEAD_CHARS)}`);
    yield Buffer.from(line.slice(at + 1, end).replaceAll("\\x", ""), "hex");
    at = end + 1;
  }
}

/** Any run of twice this many bytes of the content holds one whole block of it. */
const BLOCK_BYTES = 16;

/** Whether some 32 bytes in a row of the content are in what was captured. */
export function holdsPartOf(content: Buffer, captured: Buffer): boolean {
  const blocks = new Set<string>();
  const beginnings = new Uint8Array(1 << 24);
  const beginning = (bytes: Buffer, at: number) => bytes.readUIntLE(at, 3);
  for (let at = 0; at + BLOCK_BYTES <= content.length; at += BLOCK_BYTES) {
    blocks.add(content.toString("latin1", at, at + BLOCK_BYTES));
    beginnings[beginning(content, at)] = 1;
  }
  for (let at = 0; at + BLOCK_BYTES <= captured.length; at++)
    if (
      beginnings[beginning(captured, at)] === 1 &&
      blocks.has(captured.toString("latin1", at, at + BLOCK_BYTES))
    )
      return true;
  return false;
}
