/**
 * A type of resource whose settings clients can read and change with DescribeConfigs, AlterConfigs
 * and IncrementalAlterConfigs.
 *
 * @module
 */

import type { ConfigTexts } from "../../../settings/config.ts";
import type { RequestContext } from "../../../handler.ts";
import type { SettingType } from "../../../settings/setting.ts";
import type { ConfigEntry } from "./config_entries.ts";

/** Maps the current settings of a resource to the new ones. May be called more than once. */
export type ConfigChange = (configs: ConfigTexts) => ConfigTexts;

/** A type of resource. */
export interface ConfigResource {
  /**
   * Describes the settings of a resource.
   *
   * @param isRequested Whether a setting was requested.
   * @throws {ApiError} If the resource does not exist.
   */
  describe(
    name: string,
    isRequested: (setting: string) => boolean,
    context: RequestContext,
  ): ConfigEntry[];
  /**
   * Changes the settings of a resource.
   *
   * @throws {ApiError} If the resource does not exist or its new settings are invalid.
   */
  alter(
    name: string,
    change: ConfigChange,
    validateOnly: boolean,
    context: RequestContext,
  ): Promise<void>;
  /** The type of a setting; `undefined` if it does not exist. */
  typeOf(setting: string): SettingType | undefined;
  /** The effective value of a list setting that is not set on the resource. */
  inherited(setting: string, context: RequestContext): string;
}
