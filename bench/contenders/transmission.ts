/** transmission-cli, both ends. */
import { type Contender, firstLineOf, type Layout, missingPrograms, type Original } from "./contender.ts";
import { TorrentSwarm } from "./torrent-swarm.ts";

export class Transmission implements Contender {
  readonly name = "transmission";
  readonly inside = "verification (SHA-1), start of the process";
  readonly isSwarm = true;

  async missing(): Promise<string | undefined> {
    return missingPrograms(["transmission-cli"]);
  }

  async version(): Promise<string> {
    return firstLineOf(["transmission-cli", "--version"]).replace(/^transmission-cli /, "");
  }

  async open(folder: string, layout: Layout, original: Original): Promise<TorrentSwarm> {
    if (layout.hub.host.startsWith("127."))
      throw new Error("it takes no peers at 127.0.0.1, and this machine has no other address");
    const program = { name: this.name, runner: [process.execPath], script: "transmission.ts" };
    return TorrentSwarm.open(program, folder, layout, original);
  }
}
