/** Runs a program of this machine to its end, for scripts that need what it makes or says. */

export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** @returns what it said on standard output @throws with all that it said, if it failed */
export async function runTool(command: readonly string[], options: ToolOptions = {}): Promise<string> {
  const child = Bun.spawn([...command], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${`${out}${err}`.trim()}`);
  return out.trim();
}
