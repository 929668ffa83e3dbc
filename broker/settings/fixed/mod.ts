/**
 * Kafka's broker settings that have one value here, area by area. A setting that comes to act moves to
 * `../settings.ts`.
 *
 * The areas are few, since every command of the program loads them all.
 *
 * @module
 */

import type { FixedSetting } from "../fixed_setting.ts";
import { CLUSTER_SETTINGS } from "./cluster_settings.ts";
import { COORDINATOR_SETTINGS } from "./coordinator_settings.ts";
import { LOG_SETTINGS } from "./log_settings.ts";
import { PROCESS_SETTINGS } from "./process_settings.ts";
import { SECURITY_SETTINGS } from "./security_settings.ts";

/** The settings, by name. */
export const FIXED_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...CLUSTER_SETTINGS,
  ...COORDINATOR_SETTINGS,
  ...LOG_SETTINGS,
  ...PROCESS_SETTINGS,
  ...SECURITY_SETTINGS,
};
