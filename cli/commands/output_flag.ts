/**
 * The `--output` flag of all commands with results.
 *
 * @module
 */

import type { Flags } from "../program/flag.ts";

/** Text for people or JSON for scripts. */
export const outputFlag = {
  output: {
    choices: ["table", "json"],
    default: "table",
    doc: "A table for people, or JSON for scripts",
  },
} as const satisfies Flags;
