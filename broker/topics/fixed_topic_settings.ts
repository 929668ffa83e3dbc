/**
 * Kafka's settings of topics that have one value here.
 *
 * @module
 */

import { FixedSetting, type FixedSettingRow } from "../settings/fixed_setting.ts";
import { FIXED_SETTINGS } from "../settings/fixed/mod.ts";
import type { TopicSetting } from "./topic_setting.ts";

const NO_REMOTE_STORE = "logs are kept in the data folder alone, there is no tiered storage";
const NOTHING_TO_THROTTLE = "partitions have one replica, so there is no replication to throttle";

/** The settings, by name. */
export const FIXED_TOPIC_SETTINGS: Readonly<Record<string, TopicSetting>> = {
  "follower.replication.throttled.replicas": own(
    NOTHING_TO_THROTTLE,
    "list",
    "",
    "Replicas whose fetches from their leader are throttled, as PARTITION:BROKER",
  ),
  "leader.replication.throttled.replicas": own(
    NOTHING_TO_THROTTLE,
    "list",
    "",
    "Replicas that are throttled at their leader, as PARTITION:BROKER",
  ),
  "local.retention.bytes": derived(
    "log.local.retention.bytes",
    "Bytes of a partition kept here once they are in the remote store too, -2 for retention.bytes",
  ),
  "local.retention.ms": derived(
    "log.local.retention.ms",
    "Milliseconds that records stay here once they are in the remote store too, -2 for retention.ms",
  ),
  "remote.log.copy.disable": own(
    NO_REMOTE_STORE,
    "boolean",
    "false",
    "Whether no more segments are copied to the remote store",
  ),
  "remote.log.delete.on.disable": own(
    NO_REMOTE_STORE,
    "boolean",
    "false",
    "Whether what is in the remote store goes when remote.storage.enable is taken away",
  ),
  "remote.storage.enable": own(
    NO_REMOTE_STORE,
    "boolean",
    "false",
    "Whether segments are copied to the remote store",
  ),
  "unclean.leader.election.enable": derived(
    "unclean.leader.election.enable",
    "Whether a replica that is not in sync may lead as a last resort",
  ),
};

/** A setting that a broker's of one value gives its value to. */
function derived(name: string, doc: string): TopicSetting {
  const setting = FIXED_SETTINGS[name]!;
  return { setting, doc, synonyms: [{ name, factor: 1 }], default: setting.default };
}

function own(reason: string, ...row: FixedSettingRow): TopicSetting {
  const setting = new FixedSetting(reason, ...row);
  return { setting, doc: setting.doc, synonyms: [], default: setting.default };
}
