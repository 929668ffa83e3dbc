/**
 * What has settings that clients may see and change: a kind of resource in DescribeConfigs,
 * AlterConfigs and IncrementalAlterConfigs.
 *
 * @module
 */

import type { ConfigTexts } from "../../../settings/config.ts";
import type { RequestContext } from "../../../handler.ts";
import type { SettingType } from "../../../settings/setting.ts";
import type { ConfigEntry } from "./config_entries.ts";

/** From a resource's settings to those it is to have; may be called more than once. */
export type ConfigChange = (configs: ConfigTexts) => ConfigTexts;

/** A kind of resource. */
export interface ConfigResource {
  /**
   * The settings of one, and their values.
   *
   * @param isAsked Whether a setting is wanted.
   * @throws {ApiError} If there is none of this name.
   */
  describe(
    name: string,
    isAsked: (setting: string) => boolean,
    context: RequestContext,
  ): ConfigEntry[];
  /**
   * Changes the settings of one.
   *
   * @throws {ApiError} If there is none of this name, or it cannot have these settings.
   */
  alter(
    name: string,
    change: ConfigChange,
    validateOnly: boolean,
    context: RequestContext,
  ): Promise<void>;
  /** The type of a setting; `undefined` if there is none of this name. */
  typeOf(setting: string): SettingType | undefined;
  /** What counts for a list while nothing is set for the resource. */
  inherited(setting: string, context: RequestContext): string;
}
