/**
 * `install.sh` against a release on loopback, under every shell that is here: what it chooses, that nothing but the file of
 * the release is put in place, and what it says when something is wrong. The machine that it believes to be on is told to it
 * by programs in front of the real ones; the binaries are scripts that say their version.
 */
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PROJECT_SLUG } from "../scripts/project-address.ts";
import { binaryName, RELEASE_TARGETS } from "../scripts/release-targets.ts";
import { TempFolder } from "../src/testing/temp-folder.ts";
import { cleanEnvironment } from "./harness/binary.ts";
import { whyNoSmallDisk, withSmallDisk } from "./harness/small-disk.ts";

const SCRIPT = join(import.meta.dir, "..", "install.sh");
const VERSION = "1.2.3";
/** What `--version` says behind the version. */
const COMMIT = "(0123456789ab)";

/** The shells of this machine; the script is for any POSIX one. */
const SHELLS = [
  ["dash"],
  ["bash", "--posix"],
  ["bash"],
  ["busybox", "sh"],
  ["mksh"],
  ["yash"],
  ["sh"],
].filter(([name = ""]) => Bun.which(name) !== null);
const [SHELL = ["sh"]] = SHELLS;

/** What the programs that the script asks say; undefined: such a program fails, as on a system that has it not. */
interface Machine {
  readonly system: string;
  readonly processor: string;
  readonly glibc?: string;
  readonly ldd?: string;
  readonly bits?: string;
  readonly translated?: string;
}

const DEBIAN: Machine = { system: "Linux", processor: "x86_64", glibc: "glibc 2.36", bits: "64" };
const MUSL = "musl libc (x86_64)\nVersion 1.2.4";

interface Run {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

interface InstallOptions {
  readonly shell?: readonly string[];
  readonly machine?: Machine;
  readonly env?: Readonly<Record<string, string>>;
  /** In place of the whole script. */
  readonly text?: string;
  readonly within?: readonly string[];
  readonly args?: readonly string[];
}

/** A release on loopback, a home, and programs in front of those of the machine. */
class Lab implements AsyncDisposable {
  readonly files = new Map<string, string>();
  readonly asked: string[] = [];
  readonly #folder: TempFolder;
  readonly #server: Bun.Server<undefined>;

