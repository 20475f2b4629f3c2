/** Somebody logged in at a tracker from a machine of its own, without the program: says whatever it likes. */
import { randomBytes } from "node:crypto";
import { LOOPBACK, Machine } from "./machine.ts";
import { RawLink } from "./raw-link.ts";

export interface FoundFile {
  readonly gid: string;
  readonly file: { readonly fileId: string; readonly size: number };
}

export class TrackerPerson {
  readonly machine: Machine;
  readonly #link: RawLink;

  private constructor(machine: Machine, link: RawLink) {
    this.machine = machine;
    this.#link = link;
  }

  /** @param listensAt where others would find it; nobody needs to be there */
  static async login(trackerPort: number, name: string, listensAt = 9): Promise<TrackerPerson> {
    const machine = await Machine.make();
    const link = new RawLink(await machine.dial(trackerPort));
    await link.call("hello", { version: 1, program: "hostile" });
    const listening = { host: LOOPBACK, port: listensAt };
    await link.call("login", { name, password: "pw", listening });
    return new TrackerPerson(machine, link);
  }

  call<T>(method: string, params: object): Promise<T> {
    return this.#link.call(method, params) as Promise<T>;
  }

  /** A command that changes something. */
  change(method: string, params: object): Promise<unknown> {
    return this.call(method, { ...params, id: randomBytes(16).toString("hex") });
  }

  async grant(gid: string): Promise<string> {
    return (await this.call<{ grant: string }>("grant", { gid })).grant;
  }

  find(group: string, name: string): Promise<FoundFile> {
    return this.call("find_file", { group, name });
  }

  [Symbol.dispose](): void {
    this.#link.close();
  }
}
