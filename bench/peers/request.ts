/** What a client of the bench is told when it is started: the JSON in its one argument. */
export interface PeerRequest {
  readonly role: "seed" | "fetch";
  readonly torrent: string;
  /** Where the file is, or shall be. */
  readonly folder: string;
  /** Its own, for whatever else it keeps. */
  readonly home: string;
  readonly host: string;
  readonly port: number;
  /** A second port, for whom needs one. */
  readonly controlPort: number;
  /** All others of the swarm, for those that are given addresses. */
  readonly peers: readonly (readonly [host: string, port: number])[];
}

/** From here on, a signal ends it by way of its `exit` event, which ends what it has started. */
export function readRequest(): PeerRequest {
  process.on("SIGTERM", () => process.exit(0));
  return JSON.parse(process.argv[2] ?? "{}");
}

/** Runs `begin` when it is ordered; resolves when standard input ends. */
export async function obey(begin: () => Promise<void>): Promise<void> {
  for await (const line of console) if (line === "begin") void begin().then(() => console.log("done"), fail);
}

export function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
