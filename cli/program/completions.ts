/**
 * Shell completions, derived from the commands: words, flags, choices and files.
 *
 * Each script follows the typed words in the tree and offers what can come next. It does not
 * connect to a broker, so completion is fast and works offline.
 *
 * @module
 */

import { isBoolean, type NamedFlag } from "./flag.ts";
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
${flagCases(places, bashValues)}  esac
  case "$at" in
${
    places.map(({ words, node, flags }) => {
      const reply = node.command === undefined
        ? bashWords([...node.children.keys()])
        : bashArguments(node);
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

function bashArguments(node: CommandNode): string {
  const { isFile, choices } = argumentHints(node);
  return isFile ? BASH_FILES : choices === undefined ? ":" : bashWords(choices);
}

function bashValues({ flag }: NamedFlag): string {
  if (flag.choices !== undefined) return `${bashWords(flag.choices)}; return`;
  return flag.isFile ? `${BASH_FILES}; return` : "return";
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
${flagCases(places, zshValues, "(")}  esac
  case "$at" in
${
    places.map(({ words, node, flags }) => {
      const flagEntries = flags.map(({ name, flag }) => zshEntry(`--${name}`, flag.doc));
      const children = [...node.children].map(([word, child]) => zshEntry(word, child.summary));
      const reply = node.command === undefined
        ? `entries=(${children.join(" ")}); _describe command entries`
        : zshArguments(node);
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

function zshArguments(node: CommandNode): string {
  const { isFile, choices } = argumentHints(node);
  return isFile ? "_files" : choices === undefined ? ":" : `compadd -- ${choices.join(" ")}`;
}

function zshValues({ flag }: NamedFlag): string {
  if (flag.choices !== undefined) return `compadd -- ${flag.choices.map(quote).join(" ")}; return`;
  return flag.isFile ? "_files; return" : "return";
}

function fishScript(name: string, places: readonly Place[]): string {
  const lines = places.flatMap(({ words, node, flags }) => {
    const start = `complete -c ${name} -n ${fishQuote(`__${name}_at ${fishQuote(words)}`)}`;
    const children = [...node.children].map(([word, child]) => {
      return `${start} -a ${word} -d ${fishQuote(child.summary)}`;
    });
    const { isFile, choices } = argumentHints(node);
    if (isFile) children.push(`${start} -F`);
    if (choices !== undefined) children.push(`${start} -a ${fishQuote(choices.join(" "))}`);
    return [...children, ...flags.map((named) => `${start} ${fishFlag(named)}`)];
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

function fishFlag({ name, flag }: NamedFlag): string {
  const alias = flag.alias === undefined ? "" : ` -s ${flag.alias}`;
  const value = isBoolean(flag)
    ? ""
    : flag.isFile
    ? " -r -F"
    : flag.choices === undefined
    ? " -x"
    : ` -x -a ${fishQuote(flag.choices.join(" "))}`;
  return `-l ${name}${alias}${value} -d ${fishQuote(flag.doc)}`;
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

/** Completions of a command's first argument. */
function argumentHints(node: CommandNode): { isFile: boolean; choices?: readonly string[] } {
  const argument = node.command?.args[0]?.[1];
  const isFile = argument?.isFile === true;
  return argument?.choices === undefined ? { isFile } : { isFile, choices: argument.choices };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
