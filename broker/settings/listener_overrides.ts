/**
 * Settings of one listener, as Kafka writes them: `listener.name.<name>.<setting>`, and for one
 * mechanism of SASL `listener.name.<name>.<mechanism>.<setting>`.
 *
 * As flags and variables they have dashes and underscores, which names of listeners also have: there
 * the setting is the longest one that the text ends with.
 *
 * @module
 */

import type { Setting } from "./setting.ts";

/** Prefix of all such settings. */
export const OVERRIDE_PREFIX = "listener.name.";
/** The same in flags. */
const FLAG_PREFIX = "listener-name-";

/** A setting of a listener. */
export interface ListenerOverride {
  /** The listener, as in the setting's name. */
  readonly listener: string;
  /** The mechanism of SASL that it is for, in lower case; undefined for all. */
  readonly mechanism: string | undefined;
  /** The setting that it replaces. */
  readonly setting: string;
}

const MECHANISMS: readonly string[] = ["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"];

/** Other settings than those of TLS and SASL that a listener can have. */
const OTHERS: readonly string[] = [
  "connections.max.reauth.ms",
  "max.connection.creation.rate",
  "max.connections",
];

/** Whether a listener can have its own value of a setting. */
function canOverride(setting: string): boolean {
  return setting.startsWith("ssl.") || setting.startsWith("sasl.") || OTHERS.includes(setting);
}

/** Whether a name is meant as a setting of a listener, be it a valid one or not. */
export function isOverride(name: string): boolean {
  return name.startsWith(OVERRIDE_PREFIX) || name.startsWith(FLAG_PREFIX);
}

/**
 * Parses the name of a setting of a listener, with dots or as a flag.
 *
 * @param known All settings.
 * @returns The setting, or why there is none.
 */
export function parseOverride(
  name: string,
  known: Readonly<Record<string, Setting>>,
): ListenerOverride | string {
  return name.startsWith(OVERRIDE_PREFIX)
    ? fromDots(name.slice(OVERRIDE_PREFIX.length), known)
    : fromDashes(name.slice(FLAG_PREFIX.length), known);
}

/** The name of a setting of a listener. */
export function formatOverride({ listener, mechanism, setting }: ListenerOverride): string {
  const prefix = mechanism === undefined ? "" : `${mechanism}.`;
  return `${OVERRIDE_PREFIX}${listener}.${prefix}${setting}`;
}

/** What names of one listener have in common, however they are written. */
export function listenerKey(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function fromDots(
  text: string,
  known: Readonly<Record<string, Setting>>,
): ListenerOverride | string {
  const [, listener, rest] = /^([^.]+)\.(.+)$/.exec(text) ?? [];
  if (listener === undefined) return "it is not of the form listener.name.NAME.SETTING";
  const mechanism = MECHANISMS.find((each) => rest!.toLowerCase().startsWith(`${each}.`));
  const setting = mechanism === undefined ? rest! : rest!.slice(mechanism.length + 1);
  if (!Object.hasOwn(known, setting)) return `there is no setting "${setting}"`;
  if (!canOverride(setting)) return `all listeners have the same ${setting}`;
  return { listener: listener.toLowerCase(), mechanism, setting };
}

function fromDashes(
  text: string,
  known: Readonly<Record<string, Setting>>,
): ListenerOverride | string {
  let setting = "";
  for (const name of Object.keys(known)) {
    const isEnd = text.endsWith(`-${name.replaceAll(".", "-")}`);
    if (isEnd && name.length > setting.length && canOverride(name)) setting = name;
  }
  if (setting === "") {
    return "it does not end with a setting that listeners have, such as ssl-client-auth";
  }
  const start = text.slice(0, -setting.length - 1);
  const mechanism = MECHANISMS.find((each) => start.endsWith(`-${each}`));
  const listener = mechanism === undefined ? start : start.slice(0, -mechanism.length - 1);
  return { listener, mechanism, setting };
}
