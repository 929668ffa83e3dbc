/**
 * Decides how a command connects: by its flags, which override a Java client's properties or a profile.
 *
 * The profile in use is for commands that name no brokers: its credentials are not for other clusters.
 * A profile that is named is used in any case.
 *
 * @module
 */

import type { SecurityOptions } from "../../client/mod.ts";
import type { BrokerAddress } from "../../client/connection/address.ts";
import { UsageError } from "../errors.ts";
import type { Context } from "../terminal/context.ts";
import { readClientProperties } from "./client_properties.ts";
import {
  type ConnectionSettings,
  type Mechanism,
  mergeSettings,
  type TextSource,
} from "./connection_settings.ts";
import { profileNamed, readProfiles, settingsOfProfile } from "./profile_store.ts";
import { profilesPath } from "./profiles_path.ts";
import { securityOf } from "./security_of.ts";

/** The values of the flags; undefined if not given. */
export interface ConnectionFlagValues {
  readonly brokers: readonly BrokerAddress[] | undefined;
  readonly profile: string | undefined;
  readonly clientConfig: string | undefined;
  readonly tls: boolean | undefined;
  readonly tlsCa: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsServerName: string | undefined;
  readonly saslMechanism: Mechanism | undefined;
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
  readonly tokenFile: string | undefined;
}

/** How to connect. */
export interface ResolvedConnection {
  /** Undefined if nothing names any. */
  readonly brokers: readonly BrokerAddress[] | undefined;
  readonly security: SecurityOptions;
}

/** @throws {UsageError} If something that was given cannot be used. */
export async function resolveConnection(
  context: Context,
  flags: ConnectionFlagValues,
): Promise<ResolvedConnection> {
  const settings = mergeSettings(settingsOfFlags(flags), await baseSettings(context, flags));
  return { brokers: settings.brokers, security: await securityOf(context, settings) };
}

/** What the flags say. */
function settingsOfFlags(flags: ConnectionFlagValues): ConnectionSettings {
  const file = (path: string | undefined, of: string): TextSource | undefined =>
    path === undefined ? undefined : isPem(path) ? { text: path } : { file: path, of };
  return {
    brokers: flags.brokers,
    tls: flags.tls,
    ca: file(flags.tlsCa, "--tls-ca"),
    cert: file(flags.tlsCert, "--tls-cert"),
    key: file(flags.tlsKey, "--tls-key"),
    serverName: flags.tlsServerName,
    mechanism: flags.saslMechanism,
    user: flags.user,
    password: file(flags.passwordFile, "--password-file"),
    token: file(flags.tokenFile, "--token-file"),
  };
}

/** A variable can have the content instead of the name of a file. */
function isPem(text: string): boolean {
  return text.includes("-----BEGIN ");
}

async function baseSettings(
  context: Context,
  { brokers, profile, clientConfig }: ConnectionFlagValues,
): Promise<ConnectionSettings> {
  if (clientConfig !== undefined) {
    if (profile === undefined) return await readClientProperties(context, clientConfig);
    throw new UsageError("Cannot use both --client-config and --profile: each says how to connect");
  }
  if (profile === undefined && brokers !== undefined) return {};
  const path = profilesPath(context);
  if (path === undefined) {
    if (profile === undefined) return {};
    throw new UsageError(`Cannot use --profile: HOME is not set, so there are no profiles`);
  }
  const profiles = await readProfiles(path);
  const name = profile ?? profiles.current;
  return name === undefined ? {} : settingsOfProfile(profileNamed(profiles, name), name);
}
