/**
 * People who make accounts and groups, ask, are let in, turned away or removed, leave, share and stop sharing, all at
 * once; and a record of what must be there afterwards.
 *
 * Nobody depends on what somebody else does in the same round: of one person in one group either the owner decides in a
 * round or the person does. So between rounds, once the trackers hold the same, it is known of every command that it
 * must succeed. A command without an answer may have been done or not: its person in its group is left alone from then
 * on, and not compared.
 */
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Prng } from "../../src/base/prng.ts";
import type { Client } from "./client.ts";
import { timed } from "./timing.ts";
import type { World } from "./world.ts";

/** What may be told of a command that could not be carried out; its outcome is open then. */
const NO_ANSWER = /^error: (no tracker answers|.*try (again|another))/;

/** One command in so many makes an account, one a group. */
const MAKES_ONE_IN = 12;

/** Told when something was made twice under one name. */
export const RENAMED = /now called|~/;

const REPLIES = {
  create_user: "User created successfully",
  create_group: "Group created successfully",
  join_group: "Join request sent",
  accept_request: "User accepted to group",
  reject_request: "Join request rejected",
  leave_group: "Left group successfully",
  remove_member: "Member removed",
  upload_file: "File uploaded successfully",
  stop_share: "File sharing stopped",
} as const;
type Kind = keyof typeof REPLIES;

type Standing = "none" | "requested" | "member" | "open";

interface Group {
  readonly name: string;
  readonly owner: number;
  /** By person, those other than "none"; "open" after a command without an answer. */
  readonly people: Map<number, Standing>;
  /** Listed files: who shares each. "open" as above. */
  readonly files: Map<string, number | "open">;
}

interface Step {
  readonly kind: Kind;
  readonly words: string;
  /** It was answered with success. */
  readonly done: () => void;
  /** It was not answered. */
  readonly open: () => void;
}

/** What is seen through one tracker. */
export interface View {
  readonly groups: readonly string[];
  /** By group: members, requests and files, each sorted. */
  readonly inside: Readonly<Record<string, readonly string[]>>;
}

export class Town {
  commands = 0;
  unanswered = 0;
  /** The command that took longest, and how late this machine was meanwhile. */
  longest: { readonly ms: number; readonly lateMs: number; readonly kind: string } = {
    ms: 0,
    lateMs: 0,
    kind: "",
  };
  readonly kinds = new Map<Kind, number>();
  readonly #world: World;
  readonly #clients: readonly Client[];
  readonly #prng: Prng;
  readonly #groups: Group[] = [];
  readonly #openGroups = new Set<string>();
  readonly #users: string[] = [];
  #made = 0;
  /** Of the present round. */
  #answers = 0;
  #watch: { readonly answers: number; readonly resolve: () => void } | undefined;

  /** @param clients logged in, each under its own name with the password `pw` */
  constructor(world: World, clients: readonly Client[], prng: Prng) {
    this.#world = world;
    this.#clients = clients;
    this.#prng = prng;
  }

  /** How many accounts and groups were acknowledged. */
  get made(): { readonly accounts: number; readonly groups: number } {
    return { accounts: this.#clients.length + this.#users.length, groups: this.#groups.length };
  }

  /** All at once, each one command after the other. The trackers hold the same before. */
  async round(round: number, each: number): Promise<void> {
    this.#answers = 0;
    // Groups made in this round are for the next ones.
    const groups = [...this.#groups];
    await Promise.all(
      this.#clients.map(async (client, person) => {
        for (let done = 0; done < each; done++) await this.#run(client, this.#choose(person, round, groups));
      }),
    );
  }

  /** Resolves when so many commands of the present round are answered. */
  answered(answers: number): Promise<void> {
    return new Promise((resolve) => {
      this.#watch = { answers, resolve };
    });
  }

  async #run(client: Client, { kind, words, done, open }: Step): Promise<void> {
    const { value, ms, lateMs } = await timed(() => client.run(`${kind} ${words}`));
    const { lines, error } = value;
    if (ms > this.longest.ms) this.longest = { ms, lateMs, kind };
    this.commands++;
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    if (error === undefined) {
      expect(lines).toEqual([REPLIES[kind]]);
      done();
    } else {
      // Anything else says that what was acknowledged before is gone, or was done twice.
      if (!NO_ANSWER.test(error))
        throw new Error(`${client.name}: ${kind} ${words}: ${error}\n${client.transcript()}`);
      console.error(`${client.name}: ${kind} ${words}: ${error}`);
      this.unanswered++;
      open();
    }
    if (++this.#answers === this.#watch?.answers) this.#watch.resolve();
  }

