/**
 * Settings as DescribeConfigs and CreateTopics answer them.
 *
 * @module
 */

import {
  ConfigSource,
  ConfigType,
  type DescribeConfigsResponse,
} from "../../protocol/messages/describe_configs.ts";
import type { BrokerConfig, ConfigValue } from "../config.ts";
import type { Setting, SettingType } from "../setting.ts";
import { type SettingName, SETTINGS } from "../settings.ts";
import { TOPIC_SETTINGS, type TopicConfig, type TopicSettingName } from "../topics/topic_config.ts";

/** A setting in an answer. */
export type ConfigEntry = Required<DescribeConfigsResponse["results"][number]["configs"][number]>;

const TYPES: Readonly<Record<SettingType, number>> = {
  boolean: ConfigType.boolean,
  string: ConfigType.string,
  int: ConfigType.int,
  long: ConfigType.long,
  double: ConfigType.double,
  list: ConfigType.list,
};

/** A topic's setting. */
export function topicConfigEntry(config: TopicConfig, name: TopicSettingName): ConfigEntry {
  const { setting, doc } = TOPIC_SETTINGS[name];
  const values = config.valuesOf(name);
  const value = config.textOf(name);
  return entry({ name, value, values, setting, documentation: doc, readOnly: false });
}

/**
 * A broker's setting.
 *
 * @param ofCluster Whether as it is for all brokers, without what was set on this one.
 */
export function brokerConfigEntry(
  config: BrokerConfig,
  name: SettingName,
  ofCluster = false,
): ConfigEntry {
  const setting = SETTINGS[name] as unknown as Setting;
  const values = config.valuesOf(name)
    .filter(({ source }) => !ofCluster || source !== ConfigSource.dynamicBroker);
  const value = values[0]?.text ?? null;
  const readOnly = setting.scope === "read-only";
  return entry({ name, value, values, setting, documentation: setting.doc, readOnly });
}

function entry(described: {
  readonly name: string;
  readonly value: string | null;
  readonly values: readonly ConfigValue[];
  readonly setting: Setting;
  readonly documentation: string;
  readonly readOnly: boolean;
}): ConfigEntry {
  const { name, value, values, setting, documentation, readOnly } = described;
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
    documentation,
  };
}
