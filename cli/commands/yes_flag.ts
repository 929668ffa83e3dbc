/**
 * `--yes`, for destructive commands.
 *
 * @module
 */

import type { Flags } from "../program/flag.ts";

/** Confirms in advance. It has no variable, because that would confirm everything. */
export const yesFlag = {
  yes: {
    alias: "y",
    otherNames: ["force"],
    type: "boolean",
    env: false,
    doc: "Do not ask for confirmation; required without a terminal",
  },
} as const satisfies Flags;
