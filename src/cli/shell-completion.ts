/**
 * What the program takes, as a script that makes a shell complete it: sub-commands, options, and files where one is meant.
 * Pure.
 *
 * A script knows the words that were there when it was printed; it runs the program for nothing.
 */

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export interface CompletedOption {
  /** With its dashes. */
  readonly word: string;
  readonly description: string;
  /** What follows it, if anything does. */
  readonly value: "none" | "folder" | "text";
}

export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** What may stand as its first, second ... word: words to choose from, a file, or what no shell can know. */
  readonly words: readonly ("file" | "unknown" | readonly string[])[];
}

/** @param name of the program */
export function completionScript(shell: Shell, name: string, commands: readonly CompletedCommand[]): string {
  return { bash, zsh, fish }[shell](name, commands);
}

/** How a user makes the shell read it. */
export function completionHint(shell: Shell, name: string): string {
  const path = {
    bash: `~/.local/share/bash-completion/completions/${name}`,
    zsh: `a folder of $fpath, as _${name}`,
    fish: `~/.config/fish/completions/${name}.fish`,
  };
  return `# ${name} for ${shell}: keep this in ${path[shell]}`;
}

function bash(name: string, commands: readonly CompletedCommand[]): string {
  const names = commands.map((each) => each.name).join(" ");
  const folders = optionsWith("folder", commands);
  const texts = optionsWith("text", commands);
  return `${completionHint("bash", name)}
_${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} at=0 i
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names} --help --version" -- "$word"))
    return
  fi
  case "$before" in
    ${folders}) COMPREPLY=($(compgen -d -- "$word")); return ;;
    ${texts}) return ;;
  esac
  for ((i = 2; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i-1]}" in ${folders}|${texts}) continue ;; esac
    case "\${COMP_WORDS[i]}" in -*) ;; *) at=$((at + 1)) ;; esac
  done
  case "\${COMP_WORDS[1]}" in
${commands.map(bashCase).join("\n")}
  esac
}
complete -o filenames -F _${name} ${name}
`;
}

/** Of all commands, as alternatives of a `case`. */
function optionsWith(value: CompletedOption["value"], commands: readonly CompletedCommand[]): string {
  const found = commands.flatMap(({ options }) => options.filter((each) => each.value === value));
  return [...new Set(found.map(({ word }) => word))].join("|");
}

function bashCase({ name, options, words }: CompletedCommand): string {
  const all = [...options.map(({ word }) => word), "--help"].join(" ");
  const places = words.map((word, index) => `        ${index}) ${bashWord(word)} ;;`);
  return `    ${name})
      case "$word" in -*) COMPREPLY=($(compgen -W "${all}" -- "$word")); return ;; esac
      case $at in
${places.join("\n")}
      esac ;;`;
}

function bashWord(word: CompletedCommand["words"][number]): string {
  if (word === "file") return `COMPREPLY=($(compgen -f -- "$word"))`;
  return word === "unknown" ? ":" : `COMPREPLY=($(compgen -W "${word.join(" ")}" -- "$word"))`;
}

/** In single quotes, as zsh and fish both read them; a `'` ends, comes escaped, and begins again. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function zsh(name: string, commands: readonly CompletedCommand[]): string {
  const list = commands.map((each) => `      ${quoted(`${each.name}:${each.description}`)}`);
  return `#compdef ${name}
${completionHint("zsh", name)}
_${name}() {
  local -a commands
  commands=(
${list.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local chosen=$words[2]
  shift words
  (( CURRENT-- ))
  case $chosen in
${commands.map(zshCase).join("\n")}
  esac
}
if [ "$funcstack[1]" = _${name} ]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function zshCase({ name, options, words }: CompletedCommand): string {
  const specs = [
    ...options.map(({ word, description, value }) =>
      quoted(`*${word}[${plain(description)}]${ZSH_VALUES[value]}`),
    ),
    quoted("--help[show what it takes]"),
    ...words.map((word, index) => quoted(`${index + 1}:${zshWord(word)}`)),
  ];
  return `    ${name}) _arguments ${specs.join(" ")} ;;`;
}

const ZSH_VALUES = { none: "", folder: ":folder:_files -/", text: ":text: " } as const;

function zshWord(word: CompletedCommand["words"][number]): string {
  if (word === "file") return "file:_files";
  return word === "unknown" ? "value: " : `word:(${word.join(" ")})`;
}

/** Without what zsh gives a meaning between brackets. */
function plain(text: string): string {
  return text.replace(/[[\]:\\]/g, " ");
}

function fish(name: string, commands: readonly CompletedCommand[]): string {
  const none = `complete -c ${name} -f`;
  const first = commands.map(
    (each) => `complete -c ${name} -n __fish_use_subcommand -a ${each.name} -d ${quoted(each.description)}`,
  );
  return `${[completionHint("fish", name), none, ...first, ...commands.flatMap((each) => fishLines(name, each))].join("\n")}\n`;
}

function fishLines(name: string, { name: command, options, words }: CompletedCommand): string[] {
  const seen = `-n '__fish_seen_subcommand_from ${command}'`;
  const values = { none: "", folder: " -xa '(__fish_complete_directories)'", text: " -x" } as const;
  const flags = options.map(({ word, description, value }) => {
    const flag = word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
    return `complete -c ${name} ${seen} ${flag}${values[value]} -d ${quoted(description)}`;
  });
  const files = words.includes("file") ? [`complete -c ${name} ${seen} -F`] : [];
  const chosen = words.flatMap((word) => (typeof word === "string" ? [] : word));
  const choice = chosen.length === 0 ? [] : [`complete -c ${name} ${seen} -a ${quoted(chosen.join(" "))}`];
  return [...flags, ...files, ...choice];
}
