/**
 * `dqueue profile list`.
 *
 * @module
 */

import type { Profile } from "../../connection/mod.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { outputFlag } from "../output_flag.ts";
import { openProfiles, profileToJson, usesTls } from "./profiles.ts";

interface Row {
  readonly name: string;
  readonly profile: Profile;
  readonly isCurrent: boolean;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: "PROFILE", cell: ({ name, isCurrent }) => `${name}${isCurrent ? " (in use)" : ""}` },
  { heading: "BROKERS", cell: ({ profile }) => profile.brokers?.join(",") ?? "", maxWidth: 60 },
  { heading: "TLS", cell: ({ profile }) => usesTls(profile) ? "yes" : "no" },
  { heading: "USER", cell: ({ profile }) => profile.user ?? "" },
];

/** `profile list`. */
export const profileList = command({
  name: "profile list",
  summary: "List profiles",
  flags: outputFlag,
  async run(context, { flags }) {
    const { profiles: { current, profiles } } = await openProfiles(context);
    const rows = Object.entries(profiles)
      .map(([name, profile]) => ({ name, profile, isCurrent: name === current }))
      .sort((a, b) => a.name < b.name ? -1 : 1);
    if (flags.output === "json") {
      const json = rows.map(({ name, profile, isCurrent }) =>
        profileToJson(name, profile, isCurrent)
      );
      return writeJsonDocument(context.stdout, json);
    }
    printTable(context, COLUMNS, rows, 'No profiles; "dqueue profile create NAME" creates one');
  },
});
