/**
 * `dqueue profile clear`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { loadConnection, openProfiles } from "./profiles.ts";

/** `profile clear`. */
export const profileClear = command({
  name: "profile clear",
  summary: "Use no profile from now on",
  async run(context) {
    const { path, profiles } = await openProfiles(context);
    if (profiles.current === undefined) {
      context.stdout.line("No profile was in use");
      return;
    }
    const { writeProfiles } = await loadConnection();
    await writeProfiles(path, { profiles: profiles.profiles });
    context.stdout.line(`Profile "${profiles.current}" is no longer in use`);
  },
});
