/**
 * Profiles: clusters with the way to connect to them, by name, in a file of the user.
 *
 *     ~/.config/dqueue/profiles.json   { "current": "prod", "profiles": { "prod": { … } } }
 *
 * It may have passwords, so it is written for its owner alone, in a folder of the owner, and not read
 * if others may read it.
 *
 * @module
 */

import { parseBrokerAddress } from "../../client/connection/address.ts";
import { CommandError, messageOf, UsageError } from "../errors.ts";
import { didYouMean } from "../../protocol/suggest.ts";
import { type ConnectionSettings, MECHANISMS } from "./connection_settings.ts";

/** How to connect to a cluster, by the names of flags; files are absolute paths. */
export interface Profile {
  readonly brokers?: readonly string[];
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  readonly saslMechanism?: typeof MECHANISMS[number];
  readonly user?: string;
  readonly password?: string;
  readonly passwordFile?: string;
  readonly tokenFile?: string;
}

/** The content of the file. */
export interface Profiles {
  /** The name of the profile in use. */
  readonly current?: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

const EMPTY: Profiles = { profiles: {} };
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const BY_OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o022;
/** Properties that are texts. */
const TEXTS = [
  "tlsCa",
  "tlsCert",
  "tlsKey",
  "tlsServerName",
  "user",
  "password",
  "passwordFile",
  "tokenFile",
] as const;

/**
 * Reads the profiles; there are none without a file.
 *
 * @throws {CommandError} If others may read or replace the file, or it is damaged.
 */
export async function readProfiles(path: string): Promise<Profiles> {
  let text: string;
  try {
    ensurePrivate(path, await Deno.stat(path), await Deno.stat(folderOf(path)));
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return EMPTY;
    if (error instanceof CommandError) throw error;
    throw new CommandError(`Cannot read the profiles in "${path}": ${messageOf(error)}`);
  }
  return parseProfiles(text, path);
}

/** @throws {CommandError} If others may read the file, or replace it. */
function ensurePrivate(path: string, file: Deno.FileInfo, folder: Deno.FileInfo): void {
  // Windows has no modes.
  if (file.mode !== null && (file.mode & BY_OTHERS) !== 0) {
    throw new CommandError(
      `Cannot use the profiles in "${path}": others may read them, ` +
        `restrict it with "chmod 600 ${path}"`,
    );
  }
  if (folder.mode !== null && (folder.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new CommandError(
      `Cannot use the profiles in "${path}": others may replace them, ` +
        `restrict it with "chmod 700 ${folderOf(path)}"`,
    );
  }
}

/** Errors never quote the file, which may have passwords. */
function parseProfiles(text: string, path: string): Profiles {
  const damaged = (reason: string) =>
    new CommandError(`Cannot use the profiles in "${path}": ${reason}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw damaged("it is not JSON");
  }
  if (!isObject(json) || !isObject(json.profiles)) throw damaged('it has no "profiles"');
  const profiles: Record<string, Profile> = Object.create(null);
  for (const [name, profile] of Object.entries(json.profiles)) {
    const wrong = isObject(profile) ? wrongProperty(profile) : "it";
    if (wrong !== undefined) throw damaged(`${wrong} of profile "${name}" cannot be used`);
    profiles[name] = profile as Profile;
  }
  if (json.current !== undefined && typeof json.current !== "string") {
    throw damaged('"current" is not a name');
  }
  return { ...(json.current === undefined ? {} : { current: json.current }), profiles };
}

function wrongProperty(profile: Record<string, unknown>): string | undefined {
  const { brokers, tls, saslMechanism } = profile;
  if (brokers !== undefined && !isTextList(brokers)) return '"brokers"';
  if (tls !== undefined && typeof tls !== "boolean") return '"tls"';
  if (saslMechanism !== undefined && !MECHANISMS.some((each) => each === saslMechanism)) {
    return '"saslMechanism"';
  }
  return TEXTS.map((name) => `"${name}"`).find((_, i) => {
    const value = profile[TEXTS[i]!];
    return value !== undefined && typeof value !== "string";
  });
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** Writes the profiles, readable for their owner alone at any time. */
export async function writeProfiles(path: string, profiles: Profiles): Promise<void> {
  const folder = folderOf(path);
  await Deno.mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const temporary = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(temporary, JSON.stringify(profiles, null, 2) + "\n", {
      createNew: true,
      mode: FILE_MODE,
    });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw new CommandError(`Cannot write the profiles to "${path}": ${messageOf(error)}`);
  }
}

/** @throws {UsageError} If there is no such profile. */
export function profileNamed({ profiles }: Profiles, name: string): Profile {
  const profile = profiles[name];
  if (profile !== undefined) return profile;
  const names = Object.keys(profiles);
  const near = didYouMean(name, names) ||
    (names.length === 0
      ? ': there are none, "dqueue profile create" makes one'
      : `: there are ${names.join(", ")}`);
  throw new UsageError(`Unknown profile "${name}"${near}`);
}

/** What a profile says about how to connect. */
export function settingsOfProfile(profile: Profile, name: string): ConnectionSettings {
  const file = (path: string | undefined, key: string) =>
    path === undefined ? undefined : { file: path, of: `${key} of profile "${name}"` };
  return {
    brokers: profile.brokers?.map(parseBrokerAddress),
    tls: profile.tls,
    ca: file(profile.tlsCa, "tlsCa"),
    cert: file(profile.tlsCert, "tlsCert"),
    key: file(profile.tlsKey, "tlsKey"),
    serverName: profile.tlsServerName,
    mechanism: profile.saslMechanism,
    user: profile.user,
    password: profile.password === undefined
      ? file(profile.passwordFile, "passwordFile")
      : { text: profile.password },
    token: file(profile.tokenFile, "tokenFile"),
  };
}

/** The folder of a file. */
function folderOf(path: string): string {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return end === -1 ? "." : end === 0 ? path.slice(0, 1) : path.slice(0, end);
}
