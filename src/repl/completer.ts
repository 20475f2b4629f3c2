/**
 * What Tab offers at the prompt: commands, and for each argument what it may be: of the tracker, of this machine, of the disk.
 *
 * What the tracker says is asked for when it is first wanted and used for a few seconds. A late answer completes nothing
 * any more, but serves the next Tab. Nothing that goes wrong is told: then there is nothing to offer.
 */
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { type GroupName, nameKey, parseGroupName, sameName } from "../base/ids.ts";
import { COMPLETION_FRESH_MS, COMPLETION_MS_MAX } from "../base/limits.ts";
import { forTerminal } from "../base/text.ts";
import type { ClientIntents, GroupView } from "../client/views.ts";
import type { Command, Offer } from "./command.ts";
import { COMMANDS, findCommand, nameOf } from "./commands.ts";
import { type Choice, completion } from "./completion.ts";
import type { Completion } from "./contract.ts";
import { type Option, optionsSoFar } from "./options.ts";
import type { ParserOptions } from "./parser.ts";
import { type WordAtCursor, wordAtCursor } from "./word-at-cursor.ts";

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

export interface CompleterDependencies {
  readonly client: ClientIntents;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
  /** What is in a folder; as far as it is looked at. @throws if it cannot be read */
  readonly listFolder: (path: string) => Promise<readonly FolderEntry[]>;
}

interface Kept {
  readonly sinceMs: number;
  readonly rows: Promise<readonly unknown[]>;
}

const KEPT_MAX = 16;
const GROUP_OFFERS: readonly (Offer | undefined)[] = ["group", "own group", "other group", "left group"];

export class Completer {
  readonly #client: ClientIntents;
  readonly #clock: CompleterDependencies["clock"];
  readonly #listFolder: CompleterDependencies["listFolder"];
  readonly #options: ParserOptions;
  readonly #kept = new Map<string, Kept>();

  constructor({ client, clock, listFolder }: CompleterDependencies, options: ParserOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#listFolder = listFolder;
    this.#options = options;
  }

