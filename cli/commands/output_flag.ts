/**
 * `--output`, which all commands with results have.
 *
 * @module
 */

import type { Flags } from "../program/flag.ts";

/** For people or for scripts. */
export const outputFlag = {
  output: {
    choices: ["table", "json"],
    default: "table",
    doc: "A table for people, or JSON for scripts",
  },
} as const satisfies Flags;
