/**
 * `dqueue profile use`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { loadConnection, openProfiles } from "./profiles.ts";

/** `profile use`. */
export const profileUse = command({
  name: "profile use",
  summary: "Choose the profile of commands that name no brokers",
  args: { name: { value: "NAME", namesFrom: "profile list", doc: "Name of the profile" } },
  examples: [{ doc: "From now on", command: "dqueue profile use prod" }],
  async run(context, { args: { name } }) {
    const { path, profiles } = await openProfiles(context);
    const { profileNamed, writeProfiles } = await loadConnection();
    profileNamed(profiles, name);
    await writeProfiles(path, { ...profiles, current: name });
    context.stdout.line(`Using profile "${name}"`);
  },
});
