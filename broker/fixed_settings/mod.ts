/**
 * Kafka's broker settings that have one value here, area by area. A setting that comes to act moves to
 * `../settings.ts`.
 *
 * @module
 */

import type { FixedSetting } from "../fixed_setting.ts";
import { CONTROLLER_SETTINGS } from "./controller_settings.ts";
import { LOG_SETTINGS } from "./log_settings.ts";
import { NETWORK_SETTINGS } from "./network_settings.ts";
import { OAUTH_SETTINGS } from "./oauth_settings.ts";
import { PLUGIN_SETTINGS } from "./plugin_settings.ts";
import { REMOTE_LOG_SETTINGS } from "./remote_log_settings.ts";
import { REPLICATION_SETTINGS } from "./replication_settings.ts";
import { SECURITY_SETTINGS } from "./security_settings.ts";
import { SHARE_GROUP_SETTINGS } from "./share_group_settings.ts";
import { STREAMS_GROUP_SETTINGS } from "./streams_group_settings.ts";
import { TLS_SETTINGS } from "./tls_settings.ts";
import { TRANSACTION_SETTINGS } from "./transaction_settings.ts";

/** The settings, by name. */
export const FIXED_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...CONTROLLER_SETTINGS,
  ...LOG_SETTINGS,
  ...NETWORK_SETTINGS,
  ...OAUTH_SETTINGS,
  ...PLUGIN_SETTINGS,
  ...REMOTE_LOG_SETTINGS,
  ...REPLICATION_SETTINGS,
  ...SECURITY_SETTINGS,
  ...SHARE_GROUP_SETTINGS,
  ...STREAMS_GROUP_SETTINGS,
  ...TLS_SETTINGS,
  ...TRANSACTION_SETTINGS,
};
