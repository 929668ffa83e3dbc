/**
 * What the program says about itself.
 *
 * @module
 */

import { CLIENT_SOFTWARE_VERSION } from "../../client/connection/version.ts";
import type { ProgramSpec } from "../program/program.ts";

/** Version of the program. */
export const VERSION: string = CLIENT_SOFTWARE_VERSION;

/** Name, summary and version of the program. */
export const ABOUT: Pick<ProgramSpec, "name" | "summary" | "version"> = {
  name: "dqueue",
  summary: "A partitioned, durable log that speaks Kafka's protocol",
  version: VERSION,
};
