/**
 * Kafka broker settings that accept a single value here, by area. When a setting is implemented, it
 * moves to `../settings.ts`.
 *
 * There are few files because every command of the program loads all of them.
 *
 * @module
 */

import type { FixedSetting } from "../fixed_setting.ts";
import { CLUSTER_SETTINGS } from "./cluster_settings.ts";
import { COORDINATOR_SETTINGS } from "./coordinator_settings.ts";
import { LOG_SETTINGS } from "./log_settings.ts";
import { PROCESS_SETTINGS } from "./process_settings.ts";
import { SECURITY_SETTINGS } from "./security_settings.ts";

/** The settings by name. */
export const FIXED_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...CLUSTER_SETTINGS,
  ...COORDINATOR_SETTINGS,
  ...LOG_SETTINGS,
  ...PROCESS_SETTINGS,
  ...SECURITY_SETTINGS,
};
