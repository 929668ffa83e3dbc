/**
 * `dqueue profile create`.
 *
 * @module
 */

import { formatAddress } from "../../../client/connection/address.ts";
import type { Profile } from "../../connection/mod.ts";
import { CommandError, UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import type { FlagValues } from "../../program/flag.ts";
import type { Context } from "../../terminal/context.ts";
import { clusterFlags } from "../connection.ts";
import { loadConnection, openProfiles } from "./profiles.ts";

/** `profile create`. */
export const profileCreate = command({
  name: "profile create",
  summary: "Create a profile, and use it from now on",
  description:
    "A profile says how to connect to a cluster. Commands without --brokers use the profile in " +
    "use. Profiles are in ~/.config/dqueue/profiles.json, which only you can read; a password that " +
    "is entered on the terminal is kept there, of other secrets only the names of their files.",
  args: { name: { value: "NAME", doc: "Name of the profile" } },
  flags: {
    ...clusterFlags,
    brokers: { ...clusterFlags.brokers, required: true },
    replace: { type: "boolean", env: false, doc: "Replace a profile of the same name" },
  },
  examples: [
    {
      doc: "Of a cluster with TLS; the password is asked for",
      command: "dqueue profile create prod -b kafka.example.com:9093 --tls-ca ca.pem --user alice",
    },
    {
      doc: "Without a password in it",
      command: "dqueue profile create ci -b kafka:9092 --user ci --password-file /run/secrets/ci",
    },
  ],
  async run(context, { args: { name }, flags }) {
    const { path, profiles } = await openProfiles(context);
    if (Object.hasOwn(profiles.profiles, name) && !flags.replace) {
      throw new CommandError(`Cannot create profile "${name}": it exists, --replace overwrites it`);
    }
    if (!/^[\w.-]{1,100}$/.test(name)) {
      throw new UsageError(
        `Cannot create profile "${name}": a name has letters, digits, ".", "_" and "-" only`,
      );
    }
    const profile = await profileOf(context, flags);
    for (const path of [profile.tlsCa, profile.tlsCert, profile.tlsKey, profile.passwordFile]) {
      if (path !== undefined && !await exists(path)) {
        context.stderr.line(`Warning: "${path}" does not exist yet`);
      }
    }
    const { writeProfiles } = await loadConnection();
    await writeProfiles(path, {
      current: name,
      profiles: { ...profiles.profiles, [name]: profile },
    });
    context.stdout.line(`Created profile "${name}", which is in use now`);
  },
});

async function profileOf(
  context: Context,
  flags: FlagValues<typeof clusterFlags>,
): Promise<Profile> {
  const { tls, tlsCa, tlsCert, tlsKey, tlsServerName, saslMechanism, user } = flags;
  const given = Object.entries({
    tls,
    tlsCa: absolute("--tls-ca", tlsCa),
    tlsCert: absolute("--tls-cert", tlsCert),
    tlsKey: absolute("--tls-key", tlsKey),
    tlsServerName,
    saslMechanism,
    user,
    passwordFile: absolute("--password-file", flags.passwordFile),
    tokenFile: absolute("--token-file", flags.tokenFile),
    password: await passwordOf(context, flags),
  }).filter(([, value]) => value !== undefined);
  return { brokers: flags.brokers?.map(formatAddress) ?? [], ...Object.fromEntries(given) };
}

/** A password that no file has is asked for now, so that later commands need not. */
async function passwordOf(
  context: Context,
  flags: FlagValues<typeof clusterFlags>,
): Promise<string | undefined> {
  const { user, saslMechanism, passwordFile } = flags;
  if (user === undefined || passwordFile !== undefined || saslMechanism === "OAUTHBEARER") {
    return undefined;
  }
  // Without a terminal, commands get it from the variable, as this one would.
  if (!context.stdinIsTerminal) return undefined;
  const { securityOf } = await loadConnection();
  const { sasl } = await securityOf(context, { user, mechanism: saslMechanism });
  return typeof sasl === "object" && "password" in sasl ? sasl.password : undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** Files are named as seen from this folder. */
function absolute(flag: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  if (path.includes("-----BEGIN ") || path === "-") {
    throw new UsageError(`Cannot keep ${flag} in a profile: it must be the name of a file`);
  }
  return /^([/\\]|[A-Za-z]:)/.test(path) ? path : `${Deno.cwd()}/${path}`;
}
