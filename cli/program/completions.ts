/**
 * Shell completions, derived from the commands: words, flags, choices and files.
 *
 * Each script follows the typed words in the tree and offers what can come next. It does not
 * connect to a broker, so completion is fast and works offline. Names that only the program knows, such
 * as those of profiles, are in the first column of a table that the script has it print.
 *
 * @module
 */

import { isBoolean, type NamedFlag, type ValueSpec } from "./flag.ts";
import { type CommandNode, type Program, PROGRAM_FLAGS } from "./program.ts";

/** Supported shells. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A supported shell. */
export type Shell = typeof SHELLS[number];

/** Completions at a node of the tree. */
interface Place {
  /** Words of the node, each preceded by a blank; empty at the root. */
  readonly words: string;
  readonly node: CommandNode;
  readonly flags: readonly NamedFlag[];
}

/** Returns the script that adds completions for the program to a shell. */
export function completionScript(program: Program, shell: Shell): string {
  const places = placesOf(program, program.root);
  switch (shell) {
    case "bash":
      return bashScript(program.name, places);
    case "zsh":
      return zshScript(program.name, places);
    case "fish":
      return fishScript(program.name, places);
  }
}

function placesOf(program: Program, node: CommandNode): Place[] {
  const flags = node.command === undefined ? PROGRAM_FLAGS : program.flagsOf(node.command)
    .filter(({ flag }) => flag.isRare !== true && flag.suffix === undefined);
  const here = { words: node.words.map((word) => ` ${word}`).join(""), node, flags };
  return [here, ...[...node.children.values()].flatMap((child) => placesOf(program, child))];
}

function bashScript(name: string, places: readonly Place[]): string {
  return `# bash completion for ${name}: put this into ~/.bashrc
#   source <(${name} completions bash)
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at= i
  # Bash takes --flag=value for three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]] && ((COMP_CWORD > 1)); then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${wordPatterns(places, "|")}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at $prev" in
${flagCases(places, (flag) => bashValues(name, flag))}  esac
  case "$at" in
${
    places.map(({ words, node, flags }) => {
      const reply = node.command === undefined
        ? bashWords([...node.children.keys()])
        : bashArguments(name, node);
      return `    ${quote(words)})
      if [[ $cur == -* ]]; then ${bashWords(flags.map((each) => `--${each.name}`))}
      else ${reply}; fi ;;
`;
    }).join("")
  }  esac
}
complete -F _${name} ${name}
`;
}

function bashWords(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W ${quote(words.join(" "))} -- "$cur"))`;
}

const BASH_FILES = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur")';

function bashArguments(name: string, node: CommandNode): string {
  return bashHints(name, argumentHints(node)) ?? ":";
}

function bashValues(name: string, { flag }: NamedFlag): string {
  const hints = bashHints(name, flag);
  return hints === undefined ? "return" : `${hints}; return`;
}

function bashHints(name: string, { isFile, choices, namesFrom }: Hints): string | undefined {
  if (choices !== undefined) return bashWords(choices);
  if (namesFrom !== undefined) {
    return `COMPREPLY=($(compgen -W "$(${namesOf(name, namesFrom)})" -- "$cur"))`;
  }
  return isFile ? BASH_FILES : undefined;
}

function zshScript(name: string, places: readonly Place[]): string {
  return `#compdef ${name}
