/**
 * Topic resources: all topic settings can be changed.
 *
 * @module
 */

import { ErrorCode } from "../../../../protocol/errors.ts";
import { ApiError } from "../../../api_error.ts";
import { TopicConfig, topicSetting } from "../../../topics/topic_config.ts";
import { checkTopicName } from "../../../topics/topic_name.ts";
import { topicConfigEntry } from "./config_entries.ts";
import type { ConfigResource } from "./config_resource.ts";

/** The settings of topics. */
export const topicResource: ConfigResource = {
  describe(name, isRequested, { broker }) {
    checkTopicName(name);
    const topic = broker.topics.get(name);
    if (topic === undefined) {
      throw new ApiError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `The topic '${name}' does not exist.`,
      );
    }
    return topic.config.names.filter(isRequested)
      .map((setting) => topicConfigEntry(topic.config, setting));
  },
  async alter(name, change, validateOnly, { broker }) {
    await broker.topics.alterConfigs(name, change, { validateOnly });
  },
  typeOf: (setting) => topicSetting(setting)?.setting.type,
  inherited: (setting, { broker }) => new TopicConfig(broker.config, new Map()).textOf(setting),
};
