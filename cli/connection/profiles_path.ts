/**
 * Where the profiles of the user are.
 *
 * @module
 */

import type { Context } from "../terminal/context.ts";

/** The file with the profiles of the user; undefined without a home. */
export function profilesPath(context: Pick<Context, "env">): string | undefined {
  const folder = context.env("XDG_CONFIG_HOME") || context.env("APPDATA");
  if (folder) return `${folder}/dqueue/profiles.json`;
  const home = context.env("HOME");
  return home ? `${home}/.config/dqueue/profiles.json` : undefined;
}