# zsh completion for ${name}: put this into ~/.zshrc, after compinit
#   source <(${name} completions zsh)
_${name}() {
  local at= prev=\${words[CURRENT-1]} i
  local -a entries
  if [[ $PREFIX == --*=* ]]; then
    prev=\${PREFIX%%=*}
    compset -P '*='
  fi
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      (${wordPatterns(places, "|")}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at $prev" in
${flagCases(places, (flag) => zshValues(name, flag), "(")}  esac
  case "$at" in
${
    places.map(({ words, node, flags }) => {
      const flagEntries = flags.map(({ name, flag }) => zshEntry(`--${name}`, flag.doc));
      const children = [...node.children].map(([word, child]) => zshEntry(word, child.summary));
      const reply = node.command === undefined
        ? `entries=(${children.join(" ")}); _describe command entries`
        : zshArguments(name, node);
      return `    (${quote(words)})
      if [[ $PREFIX == -* ]]; then entries=(${flagEntries.join(" ")}); _describe -o flag entries
      else ${reply}; fi ;;
`;
    }).join("")
  }  esac
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function zshEntry(word: string, doc: string): string {
  return quote(doc === "" ? word : `${word.replaceAll(":", "\\:")}:${doc}`);
}

function zshArguments(name: string, node: CommandNode): string {
  return zshHints(name, argumentHints(node)) ?? ":";
}

function zshValues(name: string, { flag }: NamedFlag): string {
  const hints = zshHints(name, flag);
  return hints === undefined ? "return" : `${hints}; return`;
}

function zshHints(name: string, { isFile, choices, namesFrom }: Hints): string | undefined {
  if (choices !== undefined) return `compadd -- ${choices.map(quote).join(" ")}`;
  if (namesFrom !== undefined) return `compadd -- \${(f)"$(${namesOf(name, namesFrom)})"}`;
  return isFile ? "_files" : undefined;
}

function fishScript(name: string, places: readonly Place[]): string {
  const lines = places.flatMap(({ words, node, flags }) => {
    const start = `complete -c ${name} -n ${fishQuote(`__${name}_at ${fishQuote(words)}`)}`;
    const children = [...node.children].map(([word, child]) => {
      return `${start} -a ${word} -d ${fishQuote(child.summary)}`;
    });
    const hints = fishHints(name, argumentHints(node));
    if (hints !== undefined) children.push(`${start} ${hints}`);
    return [...children, ...flags.map((named) => `${start} ${fishFlag(name, named)}`)];
  });
  return `# fish completion for ${name}: put this into ~/.config/fish/config.fish
#   ${name} completions fish | source
function __${name}_at
  set -l at
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${wordPatterns(places, " ")}
        set at "$at $word"
    end
  end
  test "$at" = "$argv[1]"
end
complete -c ${name} -f
${lines.join("\n")}
`;
}

function fishFlag(program: string, { name, flag }: NamedFlag): string {
  const alias = flag.alias === undefined ? "" : ` -s ${flag.alias}`;
  const hints = fishHints(program, flag);
  const value = isBoolean(flag)
    ? ""
    : hints === undefined
    ? " -x"
    : ` ${flag.isFile ? "-r" : "-x"} ${hints}`;
  return `-l ${name}${alias}${value} -d ${fishQuote(flag.doc)}`;
}

function fishHints(name: string, { isFile, choices, namesFrom }: Hints): string | undefined {
  if (choices !== undefined) return `-a ${fishQuote(choices.join(" "))}`;
  if (namesFrom !== undefined) return `-a ${fishQuote(`(${namesOf(name, namesFrom)})`)}`;
  return isFile ? "-F" : undefined;
}

/** What is known about a value. */
type Hints = Pick<ValueSpec, "isFile" | "choices" | "namesFrom">;

/** A command line that prints the first column of a table, without its heading. */
function namesOf(name: string, command: string): string {
  return `${name} ${command} 2>/dev/null | sed -n '2,$s/ .*//p'`;
}

/** Patterns of the words that lead down the tree, for `case` of a shell. */
function wordPatterns(places: readonly Place[], separator: string): string {
  return places.filter(({ words }) => words !== "").map(({ words }) => quote(words)).join(
    separator,
  );
}

/** A `case` branch for each flag with a value, at each node. */
function flagCases(
  places: readonly Place[],
  values: (named: NamedFlag) => string,
  open = "",
): string {
  return places.flatMap(({ words, flags }) => {
    return flags.filter(({ flag }) => !isBoolean(flag)).map((named) => {
      const names = [`--${named.name}`];
      if (named.flag.alias !== undefined) names.push(`-${named.flag.alias}`);
      const patterns = names.map((each) => quote(`${words} ${each}`)).join("|");
      return `    ${open}${patterns}) ${values(named)} ;;\n`;
    });
  }).join("");
}

/** What is known about a command's first argument. */
function argumentHints(node: CommandNode): Hints {
  return node.command?.args[0]?.[1] ?? {};
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
