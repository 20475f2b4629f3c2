/** libtorrent by its Python binding, both ends: what qBittorrent and Deluge are made of. */
import { type Contender, firstLineOf, INSTALL_COMMAND, type Layout, type Original } from "./contender.ts";
import { TorrentSwarm } from "./torrent-swarm.ts";

/** The first Python on the path may be another one than the system's, without the system's modules. */
const PYTHONS = ["python3", "/usr/bin/python3"];

export class Libtorrent implements Contender {
  readonly name = "libtorrent";
  readonly inside = "verification (SHA-1)";
  readonly isSwarm = true;
  readonly #python = PYTHONS.find(
    (python) => Bun.which(python) !== null && Bun.spawnSync([python, "-c", "import libtorrent"]).success,
  );

  async missing(): Promise<string | undefined> {
    return this.#python === undefined
      ? `no Python with the module libtorrent: ${INSTALL_COMMAND}`
      : undefined;
  }

  async version(): Promise<string> {
    return firstLineOf([this.#runner, "-c", "import libtorrent; print(libtorrent.__version__)"]);
  }

  open(folder: string, layout: Layout, original: Original): Promise<TorrentSwarm> {
    const program = { name: this.name, runner: [this.#runner], script: "libtorrent-peer.py" };
    return TorrentSwarm.open(program, folder, layout, original);
  }

  get #runner(): string {
    return this.#python ?? "python3";
  }
}
