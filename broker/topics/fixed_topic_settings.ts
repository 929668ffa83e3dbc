/**
 * Kafka topic settings that accept a single value here.
 *
 * @module
 */

import { FixedSetting, type FixedSettingRow } from "../settings/fixed_setting.ts";
import { FIXED_SETTINGS } from "../settings/fixed/mod.ts";
import type { TopicSetting } from "./topic_setting.ts";

const NO_REMOTE_STORE = "logs are kept in the data folder alone, there is no tiered storage";

/** The settings by name. */
export const FIXED_TOPIC_SETTINGS: Readonly<Record<string, TopicSetting>> = {
  "local.retention.bytes": derived(
    "log.local.retention.bytes",
    "Bytes of a partition retained locally after they were copied to remote storage, -2 for " +
      "retention.bytes",
  ),
  "local.retention.ms": derived(
    "log.local.retention.ms",
    "Milliseconds for which records are retained locally after they were copied to remote " +
      "storage, -2 for retention.ms",
  ),
  "remote.log.copy.disable": own(
    NO_REMOTE_STORE,
    "boolean",
    "false",
    "Whether copying segments to remote storage is stopped",
  ),
  "remote.log.delete.on.disable": own(
    NO_REMOTE_STORE,
    "boolean",
    "false",
    "Whether remote data is deleted when remote.storage.enable is disabled",
  ),
  "remote.storage.enable": own(
    NO_REMOTE_STORE,
    "boolean",
    "false",
    "Whether segments are copied to remote storage",
  ),
  "unclean.leader.election.enable": derived(
    "unclean.leader.election.enable",
    "Whether an out-of-sync replica can become leader as a last resort",
  ),
};

/** A topic setting whose broker setting accepts a single value. */
function derived(name: string, doc: string): TopicSetting {
  const setting = FIXED_SETTINGS[name]!;
  return { setting, doc, synonyms: [{ name, factor: 1 }], default: setting.default };
}

function own(reason: string, ...row: FixedSettingRow): TopicSetting {
  const setting = new FixedSetting(reason, ...row);
  return { setting, doc: setting.doc, synonyms: [], default: setting.default };
}
