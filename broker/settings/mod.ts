/**
 * All settings as data: name, type, bounds, default, documentation.
 *
 * `setting.ts` defines the value types. `settings.ts` lists the settings that take effect, and
 * `group_settings.ts` those of consumer groups, `listener_settings.ts` those of listeners, which
 * `readListeners()` puts together; `fixed/` lists Kafka's other settings, which accept
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
  type GivenSettings,
  ListenerConfig,
  parseBrokerConfig,
} from "./config.ts";
export { GROUP_SETTINGS } from "./group_settings.ts";
export type { HostPort, NamedAddress, SecurityProtocol } from "./listener.ts";
export type { ListenerOverride } from "./listener_overrides.ts";
export { type Endpoint, type Listener, type Listeners, readListeners } from "./listeners.ts";
export { Secret } from "./secret.ts";
export {
  type Setting,
  type SettingScope,
  type SettingType,
  SettingValueError,
  type SettingValues,
} from "./setting.ts";
export { type BrokerSettings, type SettingName, SETTINGS } from "./settings.ts";
