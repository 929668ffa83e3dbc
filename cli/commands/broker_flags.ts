/**
 * The broker's settings as flags of `serve`, derived from the broker's own table.
 *
 * @module
 */

import type { Setting } from "../../broker/setting.ts";
import { flagOf, SETTING_NAMES, type SettingName, SETTINGS } from "../../broker/settings.ts";
import type { Flag, Flags } from "../flag.ts";
import { withoutUnit, withUnit } from "../units.ts";

/** Where a setting is listed in the help: the first heading that fits its name. */
const GROUPS: readonly (readonly [heading: string | undefined, names: RegExp])[] = [
  [undefined, /^(listeners|log\.dirs|log\.level)$/],
  ["Cluster", /^(node\.id|cluster\.id|broker\.rack|advertised\.listeners)$/],
  ["Durability", /^(log\.flush\.|min\.insync)/],
  ["Retention and compaction", /^(log\.retention\.|log\.clean|log\.segment\.delete)/],
  ["Segments of the log", /^(log\.segment\.|log\.roll\.|log\.index\.)/],
  ["Topics", /(topic\.enable|topics\.enable|^num\.partitions|^default\.replication)/],
  ["Messages", /^(message\.|compression\.|log\.message\.|producer\.id)/],
  ["Consumer groups", /^(group\.|offset\.|offsets\.)/],
  ["Connections, requests and memory", /./],
];

/**
 * A flag for each setting. Its value is the text for the broker, whose own parser has accepted it, or
 * undefined, so that the broker can tell what was set from what is a default.
 */
export function brokerFlags(): Flags {
  const groups = new Map(GROUPS.map(([heading]) => [heading, [] as [string, Flag][]]));
  for (const name of SETTING_NAMES) {
    const [heading] = GROUPS.find(([, names]) => names.test(name))!;
    const key = SETTINGS[name].flag ?? name;
    groups.get(heading)!.push([key, settingFlag(name, heading)]);
  }
  return Object.fromEntries([...groups.values()].flat());
}

/** Values of {@linkcode brokerFlags}, as `parseBrokerConfig()` takes them. */
export function brokerConfigInputs(
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(SETTING_NAMES.map((name) => {
    const key = SETTINGS[name].flag ?? name;
    return [flagOf(name), values[key]];
  }));
}

function settingFlag(name: SettingName, group: string | undefined): Flag {
  const setting: Setting = SETTINGS[name] as Setting;
  const fallback = setting.format(setting.default);
  return {
    doc: setting.doc,
    parse: (text) => {
      const plain = withoutUnit(name, text);
      setting.parse(plain);
      return plain;
    },
    fileNames: [name],
    // Where there is no default, the description says what counts.
    fallback: fallback === null ? "" : withUnit(name, fallback),
    ...(setting.type === "boolean" ? { type: "boolean" } : { value: placeholder(name, setting) }),
    ...(setting.choices === undefined ? {} : { choices: setting.choices }),
    ...(setting.type === "list" ? { separator: "," } : {}),
    ...(group === undefined ? {} : { group }),
    ...(name === "log.dirs" ? { isFile: true } : {}),
  };
}

function placeholder(name: SettingName, { type }: Setting): string {
  if (name === "log.dirs") return "DIR";
  if (name.endsWith("listeners")) return "HOST:PORT";
  if (name.endsWith(".ms")) return "DURATION";
  if (name.endsWith(".bytes")) return "SIZE";
  return type === "int" || type === "long" || type === "double" ? "N" : "VALUE";
}
