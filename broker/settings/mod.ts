/**
 * Every setting, as data: name, type, bounds, default, what it does.
 *
 * `setting.ts` has the types of values. `settings.ts` lists those that act, `group_settings.ts` those of
 * consumer groups; `fixed/` lists Kafka's others, which accept the one value that this broker offers.
 * `config.ts` collects the values: flags, variables and files come as texts, and what was changed while
 * the broker runs comes before them. Unknown names get a suggestion (`unknown_setting.ts`). Settings
 * of topics are in `../topics/topic_config.ts`.
 *
 * @module
 */

export { BrokerConfig, ConfigError, parseBrokerConfig } from "./config.ts";
export type { HostPort } from "./listener.ts";
export type { BrokerSettings, SettingName } from "./settings.ts";