  readonly complete = async (line: string): Promise<Completion | undefined> => {
    const late = Promise.withResolvers<undefined>();
    const cancel = this.#clock.after(COMPLETION_MS_MAX, () => late.resolve(undefined));
    try {
      return await Promise.race([this.#complete(line), late.promise]);
    } catch {
      return undefined;
    } finally {
      cancel();
    }
  };

  async #complete(line: string): Promise<Completion | undefined> {
    const { windows } = this.#options;
    const word = wordAtCursor(line, this.#options);
    const found = word.before.length === 0 ? undefined : findCommand(word.before);
    if (found === undefined || found instanceof Failure)
      return completion(asName(line, word), commandNames(), windows);
    const { command, args } = found;
    const { words, awaits, isOpen } = optionsSoFar(command.options, args);
    if (awaits !== undefined) return completion(word, asChoices(awaits.choices ?? []), windows);
    if (isOpen && word.text.startsWith("-"))
      return completion(word, optionChoices(command.options, word.text), windows);
    const offer = command.offers[words.length] ?? (command.repeatsLast ? command.offers.at(-1) : undefined);
    if (offer !== undefined)
      return completion(word, await this.#choices(offer, groupOf(command, words), word), windows);
    // Where there is nothing else to offer, what is not well known.
    const isFree = isOpen && words.length >= command.needs && word.text === "";
    return isFree ? completion(word, optionChoices(command.options, ""), windows) : undefined;
  }

  async #choices(offer: Offer, group: GroupName | undefined, word: WordAtCursor): Promise<readonly Choice[]> {
    if (offer === "command") return commandNames();
    if (offer === "direction") return asChoices(["down", "up"]);
    if (offer === "path" || offer === "folder") return this.#paths(word, offer === "folder");
    const names = await this.#names(offer, group);
    return offer === "file" || offer === "download" || offer === "share"
      ? asTree(names, word.text)
      : asChoices(names);
  }

  #names(offer: Exclude<Offer, "command" | "direction" | "path" | "folder">, group: GroupName | undefined) {
    const client = this.#client;
    const isThere = (one: { readonly group: GroupName }) => isAlike(one.group, group);
    switch (offer) {
      case "group":
        return this.#groups(({ standing }) => standing === "owner" || standing === "member");
      case "own group":
        return this.#groups(({ standing }) => standing === "owner");
      case "other group":
        return this.#groups(({ standing }) => standing === "none");
      case "left group":
        return this.#groups(({ standing }) => standing === "member" || standing === "requested");
      case "member":
        return this.#ofGroup("members", group, async (name) =>
          (await client.listMembers(name)).filter(({ owner }) => !owner).map((member) => member.name),
        );
      case "requester":
        return this.#ofGroup("requests", group, (name) => client.listRequests(name));
      case "file":
        return this.#ofGroup("files", group, async (name) =>
          (await client.listFiles(name)).map((file) => file.name),
        );
      case "share":
        return Promise.resolve(
          client
            .showShares()
            .filter(isThere)
            .map(({ name }) => name),
        );
      case "download":
        return Promise.resolve(
          client
            .showDownloads()
            .filter(isThere)
            .map(({ name }) => name),
        );
    }
  }

  async #groups(isMeant: (group: GroupView) => boolean): Promise<readonly string[]> {
    const groups = await this.#keep("groups", () => this.#client.listGroups());
    return groups.filter(isMeant).map(({ name }) => name);
  }

  async #ofGroup(
    what: string,
    group: GroupName | undefined,
    ask: (group: GroupName) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    return group === undefined ? [] : this.#keep(`${what} of ${nameKey(group)}`, () => ask(group));
  }

  /** Asks, or gives what was said just now. The user is a part of the key: another one may see other things. */
  #keep<Row>(what: string, ask: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
    const key = `${what} for ${this.#client.whoAmI().user}`;
    const nowMs = this.#clock.monotonicMs();
    const kept = this.#kept.get(key);
    if (kept !== undefined && nowMs - kept.sinceMs < COMPLETION_FRESH_MS)
      return kept.rows as Promise<readonly Row[]>;
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    const rows = ask();
    this.#kept.set(key, { sinceMs: nowMs, rows });
    rows.catch(() => this.#kept.delete(key));
    return rows;
  }

  async #paths({ text, atHome }: WordAtCursor, foldersOnly: boolean): Promise<readonly Choice[]> {
    const { home, windows } = this.#options;
    const end = Math.max(text.lastIndexOf("/"), windows ? text.lastIndexOf("\\") : -1) + 1;
    const typed = text.slice(0, end);
    const folder = atHome ? home + typed.slice(1) : typed;
    const entries = await this.#listFolder(folder === "" ? "." : folder);
    const isWanted = ({ name, isFolder }: FolderEntry) =>
      (isFolder || !foldersOnly) &&
      (text.startsWith(".", end) || !name.startsWith(".")) &&
      // Such a name can be typed by nobody: the parser takes no control characters.
      forTerminal(name) === name;
    return entries.filter(isWanted).map(({ name, isFolder }) => {
      const shown = isFolder ? `${name}/` : name;
      return { word: typed + shown, shown, open: isFolder };
    });
  }
}

/** All that was typed, as the name of a command: `create us` may become `create_user`. */
function asName(line: string, { before, text }: WordAtCursor): WordAtCursor {
  const start = line.length - line.trimStart().length;
  const name = nameOf([...before, text]);
  return { before: [], start, raw: line.slice(start), text: name, quote: "", atHome: false };
}

function commandNames(): Choice[] {
  return asChoices([...COMMANDS.keys()]);
}

function asChoices(words: readonly string[]): Choice[] {
  return words.map((word) => ({ word }));
}

/** Of names that lead through folders, as a folder shows what is in it: one step further than was typed. */
function asTree(names: readonly string[], text: string): Choice[] {
  const from = text.lastIndexOf("/") + 1;
  const choices = names
    .filter((name) => isAlike(name.slice(0, from), text.slice(0, from)))
    .map((name) => {
      const end = name.indexOf("/", from) + 1;
      const word = end === 0 ? name : name.slice(0, end);
      return { word, shown: word.slice(from), open: end > 0 };
    });
  return [...new Map(choices.map((choice) => [choice.word, choice])).values()];
}

/** Names of options; behind `--sort=` its values. */
function optionChoices(options: readonly Option<unknown>[], text: string): Choice[] {
  const head = text.slice(0, text.indexOf("=") + 1);
  if (head === "") return asChoices(options.map(({ name }) => `--${name}`));
  const option = options.find(({ name }) => `--${name}=` === head.toLowerCase());
  return (option?.choices ?? []).map((choice) => ({ word: head + choice, shown: choice }));
}

function groupOf({ offers }: Command, args: readonly string[]): GroupName | undefined {
  const index = offers.findIndex((offer) => GROUP_OFFERS.includes(offer));
  const group = parseGroupName(args[index] ?? "");
  return group instanceof Failure ? undefined : group;
}

function isAlike(left: string, right: string | undefined): boolean {
  return right !== undefined && sameName(left, right);
}
