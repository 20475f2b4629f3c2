/**
 * A client driven through its standard input, as a script would: one command, its reply, the next command.
 *
 * A reply has no end mark on a pipe, so each command is followed by a second one whose reply is always the same. Commands
 * run strictly in order: what comes before that reply belongs to the first.
 */
import { readDownloads, type ShownDownload } from "./downloads.ts";
import { Program } from "./program.ts";

/** A command whose reply has always the same form, whoever is logged in. */
const MARK = { command: "whoami", first: /^user +/, last: /^key +sha256:[0-9a-f]{64}$/ };
const TRACKER_OF_MARK = /^tracker +/;
const MARK_IN_TRANSCRIPT = /^ *(?:> whoami$|out (?:user|listening|tracker|data|limits|refused|key) {2,})/;

/** Told when it happens, in the midst of other replies. */
const EVENT = /^Download complete: /;
const ERROR_EVENT = /^error: download of /;

/** Only so that the question does not slow down what it asks about. */
const POLL_PAUSE_MS = 5;

/** Only one of the two: lines on standard output, or an error. */
export interface Reply {
  readonly lines: readonly string[];
  readonly error: string | undefined;
}

export class Client extends Program {
  #seen = 0;
  #errorsSeen = 0;

  /** @param command one line; not the mark itself */
  async run(command: string): Promise<Reply> {
    this.write(`${command}\n${MARK.command}\n`);
    return await this.#reply(command);
  }

  /** As from a script: all commands go in at once, and run one after the other. @throws if one failed */
  async all(commands: readonly string[]): Promise<readonly (readonly string[])[]> {
    this.write(commands.map((command) => `${command}\n${MARK.command}\n`).join(""));
    const replies: (readonly string[])[] = [];
    for (const command of commands) replies.push(this.#lines(command, await this.#reply(command)));
    return replies;
  }

  async #reply(command: string): Promise<Reply> {
    const from = this.#seen;
    const end = await this.until(`the end of the reply to ${command}`, () => {
      const at = this.out.findIndex((line, index) => index >= from && MARK.last.test(line));
      return at < 0 ? undefined : at;
    });
    this.#seen = end + 1;
    const told = this.out.slice(from, end + 1).filter((line) => !EVENT.test(line));
    const lines = told.slice(
      0,
      told.findLastIndex((line) => MARK.first.test(line)),
    );
    // Standard error is another pipe: its line may come later than the mark.
    const error = lines.length > 0 ? undefined : await this.#nextError(command);
    return { lines, error };
  }

  /** @returns the reply's lines @throws if the command failed */
  async ok(command: string): Promise<readonly string[]> {
    return this.#lines(command, await this.run(command));
  }

  #lines(command: string, { lines, error }: Reply): readonly string[] {
    if (error !== undefined) throw new Error(`${this.name}: ${command}: ${error}\n${this.transcript()}`);
    return lines;
  }

  /** @returns the error line @throws if the command succeeded */
  async refused(command: string): Promise<string> {
    const { lines, error } = await this.run(command);
    if (error === undefined)
      throw new Error(`${this.name}: not refused: ${command}: ${lines.join(" | ")}\n${this.transcript()}`);
    return error;
  }

  /** The address of the tracker that answered when the last command had ended. */
  get tracker(): string | undefined {
    return this.out.findLast((line) => TRACKER_OF_MARK.test(line))?.replace(TRACKER_OF_MARK, "");
  }

  /** Lines on standard error like that, so far. */
  told(pattern: RegExp): readonly string[] {
    return this.err.filter((line) => pattern.test(line));
  }

  /** Resolves when the file at `path` has been told to be complete, `times` times in this process's life. */
  async downloaded(path: string, times = 1): Promise<void> {
    await this.until(`Download complete: ${path}`, () => {
      const told = this.out.filter((line) => line === `Download complete: ${path}`).length;
      return told >= times ? true : undefined;
    });
  }

  /** Without the marks. */
  override transcript(): string {
    return super
      .transcript()
      .split("\n")
      .filter((line) => !MARK_IN_TRANSCRIPT.test(line))
      .join("\n");
  }

  /** What `show_downloads` says. */
  async downloads(): Promise<readonly ShownDownload[]> {
    return readDownloads(await this.ok("show_downloads"));
  }

  /** Asks for the one download again and again until it is as wanted. */
  async download(what: string, wanted: (shown: ShownDownload) => boolean): Promise<ShownDownload> {
    const deadline = performance.now() + this.waitMsMax;
    for (;;) {
      const [shown] = await this.downloads();
      if (shown !== undefined && wanted(shown)) return shown;
      if (performance.now() > deadline)
        throw new Error(`${this.name}: not within ${this.waitMsMax} ms: ${what}\n${this.transcript()}`);
      await Bun.sleep(POLL_PAUSE_MS);
    }
  }

  async #nextError(command: string): Promise<string> {
    const isError = (line: string) => line.startsWith("error: ") && !ERROR_EVENT.test(line);
    const error = await this.until(
      `a reply or an error for ${command}`,
      () => this.err.filter(isError)[this.#errorsSeen],
    );
    this.#errorsSeen++;
    return error;
  }
}
