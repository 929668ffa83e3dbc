/**
 * `dqueue completions`.
 *
 * @module
 */

import { command } from "../program/command.ts";
import { completionScript } from "../program/completions.ts";
import type { Command } from "../program/command.ts";
import type { Program } from "../program/program.ts";

/**
 * `completions`.
 *
 * @param program Returns the program whose commands are completed.
 */
export function completionsFor(program: () => Program): Command {
  return command({
    name: "completions",
    summary: "Print completions for a shell",
    args: { shell: { choices: ["bash", "zsh", "fish"], doc: "The shell" } },
    examples: [
      { doc: "bash", command: `echo 'source <(dqueue completions bash)' >> ~/.bashrc` },
      {
        doc: "zsh, with a folder of completions in $fpath",
        command: `dqueue completions zsh > "\${fpath[1]}/_dqueue"`,
      },
      {
        doc: "fish",
        command: "dqueue completions fish > ~/.config/fish/completions/dqueue.fish",
      },
    ],
    run({ stdout }, { args }) {
      stdout.write(completionScript(program(), args.shell));
    },
  });
}
