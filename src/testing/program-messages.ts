/** The messages of errors of the whole program, each with the file that makes it: what `docs/MESSAGES.md` shows. */
import { join } from "node:path";
import { type ListedMessage, messagesOf } from "./message-list.ts";

export interface ProgramMessage extends ListedMessage {
  /** From `src`, with `/`. */
  readonly file: string;
}

const SOURCE = join(import.meta.dir, "..");

export async function programMessages(): Promise<ProgramMessage[]> {
  const paths = [...new Bun.Glob("**/*.ts").scanSync(SOURCE)].map((path) => path.replaceAll("\\", "/"));
  const program = paths.filter((path) => !/\.(test|contract)\.ts$|^testing\//.test(path)).sort();
  const lists = program.map(async (file) =>
    messagesOf(await Bun.file(join(SOURCE, file)).text()).map((message) => ({ ...message, file })),
  );
  return (await Promise.all(lists)).flat();
}
