/**
 * `dqueue version`.
 *
 * @module
 */

import { command } from "../program/command.ts";
import { writeJsonDocument } from "../records/json.ts";
import { VERSION } from "./about.ts";
import { outputFlag } from "./output_flag.ts";

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
