/**
 * `dqueue profile describe`.
 *
 * @module
 */

import { CommandError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { outputFlag } from "../output_flag.ts";
import { loadConnection, openProfiles, profileToJson } from "./profiles.ts";

const COLUMNS: readonly Column<readonly [name: string, value: string]>[] = [
  { heading: "SETTING", cell: ([name]) => name },
  { heading: "VALUE", cell: ([, value]) => value },
];

/** `profile describe`. */
export const profileDescribe = command({
  name: "profile describe",
  summary: "Show what a profile says, without its password",
  args: {
    name: {
      value: "NAME",
      namesFrom: "profile list",
      optional: true,
      doc: "Name of the profile; without it, the one in use",
    },
  },
  flags: outputFlag,
  async run(context, { args, flags }) {
    const { profiles } = await openProfiles(context);
    const { profileNamed } = await loadConnection();
    const name = args.name ?? profiles.current;
    if (name === undefined) {
      throw new CommandError('No profile is in use; "dqueue profile list" lists them');
    }
    const json = profileToJson(name, profileNamed(profiles, name), name === profiles.current);
    if (flags.output === "json") return writeJsonDocument(context.stdout, json);
    const rows = Object.entries(json as Record<string, unknown>)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key.replaceAll("_", " "), String(value)] as const);
    printTable(context, COLUMNS, rows, "");
  },
});
