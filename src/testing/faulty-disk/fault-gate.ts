/**
 * Where every disk call of the transfer passes in a trial: counts them, and makes the chosen one fail, once.
 *
 * A call is known by its name, the file it is about and how many of that kind came before, since calls on different files
 * may change places from run to run. Nothing fails unless something is planned.
 */
import { relative } from "node:path";

/**
 * `short`: it moves half of the bytes, as a disk call may. EPERM, ENOTSUP, EXDEV and EINVAL come of file systems that do not
 * have the call at all, EBUSY of systems where another program's open file is in the way.
 */
export type DiskFault =
  | "ENOSPC"
  | "EDQUOT"
  | "EIO"
  | "EACCES"
  | "EROFS"
  | "EPERM"
  | "ENOTSUP"
  | "EXDEV"
  | "EINVAL"
  | "EBUSY"
  | "short";

export interface PlannedFault {
  /** As in `FaultGate.calls`. */
  readonly call: string;
  readonly fault: DiskFault;
}

export class FaultGate {
  /** Every call so far: `<name> <path from the folder> #<n>`. */
  readonly calls: string[] = [];
  /** Whether the planned fault came. */
  isHit = false;
  #folder = "/";
  #planned: PlannedFault | undefined;
  readonly #counts = new Map<string, number>();
  readonly #paths = new Map<number, string>();

  /** Begins a run in that folder. */
  begin(folder: string, planned?: PlannedFault): void {
    this.#folder = folder;
    this.#planned = planned;
    this.isHit = false;
    this.calls.length = 0;
    this.#counts.clear();
  }

  opened(descriptor: number, path: string): void {
    this.#paths.set(descriptor, path);
  }

  /** The file is closed, whatever is said of it. @throws the planned fault */
  passClosing(descriptor: number): void {
    const path = this.#paths.get(descriptor) ?? "?";
    this.#paths.delete(descriptor);
    this.pass("close", path);
  }

  /** Of files that were opened and not closed. */
  get open(): readonly string[] {
    return [...this.#paths.values()].map((path) => relative(this.#folder, path));
  }

  /** @returns "short" if it is to move fewer bytes. @throws the planned fault */
  pass(name: string, about: string | number): "short" | undefined {
    const path = typeof about === "number" ? (this.#paths.get(about) ?? "?") : about;
    const kind = `${name} ${relative(this.#folder, path) || "."}`;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const call = `${kind} #${count}`;
    this.calls.push(call);
    if (call !== this.#planned?.call) return undefined;
    this.isHit = true;
    const { fault } = this.#planned;
    if (fault === "short") return "short";
    throw Object.assign(new Error(`${fault}: as injected, ${name} '${path}'`), { code: fault });
  }
}

export const gate = new FaultGate();
