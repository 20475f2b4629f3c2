/**
 * A swarm of one BitTorrent client: a torrent, an HTTP tracker in the hub, a process in each seat.
 *
 * Seeders have the whole file before anything begins. Whoever finds peers by address knows all other seats.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { freePorts } from "../../e2e/harness/free-ports.ts";
import { PeerProcess } from "../peer-process.ts";
import type { PeerRequest } from "../peers/request.ts";
import { contentOf, torrentOf } from "../torrent.ts";
import type { Downloader, Layout, Original, Seat, Swarm } from "./contender.ts";

const PEERS = join(import.meta.dir, "..", "peers");
/** What other clients' tools choose for a file of a GiB. */
const PIECE_BYTES = 1024 * 1024;
const READY_MS_MAX = 120_000;
/** Slower than this for one MiB is a hang, even for thirty clients on a narrow line. */
const FETCH_MS_MAX_PER_MIB = 2_000;
const FETCH_MS_MAX_LEAST = 60_000;
const MIB = 2 ** 20;

/** The command of a script in `bench/peers`, and what it needs in its request besides the usual. */
export interface PeerProgram {
  readonly name: string;
  readonly runner: readonly string[];
  readonly script: string;
  readonly more?: Readonly<Record<string, string>>;
}

/** By the SHA-1 of the whole: hashed once for all runs with one file. */
const contents = new Map<string, ReturnType<typeof contentOf>>();

function contentOfOriginal({ path, sha1 }: Original): ReturnType<typeof contentOf> {
  const content = contents.get(sha1) ?? contentOf(path, PIECE_BYTES);
  contents.set(sha1, content);
  return content;
}

interface Placed {
  readonly seat: Seat;
  readonly port: number;
  readonly controlPort: number;
}

export class TorrentSwarm implements Swarm {
  readonly #program: PeerProgram;
  readonly #folder: string;
  readonly #original: Original;
  readonly #processes: PeerProcess[] = [];
  #seeders: readonly PeerProcess[] = [];
  #downloaders: readonly Downloader[] = [];
  #placed: readonly Placed[] = [];

  private constructor(program: PeerProgram, folder: string, original: Original) {
    this.#program = program;
    this.#folder = folder;
    this.#original = original;
  }

  static async open(
    program: PeerProgram,
    folder: string,
    layout: Layout,
    original: Original,
  ): Promise<TorrentSwarm> {
    const swarm = new TorrentSwarm(program, folder, original);
    try {
      await swarm.#start(layout);
      return swarm;
    } catch (error) {
      await swarm[Symbol.asyncDispose]();
      throw error;
    }
  }

  get downloaders(): readonly Downloader[] {
    return this.#downloaders;
  }

  get seederPids(): readonly number[] {
    return this.#seeders.map(({ pid }) => pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((each) => each[Symbol.asyncDispose]()));
  }

  async #start({ hub, seeders, downloaders }: Layout): Promise<void> {
    const ports = freePorts(2 * (seeders.length + downloaders.length) + 1);
    const port = () => ports.pop() ?? 0;
    await this.#startTracker(hub, port());
    this.#placed = [...seeders, ...downloaders].map((seat) => ({ seat, port: port(), controlPort: port() }));
    const processes = this.#placed.map((placed, index) => this.#startPeer(placed, index < seeders.length));
    await Promise.all(processes.map((each) => each.says("ready", READY_MS_MAX)));
    this.#seeders = processes.slice(0, seeders.length);
    this.#downloaders = processes
      .slice(seeders.length)
      .map((each, index) => this.#downloader(each, downloaders[index]));
  }

  async #startTracker({ within, host }: Seat, port: number): Promise<void> {
    const script = join(PEERS, "http-tracker.ts");
    const tracker = new PeerProcess("the HTTP tracker", [
      ...within,
      process.execPath,
      script,
      JSON.stringify({ host, port }),
    ]);
    this.#processes.push(tracker);
    await tracker.says("ready", READY_MS_MAX);
    const announce = `http://${host}:${port}/announce`;
    writeFileSync(this.#torrent, torrentOf(contentOfOriginal(this.#original), announce));
  }

  get #torrent(): string {
    return join(this.#folder, "file.torrent");
  }

  #startPeer({ seat, port, controlPort }: Placed, isSeeder: boolean): PeerProcess {
    const { runner, script, more, name } = this.#program;
    const request: PeerRequest = {
      role: isSeeder ? "seed" : "fetch",
      torrent: this.#torrent,
      folder: isSeeder ? dirname(this.#original.path) : this.#destinationFolder(seat),
      home: this.#made(seat.name, "home"),
      host: seat.host,
      port,
      controlPort,
      peers: this.#placed.flatMap((other) => (other.seat === seat ? [] : [[other.seat.host, other.port]])),
    };
    const started = new PeerProcess(`${name} (${seat.name})`, [
      ...seat.within,
      ...runner,
      join(PEERS, script),
      JSON.stringify({ ...request, ...more }),
    ]);
    this.#processes.push(started);
    return started;
  }

  #downloader(started: PeerProcess, seat: Seat | undefined): Downloader {
    if (seat === undefined) throw new Error("a downloader without a seat");
    const msMax = Math.max(FETCH_MS_MAX_LEAST, (this.#original.bytes / MIB) * FETCH_MS_MAX_PER_MIB);
    return {
      destination: join(this.#destinationFolder(seat), basename(this.#original.path)),
      pid: () => started.pid,
      fetch: async () => {
        started.begin();
        await started.says("done", msMax);
      },
    };
  }

  #destinationFolder(seat: Seat): string {
    return this.#made(seat.name, "files");
  }

  #made(...names: readonly string[]): string {
    const path = join(this.#folder, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  }
}
