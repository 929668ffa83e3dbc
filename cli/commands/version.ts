/**
 * `dqueue version`.
 *
 * @module
 */

import { CLIENT_SOFTWARE_VERSION } from "../../client/connection/version.ts";
import { command } from "../program/command.ts";
import { writeJsonDocument } from "../records/json.ts";
import { outputFlag } from "./output_flag.ts";

/** Version of the program. */
export const VERSION: string = CLIENT_SOFTWARE_VERSION;

/** `version`. */
export const version = command({
  name: "version",
  summary: "Show the version of the program and its runtime",
  flags: outputFlag,
  run({ stdout }, { flags }) {
    const { deno, v8 } = Deno.version;
    const { target } = Deno.build;
    if (flags.output === "json") writeJsonDocument(stdout, { version: VERSION, deno, v8, target });
    else stdout.line(`dqueue ${VERSION} (deno ${deno}, v8 ${v8}, ${target})`);
  },
});