  #choose(person: number, round: number, groups: readonly Group[]): Step {
    const decides = (owner: number) => (round + owner) % 2 === 0;
    const steps: Step[] = [];
    for (const group of groups) {
      if (group.owner === person) {
        steps.push(this.#upload(group, person));
        if (decides(person)) steps.push(...this.#decisions(group));
      } else if (!decides(group.owner)) {
        steps.push(...this.#ownWishes(group, person));
      }
      steps.push(...this.#stops(group, person, decides(group.owner)));
    }
    const kinds = [...new Set(steps.map(({ kind }) => kind))];
    const makes = this.#prng.below(MAKES_ONE_IN);
    if (makes === 0) return this.#createUser();
    if (makes === 1 || kinds.length === 0) return this.#createGroup(person);
    const kind = this.#pick(kinds);
    return this.#pick(steps.filter((step) => step.kind === kind));
  }

  #createUser(): Step {
    const name = `extra${this.#made++}`;
    const done = () => void this.#users.push(name);
    return { kind: "create_user", words: `${name} pw`, done, open: () => {} };
  }

  #createGroup(owner: number): Step {
    const name = `g${this.#made++}`;
    const done = () => void this.#groups.push({ name, owner, people: new Map(), files: new Map() });
    return { kind: "create_group", words: name, done, open: () => void this.#openGroups.add(name) };
  }

  #decisions(group: Group): Step[] {
    return [...group.people].flatMap(([person, standing]) => {
      const words = `${group.name} u${person}`;
      if (standing === "member") return this.#move("remove_member", words, group, person, "none");
      if (standing !== "requested") return [];
      return [
        this.#move("accept_request", words, group, person, "member"),
        this.#move("reject_request", words, group, person, "none"),
      ];
    });
  }

  #ownWishes(group: Group, person: number): Step[] {
    const standing = group.people.get(person) ?? "none";
    if (standing === "none") return [this.#move("join_group", group.name, group, person, "requested")];
    if (standing !== "member") return [];
    return [this.#move("leave_group", group.name, group, person, "none"), this.#upload(group, person)];
  }

  #move(kind: Kind, words: string, { people, files }: Group, person: number, to: Standing): Step {
    const done = () => {
      if (to === "none") people.delete(person);
      else people.set(person, to);
      // Who is no member shares nothing there.
      if (kind === "leave_group" || kind === "remove_member")
        for (const [name, by] of files) if (by === person) files.delete(name);
    };
    const open = () => {
      people.set(person, "open");
      for (const [name, by] of files) if (by === person) files.set(name, "open");
    };
    return { kind, words, done, open };
  }

  #upload({ name: group, files }: Group, person: number): Step {
    const name = `file${this.#made++}.txt`;
    const path = join(this.#world.dir(`u${person}`, "files"), name);
    writeFileSync(path, `${name} of ${person}`);
    return {
      kind: "upload_file",
      words: `${path} ${group}`,
      done: () => void files.set(name, person),
      open: () => void files.set(name, "open"),
    };
  }

  #stops({ name: group, owner, people, files }: Group, person: number, ownerDecides: boolean): Step[] {
    if (person !== owner && (ownerDecides || people.get(person) !== "member")) return [];
    return [...files].flatMap(([name, by]): Step[] => {
      if (by !== person) return [];
      return [
        {
          kind: "stop_share",
          words: `${group} ${name}`,
          done: () => void files.delete(name),
          open: () => void files.set(name, "open"),
        },
      ];
    });
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#prng.below(from.length)] as T;
  }

  /** @param reader knows one tracker only */
  async seenBy(reader: Client): Promise<View> {
    const inside: Record<string, string[]> = {};
    const groups: string[] = [];
    for (const person of this.#clients.keys()) {
      const owned = this.#groups.filter(({ owner }) => owner === person);
      const commands = owned.flatMap(({ name }) => [
        `list_members ${name}`,
        `list_requests ${name}`,
        `list_files ${name}`,
      ]);
      const [, listed = [], ...replies] = await reader.all([
        `login u${person} pw`,
        "list_groups",
        ...commands,
        "logout",
      ]);
      if (person === 0) groups.push(...listed);
      for (const [index, { name }] of owned.entries())
        inside[name] = ["members", "requests", "files"].map((what, row) =>
          [what, ...firstWords(replies[3 * index + row] ?? [])].join(" "),
        );
    }
    await reader.all(this.#users.flatMap((name) => [`login ${name} pw`, "logout"]));
    expect(reader.told(RENAMED)).toEqual([]);
    return { groups, inside };
  }

  /** What was acknowledged is there, each once, and nothing else but what has no answer. */
  compare({ groups, inside }: View): void {
    const names = firstWords(groups);
    expect(names.filter((name) => !this.#openGroups.has(name))).toEqual(
      this.#groups.map(({ name }) => name).sort(),
    );
    for (const group of this.#groups) {
      const isOpen = (name: string) =>
        group.people.get(Number(name.slice(1))) === "open" || group.files.get(name) === "open";
      const settled = (inside[group.name] ?? []).map((line) => {
        const [what, ...rest] = line.split(" ");
        return [what, ...rest.filter((name) => !isOpen(name))].join(" ");
      });
      expect([group.name, ...settled]).toEqual([group.name, ...expected(group)]);
    }
  }
}

/** The names in a list, sorted. */
function firstWords(lines: readonly string[]): string[] {
  return lines
    .filter((line) => !line.startsWith("No "))
    .map((line) => line.split(/ {2}/)[0] ?? "")
    .sort();
}

function expected({ owner, people, files }: Group): string[] {
  const withStanding = (wanted: Standing) =>
    [...people].flatMap(([person, standing]) => (standing === wanted ? [`u${person}`] : []));
  const listed = [...files].flatMap(([name, by]) => (by === "open" ? [] : [name]));
  const line = (what: string, names: readonly string[]) => [what, ...[...names].sort()].join(" ");
  return [
    line("members", [`u${owner}`, ...withStanding("member")]),
    line("requests", withStanding("requested")),
    line("files", listed),
  ];
}
