/**
 * The user's profiles, for the commands that change and show them.
 *
 * @module
 */

import type { Profile, Profiles } from "../../connection/mod.ts";
import { CommandError } from "../../errors.ts";
import type { Json } from "../../records/json.ts";
import type { Context } from "../../terminal/context.ts";

/** Not a literal where it is imported: most commands do not need it. */
const CONNECTION = "../../connection/mod.ts";

/** What reads and writes profiles. */
export function loadConnection(): Promise<typeof import("../../connection/mod.ts")> {
  return import(CONNECTION);
}

/** The profiles with their file. */
export interface OpenProfiles {
  readonly path: string;
  readonly profiles: Profiles;
}

/** @throws {CommandError} If the user has no home, or the file cannot be used. */
export async function openProfiles(context: Context): Promise<OpenProfiles> {
  const { profilesPath, readProfiles } = await loadConnection();
  const path = profilesPath(context);
  if (path === undefined) {
    throw new CommandError("Cannot find the folder of the profiles: HOME is not set");
  }
  return { path, profiles: await readProfiles(path) };
}

/** A profile in JSON, without its password. */
export function profileToJson(name: string, profile: Profile, isCurrent: boolean): Json {
  const { password, ...rest } = profile;
  return {
    name,
    in_use: isCurrent,
    brokers: rest.brokers?.slice() ?? null,
    tls: usesTls(profile),
    tls_ca: rest.tlsCa ?? null,
    tls_cert: rest.tlsCert ?? null,
    tls_key: rest.tlsKey ?? null,
    tls_server_name: rest.tlsServerName ?? null,
    sasl_mechanism: rest.saslMechanism ?? null,
    user: rest.user ?? null,
    has_password: password !== undefined,
    password_file: rest.passwordFile ?? null,
    token_file: rest.tokenFile ?? null,
  };
}

/** Whether connections of a profile are encrypted. */
export function usesTls({ tls, tlsCa, tlsCert, tlsServerName }: Profile): boolean {
  return tls ?? [tlsCa, tlsCert, tlsServerName].some((each) => each !== undefined);
}
