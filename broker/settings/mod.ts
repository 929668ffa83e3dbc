/**
 * All settings as data: name, type, bounds, default, documentation.
 *
 * `setting.ts` defines the value types. `settings.ts` lists the settings that take effect, and
 * `group_settings.ts` those of consumer groups; `fixed/` lists Kafka's other settings, which accept
 * a single value. `config.ts` collects the values from flags, variables, file and run-time changes.
 * Unknown names get a suggestion (`unknown_setting.ts`). Topic settings are in
 * `../topics/topic_config.ts`.
 *
 * @module
 */

export { ConfigSource } from "../../protocol/messages/configs/describe_configs.ts";
export {
  BrokerConfig,
  ConfigError,
  type ConfigInputs,
  type ConfigSourceCode,
  type ConfigTexts,
  type ConfigValue,
  parseBrokerConfig,
} from "./config.ts";
export { GROUP_SETTINGS } from "./group_settings.ts";
export type { HostPort } from "./listener.ts";
export {
  type Setting,
  type SettingScope,
  type SettingType,
  SettingValueError,
  type SettingValues,
} from "./setting.ts";
export { type BrokerSettings, type SettingName, SETTINGS } from "./settings.ts";
