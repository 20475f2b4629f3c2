/**
 * A temporary folder with trackers and clients in it, each with its own home and data folder, on free loopback ports.
 *
 * Everything in it ends with it: processes are killed by their own handle, the folder is removed, also when a test fails.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireBinary } from "./binary.ts";
import { Client } from "./client.ts";
import { KeptPorts } from "./free-ports.ts";
import { Program, type ProgramOptions } from "./program.ts";
import { ScreenProgram } from "./screen.ts";
import { Tracker } from "./tracker.ts";

export interface StartOptions {
  /** Further arguments behind the usual ones. */
  readonly args?: readonly string[];
  /** The folder it starts in; by default its home. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** In place of the world's own list. */
  readonly trackerInfo?: string;
  /** See `ProgramOptions`. */
  readonly within?: readonly string[];
  /** Where a client listens; by default on loopback. */
  readonly host?: string;
  /** See `ProgramOptions`. */
  readonly waitMsMax?: number;
}

export interface ScreenStart extends Pick<StartOptions, "env" | "cwd"> {
  readonly columns?: number;
  readonly rows?: number;
}

/** How everything in a world is started, where it is not the executable of `npm run build` on this machine. */
export interface WorldOptions extends Pick<ProgramOptions, "command" | "waitMsMax"> {
  readonly env?: Readonly<Record<string, string>>;
}

export class World {
  readonly folder: string;
  /** Where the trackers are said to be; `ports[0]` is tracker 1's. */
  readonly trackerInfo: string;
  readonly ports: readonly number[];
  readonly #hosts: readonly string[];
  readonly #keptPorts: KeptPorts;
  readonly #start: WorldOptions;
  readonly #programs: AsyncDisposable[] = [];

  /** @param trackers how many, or the host of each */
  constructor(trackers: number | readonly string[] = 1, start: WorldOptions = {}) {
    if (start.command === undefined) requireBinary();
    this.#start = start;
    this.#hosts = typeof trackers === "number" ? Array<string>(trackers).fill("127.0.0.1") : trackers;
    this.folder = mkdtempSync(join(tmpdir(), "p2p-e2e-"));
    this.#keptPorts = new KeptPorts(this.#hosts.length);
    this.ports = this.#keptPorts.ports;
    this.trackerInfo = this.trackerList(this.ports.map((_, index) => index + 1));
  }

  /** Of a tracker, as the list names it. */
  address(number: number): string {
    return `${this.#hosts[number - 1]}:${this.ports[number - 1]}`;
  }

  /**
   * Writes a list of some of the trackers under their own numbers: a client begins with the first of them.
   * @param pins behind the entries, by number
   * @returns its path
   */
  trackerList(
    numbers: readonly number[],
    name = "tracker_info.txt",
    pins: Readonly<Record<number, string>> = {},
  ): string {
    const path = join(this.folder, name);
    const lines = numbers.map((number) => `${number} ${this.address(number)} ${pins[number] ?? ""}`.trim());
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  }

  /** Resolves when it takes connections. Started again with the same number, it has the same data folder. */
  async startTracker(number = 1, options: StartOptions = {}): Promise<Tracker> {
    const name = `tracker-${number}`;
    const list = options.trackerInfo ?? this.trackerInfo;
    const args = ["tracker", list, String(number), "--data-dir", this.path(name, "data")];
    const tracker = this.#keep(new Tracker(this.#options(name, args, options)));
    await tracker.line(/listening/i);
    return tracker;
  }

  /** A client on a free port. Started again with the same name, it has the same data folder. */
  startClient(name: string, options: StartOptions = {}): Client {
    const { host = "127.0.0.1", trackerInfo = this.trackerInfo } = options;
    const args = ["client", `${host}:0`, trackerInfo, "--data-dir", this.path(name, "data")];
    return this.#keep(new Client(this.#options(name, args, options)));
  }

  /** A client as a person has it, on a terminal. Started again with the same name, it has the same data folder. */
  startScreen(name: string, { env, cwd, ...size }: ScreenStart = {}): ScreenProgram {
    const args = ["client", "127.0.0.1:0", this.trackerInfo, "--data-dir", this.path(name, "data")];
    const options = this.#options(name, args, { ...(env && { env }), ...(cwd && { cwd }) });
    return this.#keep(new ScreenProgram({ ...options, ...size }));
  }

  /** The program with these arguments alone. */
  start(name: string, args: readonly string[], options: StartOptions = {}): Program {
    return this.#keep(new Program(this.#options(name, args, options)));
  }

  /** A folder in this world, made if it is not there. */
  dir(...names: readonly string[]): string {
    const path = join(this.folder, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
    this.#keptPorts[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #options(
    name: string,
    args: readonly string[],
    { args: more = [], cwd, env = {}, within = [], ...waiting }: StartOptions,
  ): ProgramOptions {
    const home = this.dir(name);
    const all = { ...this.#start.env, ...env };
    return {
      ...this.#start,
      name,
      args: [...args, ...more],
      cwd: cwd ?? home,
      home,
      env: all,
      within,
      ...waiting,
    };
  }

  #keep<P extends AsyncDisposable>(program: P): P {
    this.#programs.push(program);
    return program;
  }
}
