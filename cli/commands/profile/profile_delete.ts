/**
 * `dqueue profile delete`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import { yesFlag } from "../yes_flag.ts";
import { loadConnection, openProfiles } from "./profiles.ts";

/** `profile delete`. */
export const profileDelete = command({
  name: "profile delete",
  summary: "Delete a profile",
  args: { name: { value: "NAME", namesFrom: "profile list", doc: "Name of the profile" } },
  flags: yesFlag,
  async run(context, { args: { name }, flags }) {
    const { path, profiles } = await openProfiles(context);
    const { profileNamed, writeProfiles } = await loadConnection();
    profileNamed(profiles, name);
    await ensureConfirmed(context, `Delete profile "${name}"?`, flags.yes);
    const { [name]: _, ...rest } = profiles.profiles;
    const { current } = profiles;
    await writeProfiles(path, {
      ...(current === undefined || current === name ? {} : { current }),
      profiles: rest,
    });
    context.stdout.line(`Deleted profile "${name}"`);
  },
});
