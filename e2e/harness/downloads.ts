/** What `show_downloads` says, read back: two lines a download, the second one in words for people. */
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export interface ShownSource {
  readonly user: string;
  readonly address: string;
  /** Of verified pieces, with three digits of precision. */
  readonly bytes: number;
}

export interface ShownDownload {
  readonly state: "D" | "C" | "P" | "F";
  readonly group: string;
  readonly name: string;
  /** The whole second line. */
  readonly details: string;
  /** Of what is on disk; 100 when complete. */
  readonly percent: number;
  readonly sources: readonly ShownSource[];
  /** Fetched before the program was started this time. */
  readonly earlierBytes: number;
  /** User and number of wrong pieces of those that are not asked any more. */
  readonly dropped: readonly { readonly user: string; readonly wrongPieces: number }[];
}

export function readDownloads(lines: readonly string[]): ShownDownload[] {
  if (lines.length === 1 && lines[0] === "No downloads") return [];
  if (lines.length % 2 !== 0) throw new Error(`not two lines a download:\n${lines.join("\n")}`);
  return Array.from({ length: lines.length / 2 }, (_, at) =>
    readOne(lines[at * 2] ?? "", lines[at * 2 + 1] ?? ""),
  );
}

function readOne(first: string, details: string): ShownDownload {
  const found = /^\[([DCPF])\] \[(\S+)\] (.+)$/.exec(first);
  if (!found) throw new Error(`not a download: ${first}`);
  const [, state, group = "", name = ""] = found;
  return {
    state: state as ShownDownload["state"],
    group,
    name,
    details,
    percent: state === "C" ? 100 : Number(/(\d+)% of /.exec(details)?.[1] ?? Number.NaN),
    sources: [...details.matchAll(/([\d.]+) (\w+)(?: \([^()]*\))? from (\S+)@([^\s,;]+)/g)].map(
      ([, amount, unit, user = "", address = ""]) => ({
        user,
        address,
        bytes: bytesOf(amount, unit),
      }),
    ),
    earlierBytes: sum(
      [...details.matchAll(/([\d.]+) (\w+)(?: \([^()]*\))? earlier/g)].map(([, amount, unit]) =>
        bytesOf(amount, unit),
      ),
    ),
    dropped: [...details.matchAll(/\bdropped (\S+)@\S+ \((\d+) wrong piece/g)].map(
      ([, user = "", wrongPieces]) => ({
        user,
        wrongPieces: Number(wrongPieces),
      }),
    ),
  };
}

function bytesOf(amount: string | undefined, unit: string | undefined): number {
  const power = UNITS.indexOf(unit ?? "");
  if (power < 0) throw new Error(`not a number of bytes: ${amount} ${unit}`);
  return Number(amount) * 1024 ** power;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
