/**
 * `dqueue cheat`.
 *
 * @module
 */

import { command } from "../program/command.ts";
import { UsageError } from "../errors.ts";
import type { Output } from "../terminal/output.ts";
import { didYouMean } from "../../protocol/suggest.ts";
import { formatTable } from "../terminal/table.ts";
import { CHEAT_SHEETS, type CheatSheet } from "./cheat_sheets.ts";

/** `cheat`. */
export const cheat = command({
  name: "cheat",
  summary: "Show worked examples",
  args: {
    subject: {
      optional: true,
      choices: [...CHEAT_SHEETS.keys(), "all"],
      parse: parseSubject,
      doc: "Subject of the examples; without it, all subjects are listed",
    },
  },
  examples: [{ doc: "Writing messages", command: "dqueue cheat produce" }],
  run({ stdout }, { args: { subject } }) {
    if (subject === undefined) {
      stdout.write(formatTable(
        [
          { heading: "SUBJECT", cell: ([name]) => name, paint: ({ cyan }) => cyan },
          { heading: "ABOUT", cell: ([, { about }]) => about },
        ],
        [...CHEAT_SHEETS],
        stdout,
      ));
      stdout.line();
      stdout.line(`"dqueue cheat SUBJECT" shows its examples, "dqueue cheat all" every one`);
      return;
    }
    const sheets = subject === "all" ? [...CHEAT_SHEETS.values()] : [CHEAT_SHEETS.get(subject)!];
    sheets.forEach((sheet, i) => {
      if (i > 0) stdout.line();
      printSheet(stdout, sheet);
    });
  },
});

function parseSubject(text: string): string {
  if (text === "all" || CHEAT_SHEETS.has(text)) return text;
  const known = [...CHEAT_SHEETS.keys()];
  const near = didYouMean(text, known);
  throw new UsageError(`Cannot find "${text}"${near || `: there are ${known.join(", ")}`}`);
}

function printSheet(stdout: Output, { about, examples }: CheatSheet): void {
  stdout.line(stdout.style.bold(about));
  for (const { doc, command: lines } of examples) {
    stdout.line();
    stdout.line(stdout.style.dim(`# ${doc}`));
    stdout.line(lines);
  }
}
