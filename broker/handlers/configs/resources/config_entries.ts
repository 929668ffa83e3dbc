/**
 * Settings as reported by DescribeConfigs and CreateTopics.
 *
 * @module
 */

import {
  ConfigSource,
  ConfigType,
  type DescribeConfigsResponse,
} from "../../../../protocol/messages/configs/describe_configs.ts";
import type { BrokerConfig, ConfigValue } from "../../../settings/config.ts";
import type { Setting, SettingType } from "../../../settings/setting.ts";
import { knownSetting, overrideOf } from "../../../settings/settings.ts";
import { type TopicConfig, topicSetting } from "../../../topics/topic_config.ts";

/** A setting in a response. */
export type ConfigEntry = Required<DescribeConfigsResponse["results"][number]["configs"][number]>;

const TYPES: Readonly<Record<SettingType, number>> = {
  boolean: ConfigType.boolean,
  string: ConfigType.string,
  int: ConfigType.int,
  short: ConfigType.short,
  long: ConfigType.long,
  double: ConfigType.double,
  list: ConfigType.list,
  class: ConfigType.class,
  password: ConfigType.password,
};

/** Describes a topic setting. */
export function topicConfigEntry(config: TopicConfig, name: string): ConfigEntry {
  const { setting, doc } = topicSetting(name)!;
  const values = config.valuesOf(name);
  return configEntry({ name, value: config.textOf(name), values, setting, doc });
}

/**
 * Describes a broker setting.
 *
 * @param ofCluster Whether to describe the value for all brokers, without what is set on this one.
 */
export function brokerConfigEntry(
  config: BrokerConfig,
  name: string,
  ofCluster = false,
): ConfigEntry {
  // Or that of one listener.
  const setting = knownSetting(name) ?? settingOfListener(name)!;
  const own = config.valuesOf(name);
  const values = ofCluster
    ? own.filter(({ source }) => source === ConfigSource.dynamicDefaultBroker)
    : own.length === 0
    ? own
    : [...own, ...coarserThan(name).flatMap((coarser) => config.valuesOf(coarser))];
  const value = values[0]?.text ?? null;
  const readOnly = setting.scope === "read-only";
  return configEntry({ name, value, values, setting, doc: setting.doc, readOnly });
}

function settingOfListener(name: string): Setting | undefined {
  const override = overrideOf(name);
  return typeof override === "object" ? knownSetting(override.setting) : undefined;
}

/** Settings of the same quantity in different units, in order of precedence. */
const UNITS: readonly (readonly string[])[] = [
  ["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
  ["log.roll.jitter.ms", "log.roll.jitter.hours"],
  ["log.roll.ms", "log.roll.hours"],
];

/**
 * The settings that apply if the given one is not set: as in Kafka, they are among its synonyms.
 */
function coarserThan(name: string): readonly string[] {
  const units = UNITS.find((each) => each.includes(name)) ?? [];
  return units.slice(units.indexOf(name) + 1);
}

/** Describes a setting of any resource. The first of its values is the effective one. */
export function configEntry(described: {
  readonly name: string;
  readonly value: string | null;
  readonly values: readonly ConfigValue[];
  readonly setting: Pick<Setting, "type" | "isSensitive">;
  readonly doc: string;
  readonly readOnly?: boolean;
}): ConfigEntry {
  const { name, value, values, setting, doc, readOnly = false } = described;
  const { isSensitive } = setting;
  return {
    name,
    value: isSensitive ? null : value,
    readOnly,
    configSource: values[0]?.source ?? ConfigSource.default,
    isSensitive,
    synonyms: values.map(({ name, text, source }) => ({
      name,
      value: isSensitive ? null : text,
      source,
    })),
    configType: TYPES[setting.type],
    documentation: doc,
  };
}