  private constructor(folder: TempFolder) {
    this.#folder = folder;
    mkdirSync(this.home);
    this.publish(VERSION);
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => {
        const name = new URL(request.url).pathname.slice(1);
        this.asked.push(name);
        const file = this.files.get(name);
        return file === undefined ? new Response("no", { status: 404 }) : new Response(file);
      },
    });
  }

  static async make(): Promise<Lab> {
    return new Lab(await TempFolder.make());
  }

  get home(): string {
    return this.#folder.join("home");
  }

  get bin(): string {
    return join(this.home, ".local", "bin");
  }

  get target(): string {
    return join(this.bin, "p2p");
  }

  get base(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** What is in the folder of the program, hidden files too. */
  get installed(): readonly string[] {
    return existsSync(this.bin) ? readdirSync(this.bin).sort() : [];
  }

  /** @param more of the program, behind what it says */
  publish(version: string, more = ""): void {
    let sums = "";
    for (const target of RELEASE_TARGETS) {
      const name = binaryName(target);
      const text = `#!/bin/sh\n# ${name}\necho "${version} ${COMMIT}"${more}\n`;
      this.files.set(name, text);
      sums += `${new Bun.CryptoHasher("sha256").update(text).digest("hex")}  ${name}\n`;
    }
    this.files.set("SHA256SUMS", sums);
  }

  /** A folder of programs that say what such a machine's would. */
  pretend({ system, processor, glibc, ldd, bits, translated }: Machine): string {
    const folder = this.#folder.join(`machine-${Bun.randomUUIDv7()}`);
    mkdirSync(folder);
    this.program(folder, "uname", `case "$1" in -s) echo "${system}" ;; *) echo "${processor}" ;; esac`);
    this.program(
      folder,
      "getconf",
      `case "$1" in\nGNU_LIBC_VERSION) ${glibc ? `echo "${glibc}"` : "exit 1"} ;;\nLONG_BIT) ${bits ? `echo ${bits}` : "exit 1"} ;;\nesac`,
    );
    this.program(folder, "ldd", ldd ? `printf '${ldd.replaceAll("\n", "\\n")}\\n' >&2; exit 1` : "exit 127");
    this.program(folder, "sysctl", translated ? `echo ${translated}` : "exit 1");
    return folder;
  }

  program(folder: string, name: string, body: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }

  /** A folder with these programs of the machine alone. */
  only(...names: readonly string[]): string {
    const folder = this.#folder.join(`only-${Bun.randomUUIDv7()}`);
    mkdirSync(folder);
    for (const name of names) {
      const path = Bun.which(name);
      if (path !== null) this.program(folder, name, `exec ${path} "$@"`);
    }
    return folder;
  }

  /** As `curl ... | sh` does: the script comes through a pipe. */
  async install(options: InstallOptions = {}): Promise<Run> {
    const { shell = SHELL, machine = DEBIAN, env = {}, within = [], args = [] } = options;
    const command = [...shell];
    command[0] = Bun.which(command[0] ?? "") ?? "";
    const path = `${this.pretend(machine)}:${env["PATH"] ?? process.env["PATH"]}`;
    const child = Bun.spawn([...within, ...command, "-s", "--", ...args], {
      cwd: this.home,
      env: { ...cleanEnvironment(this.home), P2P_BASE_URL: this.base, ...env, PATH: path },
      stdin: new Blob([options.text ?? readFileSync(SCRIPT, "utf8")]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { exitCode, out, err };
  }

  /** One line that says what is wrong, and nothing left of the attempt. */
  async refuses(options: InstallOptions, error: string): Promise<void> {
    const before = this.installed;
    const { exitCode, err } = await this.install(options);
    expect(err).toBe(`error: ${error}\n`);
    expect(exitCode).toBe(1);
    expect(this.installed).toEqual(before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
    await this.#folder[Symbol.asyncDispose]();
  }
}

const MACHINES: readonly (readonly [Machine, string])[] = [
  [DEBIAN, "p2p-linux-x64"],
  [{ ...DEBIAN, processor: "amd64" }, "p2p-linux-x64"],
  [{ ...DEBIAN, processor: "aarch64" }, "p2p-linux-arm64"],
  // Without getconf, as some containers have it.
  [{ system: "Linux", processor: "x86_64", ldd: "ldd (GNU libc) 2.36" }, "p2p-linux-x64"],
  [{ system: "Linux", processor: "x86_64", bits: "64", ldd: MUSL }, "p2p-linux-x64-musl"],
  [{ system: "Linux", processor: "aarch64", ldd: MUSL }, "p2p-linux-arm64-musl"],
  [{ system: "Darwin", processor: "x86_64", translated: "0" }, "p2p-darwin-x64"],
  [{ system: "Darwin", processor: "x86_64" }, "p2p-darwin-x64"],
  [{ system: "Darwin", processor: "x86_64", translated: "1" }, "p2p-darwin-arm64"],
  [{ system: "Darwin", processor: "arm64" }, "p2p-darwin-arm64"],
];

describe.skipIf(process.platform === "win32")("install.sh", () => {
  test.each(SHELLS.map((shell) => [shell.join(" "), shell] as const))(
    "puts the program of the release in place, then brings it up to date, under %s",
    async (_, shell) => {
      await using lab = await Lab.make();
      const first = await lab.install({ shell });
      expect(first.err).toBe("");
      expect(first.exitCode).toBe(0);
      expect(first.out).toContain(`installed ${lab.target}, version ${VERSION} ${COMMIT}\n`);
      expect(first.out).toContain(`gh attestation verify ${lab.target} --repo ${PROJECT_SLUG}\n`);
      expect(first.out).toContain(`  export PATH="${lab.bin}:$PATH"\n`);
      expect(lab.installed).toEqual(["p2p"]);
      expect(lstatSync(lab.target).mode & 0o777).toBe(0o755);

      lab.asked.length = 0;
      const again = await lab.install({ shell, env: { PATH: `${process.env["PATH"]}:${lab.bin}` } });
      expect(again.out).toContain(`${lab.target} is up to date\n`);
      expect(again.out).not.toContain("export PATH");
      expect(lab.asked).toEqual(["SHA256SUMS"]);

      lab.publish("1.2.4");
      expect((await lab.install({ shell })).out).toContain(`version 1.2.4 ${COMMIT}\n`);
      expect(readFileSync(lab.target, "utf8")).toBe(lab.files.get("p2p-linux-x64") as string);
      expect(lab.installed).toEqual(["p2p"]);
    },
  );

  test("chooses the file for the system, the processor and the C library", async () => {
    await using lab = await Lab.make();
    for (const [machine, file] of MACHINES) {
      const { err, exitCode } = await lab.install({ machine });
      expect({ machine, err, exitCode }).toEqual({ machine, err: "", exitCode: 0 });
      expect({ machine, file: readFileSync(lab.target, "utf8").split("\n")[1] }).toEqual({
        machine,
        file: `# ${file}`,
      });
    }
    const chosen = new Set(MACHINES.map(([, file]) => file));
    const here = RELEASE_TARGETS.filter(({ os }) => os !== "win32").map(binaryName);
    expect([...chosen].sort()).toEqual(here.sort());
  });

  test("says for which machines there is no program, and downloads nothing then", async () => {
    await using lab = await Lab.make();
    const refuses = (machine: Partial<Machine>, error: string) =>
      lab.refuses({ machine: { ...DEBIAN, ...machine } }, error);
    await refuses(
      { system: "FreeBSD" },
      "there is no p2p for FreeBSD; there is one for Linux, macOS and Windows",
    );
    await refuses({ system: "MINGW64_NT-10.0" }, "on Windows use install.ps1, in PowerShell");
    await refuses(
      { processor: "riscv64" },
      "there is no p2p for the processor riscv64; there is one for x86_64 and arm64",
    );
    await refuses({ bits: "32" }, "there is no p2p for a Linux of 32 bits");
    expect(lab.asked).toEqual([]);
    lab.files.set("SHA256SUMS", `${"0".repeat(64)}  p2p-linux-arm64\n`);
    await refuses(
      {},
      `${lab.base}/SHA256SUMS does not name p2p-linux-x64: this release has no p2p for Linux x64`,
    );
  });

  test("puts no other file in place than that of the release: the one that was there stays", async () => {
    await using lab = await Lab.make();
    await lab.install();
    const before = readFileSync(lab.target, "utf8");
    lab.publish("6.6.6");
    const right = lab.files.get("p2p-linux-x64") as string;
    const wanted = new Bun.CryptoHasher("sha256").update(right).digest("hex");
    for (const wrong of [right.replace("6.6.6", "6.6.7"), right.slice(0, -1), ""]) {
      lab.files.set("p2p-linux-x64", wrong);
      const got = new Bun.CryptoHasher("sha256").update(wrong).digest("hex");
      await lab.refuses(
        {},
        `what came from ${lab.base}/p2p-linux-x64 is not the file of the release (SHA-256 ${got}, wanted ${wanted}); nothing was installed`,
      );
    }
    for (const sums of [
      "<html>",
      `${wanted.slice(1)}  p2p-linux-x64\n`,
      `${wanted.slice(1)}x *p2p-linux-x64`,
    ]) {
      lab.files.set("SHA256SUMS", sums);
      const { exitCode, err } = await lab.install();
      expect({ sums, exitCode, lines: err.split("\n").length }).toEqual({ sums, exitCode: 1, lines: 2 });
      expect(err).toMatch(/does not name p2p-linux-x64|is not a list of checksums/);
    }
    expect(readFileSync(lab.target, "utf8")).toBe(before);
    expect(lab.installed).toEqual(["p2p"]);
  });

  test("a program that does not start, or is another version, takes no working one's place", async () => {
    await using lab = await Lab.make();
    await lab.install({ env: { P2P_VERSION: `v${VERSION}` } });
    expect(lab.installed).toEqual(["p2p"]);
    lab.publish("1.2.4");
    await lab.refuses(
      { env: { P2P_VERSION: "1.2.5" } },
      `version 1.2.5 was wanted, ${lab.base} has 1.2.4 ${COMMIT}; nothing was installed`,
    );
    lab.publish("1.2.4", "; exit 1");
    await lab.refuses({}, "p2p-linux-x64 does not start on this machine, nothing was installed");
    await lab.refuses(
      { machine: { ...DEBIAN, glibc: "", ldd: MUSL } },
      "p2p-linux-x64-musl does not start on this machine, nothing was installed; on Alpine it needs: apk add libstdc++",
    );
  });

  test("a server that has no such release, breaks off or is not there is told of in one line", async () => {
    await using lab = await Lab.make();
    const env = { P2P_BASE_URL: `${lab.base}/v0` };
    await lab.refuses(
      { env },
      `the server does not give ${lab.base}/v0/SHA256SUMS: is there such a release?`,
    );
    await using gone = await Lab.make();
    const nowhere = gone.base;
    await gone[Symbol.asyncDispose]();
    for (const loader of ["curl", "wget"]) {
      if (Bun.which(loader) === null) continue;
      const PATH = lab.only(loader, "mkdir", "mktemp", "rm", "df", "awk", "sha256sum");
      const { exitCode, err } = await lab.install({ env: { PATH, P2P_BASE_URL: nowhere } });
      expect(exitCode).toBe(1);
      expect(err).toMatch(
        /^error: http:\S+\/SHA256SUMS could not be fetched: no network, or it broke \((?:curl|wget) ended with \d+\); nothing was installed\n$/,
      );
      expect(lab.installed).toEqual([]);
    }
  });

  test("works with any of the tools that it can use, and says what is missing", async () => {
    await using lab = await Lab.make();
    const rest = ["mkdir", "mktemp", "rm", "mv", "chmod", "df", "awk", "sh", "perl"];
    for (const tools of [
      ["curl", "shasum"],
      ["curl", "openssl"],
      ["wget", "sha256sum"],
    ]) {
      if (tools.some((tool) => Bun.which(tool) === null)) continue;
      lab.publish(`1.0.${tools.join("")}`);
      const { err, exitCode } = await lab.install({ env: { PATH: lab.only(...tools, ...rest) } });
      expect({ tools, err, exitCode }).toEqual({ tools, err: "", exitCode: 0 });
      expect(readFileSync(lab.target, "utf8")).toContain(tools.join(""));
    }
    await lab.refuses(
      { env: { PATH: lab.only(...rest) } },
      "neither curl nor wget is here: install one of them",
    );
    await lab.refuses(
      { env: { PATH: lab.only("curl", ...rest) } },
      "neither sha256sum nor shasum nor openssl is here: nothing could be verified",
    );
  });

  test("a folder that cannot be had, and settings that are wrong, are told of before anything is fetched", async () => {
    await using lab = await Lab.make();
    const file = join(lab.home, "file");
    writeFileSync(file, "");
    const inFile = join(file, "bin");
    await lab.refuses(
      { env: { P2P_INSTALL_DIR: inFile } },
      `the folder ${inFile} cannot be made: set P2P_INSTALL_DIR to another one`,
    );
    mkdirSync(join(lab.home, "taken", "p2p"), { recursive: true });
    await lab.refuses(
      { env: { P2P_INSTALL_DIR: "taken" } },
      `${lab.home}/taken/p2p is a folder: set P2P_INSTALL_DIR to another one than ${lab.home}/taken`,
    );
    await lab.refuses(
      { env: { HOME: "" } },
      "HOME is not set: set P2P_INSTALL_DIR to the folder for the program",
    );
    await lab.refuses({ env: { P2P_VERSION: "../x" } }, "P2P_VERSION is a version like 0.1.0, given: ../x");
    await lab.refuses(
      { env: { P2P_BASE_URL: "/tmp" } },
      "P2P_BASE_URL begins with https:// or http://, given: /tmp",
    );
    await lab.refuses(
      { args: ["--now"] },
      "unknown argument: --now; settings are environment variables, see --help",
    );
    expect(lab.asked).toEqual([]);
    expect((await lab.install({ args: ["--help"] })).out).toContain("P2P_INSTALL_DIR  the folder");
  });

  test.skipIf(process.getuid?.() === 0 && Bun.which("setpriv") === null)(
    "a folder of somebody else is told of",
    async () => {
      await using lab = await Lab.make();
      const folder = join(lab.home, "theirs");
      mkdirSync(folder);
      chmodSync(folder, 0o555);
      // Root without the right to write everywhere: another user could not even come as far as the folder.
      const within = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override"] : [];
      await lab.refuses(
        { env: { P2P_INSTALL_DIR: folder }, within },
        `the folder ${folder} cannot be written to: set P2P_INSTALL_DIR to another one`,
      );
    },
  );

  test.skipIf(whyNoSmallDisk() !== undefined)(
    "a full disk is told of, and nothing is left on it",
    async () => {
      await using lab = await Lab.make();
      mkdirSync(lab.bin, { recursive: true });
      lab.files.set("p2p-linux-x64", "x".repeat(3 << 20));
      for (const loader of ["curl", "wget"]) {
        if (Bun.which(loader) === null) continue;
        // The small disk is seen by this process alone, so it says itself what is left there.
        const text = `${readFileSync(SCRIPT, "utf8").replace('main "$@"\n', "")}( main ) || ls -A "$P2P_INSTALL_DIR"\n`;
        const PATH = lab.only(loader, "mkdir", "mktemp", "rm", "df", "awk", "sha256sum", "ls");
        const { err, out } = await lab.install({
          text,
          env: { PATH, P2P_INSTALL_DIR: lab.bin },
          within: [
            Bun.which("env") ?? "env",
            `PATH=${process.env["PATH"]}`,
            ...withSmallDisk(lab.bin, 1 << 20),
            Bun.which("env") ?? "env",
            `PATH=${lab.pretend(DEBIAN)}:${PATH}`,
          ],
        });
        expect(err).toBe(`error: the disk of ${lab.bin} is full; nothing was installed\n`);
        expect(out.trim().split("\n")).toEqual([`p2p for Linux x64, from ${lab.base}`]);
      }
    },
  );

  test("half a script does nothing at all", async () => {
    await using lab = await Lab.make();
    const text = readFileSync(SCRIPT, "utf8");
    const ends = [...text.matchAll(/\n/g)].map(({ index }) => index);
    expect(text.slice(ends.at(-2))).toBe('\nmain "$@"\n');
    // After a line, or within the next one; and all of the last ones.
    const cuts = [...ends.filter((_, index) => index % 8 === 0), ...ends.slice(-6, -1)].flatMap((end) => [
      end,
      end + 4,
    ]);
    const halves = cuts.map((cut) => text.slice(0, cut)).filter((half) => !half.endsWith("\nmain"));
    const folder = join(lab.home, "halves");
    mkdirSync(folder);
    for (const [index, half] of halves.entries()) writeFileSync(join(folder, `${index}`), half);
    const { out } = await lab.install({ text: `for half in ${folder}/*; do (. "$half"); done; true` });
    expect(out).toBe("");
    expect(lab.asked).toEqual([]);
    expect(existsSync(join(lab.home, ".local"))).toBe(false);
  });

  test.skipIf(Bun.which("shellcheck") === null)(
    "has nothing that shellcheck would say something about",
    () => {
      const checked = Bun.spawnSync(["shellcheck", "-s", "sh", SCRIPT]);
      expect(checked.stdout.toString()).toBe("");
      expect(checked.exitCode).toBe(0);
    },
  );
});
