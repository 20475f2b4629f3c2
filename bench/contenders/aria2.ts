/** aria2 as a BitTorrent client, both ends. */
import { type Contender, firstLineOf, type Layout, missingPrograms, type Original } from "./contender.ts";
import { TorrentSwarm } from "./torrent-swarm.ts";

export class Aria2 implements Contender {
  readonly name = "aria2";
  readonly inside = "verification (SHA-1)";
  readonly isSwarm = true;

  async missing(): Promise<string | undefined> {
    return missingPrograms(["aria2c"]);
  }

  async version(): Promise<string> {
    return firstLineOf(["aria2c", "--version"]).replace(/^aria2 version /, "");
  }

  open(folder: string, layout: Layout, original: Original): Promise<TorrentSwarm> {
    const program = { name: this.name, runner: [process.execPath], script: "aria2.ts" };
    return TorrentSwarm.open(program, folder, layout, original);
  }
}
