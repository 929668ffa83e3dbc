/**
 * The flag of commands on topics with which the broker validates a request, and changes nothing.
 *
 * @module
 */

import type { Flags } from "../../program/flag.ts";

/** `--dry-run`. */
export const dryRunFlag = {
  dryRun: {
    type: "boolean",
    env: false,
    doc: "Let the broker validate the request, and change nothing",
  },
} as const satisfies Flags;
