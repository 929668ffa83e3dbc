/**
 * Group resources, which need not exist as groups yet (KIP-848): settings of a group that override
 * those of the broker.
 *
 * @module
 */

import { ErrorCode } from "../../../../protocol/errors.ts";
import { ConfigSource } from "../../../../protocol/messages/configs/describe_configs.ts";
import { ApiError } from "../../../api_error.ts";
import type { ConfigTexts } from "../../../settings/config.ts";
import {
  checkGroupConfigs,
  defaultOfGroupSetting,
  GROUP_CONFIG_NAMES,
  groupSetting,
} from "../../../groups/group_config.ts";
import { configEntry } from "./config_entries.ts";
import type { ConfigResource } from "./config_resource.ts";

/** The settings of groups. */
export const groupResource: ConfigResource = {
  describe(name, isRequested, { broker }) {
    if (name === "") {
      throw new ApiError(ErrorCode.INVALID_REQUEST, "Group name must not be empty");
    }
    const texts = broker.cluster.resourceConfigs("groups", name);
    return GROUP_CONFIG_NAMES.filter(isRequested).map((setting) => {
      const own = texts.get(setting);
      const value = own ?? defaultOfGroupSetting(setting, broker.config);
      const source = own === undefined ? ConfigSource.default : ConfigSource.group;
      const described = groupSetting(setting)!;
      const values = [{ name: setting, text: value, source }];
      return configEntry({ name: setting, value, values, ...described });
    });
  },
  async alter(name, change, validateOnly, { broker }) {
    const { cluster, config, logger } = broker;
    if (!cluster.isController()) throw new ApiError(ErrorCode.NOT_CONTROLLER);
    if (name === "") {
      throw new ApiError(ErrorCode.INVALID_REQUEST, "Default group resources are not allowed.");
    }
    const checked = (configs: ConfigTexts) => {
      const changed = change(configs);
      checkGroupConfigs(changed, config);
      return changed;
    };
    checked(cluster.resourceConfigs("groups", name));
    if (validateOnly) return;
    await cluster.changeResourceConfigs("groups", name, checked);
    logger.info("Changed settings of group", { group: name });
  },
  typeOf: (setting) => groupSetting(setting)?.setting.type,
  inherited: (setting, { broker }) => defaultOfGroupSetting(setting, broker.config),
};
