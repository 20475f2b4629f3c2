/**
 * Stands in for `node:fs` and `node:fs/promises` in the transfer's disk code during a trial: each call passes the gate, then
 * does what it always does. Only what that code uses is here; anything else would fail to load.
 */
import * as fs from "node:fs";
import * as real from "node:fs/promises";
import { gate } from "./fault-gate.ts";

export const { constants } = fs;

type PathCall = (path: string, ...rest: never[]) => Promise<unknown>;

function gated<Call extends PathCall>(name: string, call: Call): Call {
  return (async (path: string, ...rest: never[]) => {
    gate.pass(name, path);
    return await call(path, ...rest);
  }) as Call;
}

export const mkdir = gated("mkdir", real.mkdir as PathCall);
export const unlink = gated("unlink", real.unlink as PathCall);
export const rm = gated("rm", real.rm as PathCall);
export const rename = gated("rename", real.rename as PathCall);
export const link = gated("link", real.link as PathCall);
export const lstat = gated("lstat", real.lstat as PathCall);
export const stat = gated("stat", real.stat as PathCall);
export const statfs = gated("statfs", real.statfs as PathCall);
export const realpath = gated("realpath", real.realpath as PathCall);

export async function open(path: string, flags?: string | number, mode?: number): Promise<FaultyHandle> {
  gate.pass("open", path);
  const handle = await real.open(path, flags, mode);
  gate.opened(handle.fd, path);
  return new FaultyHandle(handle);
}

export function fstat(file: number, options: fs.StatSyncOptions, done: (...results: unknown[]) => void) {
  try {
    gate.pass("fstat", file);
  } catch (error) {
    done(error);
    return;
  }
  fs.fstat(file, options as never, done as never);
}

class FaultyHandle implements AsyncDisposable {
  readonly #real: real.FileHandle;
  readonly fd: number;

  constructor(handle: real.FileHandle) {
    this.#real = handle;
    this.fd = handle.fd;
  }

  async stat(options?: never): Promise<unknown> {
    gate.pass("fstat", this.fd);
    return await this.#real.stat(options);
  }

  async truncate(bytes: number): Promise<void> {
    gate.pass("truncate", this.fd);
    await this.#real.truncate(bytes);
  }

  async utimes(accessed: number, modified: number): Promise<void> {
    gate.pass("utimes", this.fd);
    await this.#real.utimes(accessed, modified);
  }

  async sync(): Promise<void> {
    gate.pass("fsync", this.fd);
    await this.#real.sync();
  }

  async write(bytes: Uint8Array, from: number, length: number, position: number): Promise<unknown> {
    const isShort = gate.pass("write", this.fd) === "short";
    return await this.#real.write(bytes, from, isShort ? Math.ceil(length / 2) : length, position);
  }

  /** A short write of it is the runtime's to go on with. */
  async writeFile(bytes: Uint8Array): Promise<void> {
    gate.pass("write", this.fd);
    await this.#real.writeFile(bytes);
  }

  async readFile(): Promise<unknown> {
    gate.pass("read", this.fd);
    return await this.#real.readFile();
  }

  /** The descriptor is gone in any case, as the system has it. */
  async close(): Promise<void> {
    await this.#real.close();
    gate.passClosing(this.fd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
