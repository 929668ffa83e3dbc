/**
 * Flags of `serve`, derived from the broker's table of settings.
 *
 * @module
 */

import type { Setting } from "../../../broker/settings/setting.ts";
import {
  flagOf,
  isSettingName,
  KNOWN_SETTING_NAMES,
  knownSetting,
  overrideOf,
} from "../../../broker/settings/settings.ts";
import { messageOf } from "../../errors.ts";
import type { Flag, Flags } from "../../program/flag.ts";
import { withoutUnit, withUnit } from "../../values/units.ts";

const LISTENERS = "Listeners";
/** Key of the flag of all settings of single listeners. */
const OVERRIDES = "listener.name";

/** Heading of a setting in the help: the first one that matches its name. */
const GROUPS: readonly (readonly [heading: string | undefined, names: RegExp])[] = [
  [undefined, /^(listeners|log\.dirs?|log\.level)$/],
  [
    "Cluster",
    /^(node\.id|broker\.id|cluster\.id|broker\.rack|metadata(\..*)?)$/,
  ],
  [LISTENERS, /listener|^security\.inter\.broker/],
  ["Durability", /^(log\.flush\.|min\.insync)/],
  ["Retention and compaction", /^(log\.retention\.|log\.clean|log\.segment\.delete)/],
  ["Segments of the log", /^(log\.segment\.|log\.roll\.|log\.index\.)/],
  ["Topics", /(topic\.enable|topics\.enable|^num\.partitions|^default\.replication)/],
  ["Messages", /^(message\.|compression\.|record\.|log\.message\.|producer\.id)/],
  ["TLS", /^ssl\./],
  ["Consumer groups", /^(group\.|offset\.|offsets\.)/],
  ["Connections, requests and memory", /./],
];

/** Kafka settings that support a single value here. */
const FIXED: readonly [heading: string] = ["Kafka settings with a single supported value"];

/**
 * A flag for each setting. Its value is the text, validated by the broker's parser, or undefined if
 * not set, so the broker can distinguish given values from defaults.
 */
export function brokerFlags(): Flags {
  const groups = new Map([...GROUPS, FIXED].map(([heading]) => [heading, [] as [string, Flag][]]));
  for (const name of KNOWN_SETTING_NAMES) {
    if (!isSettingName(name)) {
      groups.get(FIXED[0])!.push([name, fixedFlag(name)]);
      continue;
    }
    const [heading] = GROUPS.find(([, names]) => names.test(name))!;
    const key = knownSetting(name)!.flag ?? name;
    groups.get(heading)!.push([key, settingFlag(name, heading)]);
  }
  groups.get(LISTENERS)!.push([OVERRIDES, OVERRIDE_FLAG]);
  return Object.fromEntries([...groups.values()].flat());
}

/** Values of {@linkcode brokerFlags}, as input of `parseBrokerConfig()`. */
export function brokerConfigInputs(
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const overrides = values[OVERRIDES] as readonly string[] | undefined ?? [];
  return Object.fromEntries([
    ...KNOWN_SETTING_NAMES.map((name) => {
      const key = knownSetting(name)!.flag ?? name;
      return [flagOf(name), values[key]];
    }),
    ...overrides.map(splitOverride),
  ]);
}

/** The flag of all settings of single listeners. */
const OVERRIDE_FLAG: Flag = {
  doc: "Another value for the listener NAME of a setting that begins with ssl or sasl",
  suffix: "-NAME-SETTING",
  value: "VALUE",
  many: true,
  parse: (text) => {
    const [name, value] = splitOverride(text);
    const override = overrideOf(name);
    if (typeof override !== "object") throw new Error(`--${name}: ${override}`);
    const { setting } = override;
    const plain = withoutUnit(setting, value);
    try {
      knownSetting(setting)!.parse(plain);
    } catch (error) {
      throw new Error(`--${name}: ${messageOf(error)}`);
    }
    return `${name}=${plain}`;
  },
  isSecretName: (name) => {
    const override = overrideOf(name);
    return typeof override === "object" && knownSetting(override.setting)!.isSensitive;
  },
  group: LISTENERS,
};

function splitOverride(text: string): [name: string, value: string] {
  const end = text.indexOf("=");
  return [text.slice(0, end), text.slice(end + 1)];
}

function settingFlag(name: string, group: string | undefined): Flag {
  const setting = knownSetting(name)!;
  const fallback = setting.format(setting.default);
  return {
    doc: setting.doc,
    parse: (text) => {
      const plain = withoutUnit(name, text);
      setting.parse(plain);
      return plain;
    },
    fileNames: [name],
    // Kafka's setting with dashes works in any case.
    ...(setting.flag === undefined ? {} : { otherNames: [name.replaceAll(".", "-")] }),
    // Without a default, the description says what applies.
    fallback: fallback === null ? "" : withUnit(name, fallback),
    ...(setting.type === "boolean" ? { type: "boolean" } : { value: placeholder(name, setting) }),
    ...(setting.choices === undefined ? {} : { choices: setting.choices }),
    ...(setting.type === "list" && !isFolder(name) ? { separator: "," } : {}),
    ...(group === undefined ? {} : { group }),
    ...(isFolder(name) ? { isFile: true } : {}),
    ...(setting.isSensitive ? { isSecret: true } : {}),
  };
}

/**
 * There are hundreds, created at every start of the program, so this does as little as possible.
 */
function fixedFlag(name: string): Flag {
  const setting = knownSetting(name)!;
  return {
    doc: setting.doc,
    parse: (text) => {
      const plain = withoutUnit(name, text);
      setting.parse(plain);
      return plain;
    },
    fileNames: [name],
    fallback: setting.format(setting.default) ?? "",
    value: placeholder(name, setting),
    group: FIXED[0],
    isRare: true,
    isSecret: setting.isSensitive,
  };
}

function placeholder(name: string, { type }: Setting): string {
  if (isFolder(name)) return "DIR";
  if (name.endsWith(".file") || name.endsWith("store.location")) return "FILE";
  if (name.endsWith("listeners")) return "[NAME://]HOST:PORT";
  if (name.endsWith(".ms")) return "DURATION";
  if (name.endsWith(".bytes")) return "SIZE";
  return type === "int" || type === "long" || type === "double" ? "N" : "VALUE";
}

function isFolder(name: string): boolean {
  return name === "log.dirs" || name === "log.dir";
}
