/**
 * `--yes`, for commands that destroy something.
 *
 * @module
 */

import type { Flags } from "../program/flag.ts";

/** Agreement beforehand. No variable: agreeing once must not be agreeing for ever. */
export const yesFlag = {
  yes: { alias: "y", type: "boolean", env: false, doc: "Do not ask; needed without a terminal" },
} as const satisfies Flags;
