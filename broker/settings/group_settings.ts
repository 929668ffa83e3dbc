/**
 * Settings of the group coordinator, part of the broker's table. Names, units and defaults are
 * Kafka's, except for smaller segments of `__consumer_offsets`: the active segment is not
 * compacted, and the whole log is read at start.
 *
 * @module
 */

import { choice, int, list, long, type SettingValues } from "./setting.ts";

const WEEK_MINUTES = 7 * 24 * 60;
const MIB = 1024 * 1024;

/** The settings by name. */
export const GROUP_SETTINGS = {
  "group.min.session.timeout.ms": int(
    6000,
    "Minimum session timeout in milliseconds of members of classic groups",
    { min: 1 },
  ),
  "group.max.session.timeout.ms": int(
    30 * 60 * 1000,
    "Maximum session timeout in milliseconds of members of classic groups",
    { min: 1 },
  ),
  "group.initial.rebalance.delay.ms": int(
    3000,
    "Milliseconds that an empty classic group waits for more members before its first rebalance",
    { min: 0 },
  ),
  "group.consumer.session.timeout.ms": int(
    45_000,
    "Session timeout in milliseconds of members of KIP-848 groups",
    { min: 1 },
  ),
  "group.consumer.heartbeat.interval.ms": int(
    5000,
    "Heartbeat interval in milliseconds of members of KIP-848 groups",
    { min: 1 },
  ),
  "group.consumer.min.session.timeout.ms": int(
    45_000,
    "Minimum of a group's consumer.session.timeout.ms",
    { min: 1 },
  ),
  "group.consumer.max.session.timeout.ms": int(
    60_000,
    "Maximum of a group's consumer.session.timeout.ms",
    { min: 1 },
  ),
  "group.consumer.min.heartbeat.interval.ms": int(
    5000,
    "Minimum of a group's consumer.heartbeat.interval.ms",
    { min: 1 },
  ),
  "group.consumer.max.heartbeat.interval.ms": int(
    15_000,
    "Maximum of a group's consumer.heartbeat.interval.ms",
    { min: 1 },
  ),
  "group.consumer.max.size": int(2 ** 31 - 1, "Maximum number of members of a KIP-848 group", {
    min: 1,
  }),
  "group.consumer.assignors": list(
    ["uniform", "range"],
    "Assignors that members of KIP-848 groups can choose; the first is the default",
    { choices: ["uniform", "range"] },
  ),
  "group.consumer.migration.policy": choice(
    ["disabled", "downgrade", "upgrade", "bidirectional"],
    "bidirectional",
    "Whether a group is converted to KIP-848 when its first such member joins (upgrade), and " +
      "back when the last one leaves (downgrade)",
  ),
  "group.consumer.regex.refresh.interval.ms": int(
    10 * 60 * 1000,
    "Milliseconds after which a regular expression subscription is matched against the topics " +
      "again, even if none was created",
    { min: 10_000 },
  ),
  "group.max.size": int(2 ** 31 - 1, "Maximum number of members of a classic group", { min: 1 }),
  "offset.metadata.max.bytes": int(
    4096,
    "Maximum length in characters of the metadata of a committed offset",
    { min: 0 },
  ),
  "offsets.retention.minutes": int(
    WEEK_MINUTES,
    "Minutes for which the offsets of an empty group are retained; those of an active group are " +
      "retained as long for topics it is no longer subscribed to",
    { min: 1 },
  ),
  "offsets.retention.check.interval.ms": long(
    10 * 60 * 1000,
    "Milliseconds between checks for expired offsets",
    { min: 1 },
  ),
  "offsets.topic.num.partitions": int(
    50,
    "Number of partitions of __consumer_offsets; used when the topic is created, with the first " +
      "group",
    { min: 1 },
  ),
  "offsets.topic.replication.factor": int(
    3,
    "Number of replicas of __consumer_offsets, or the number of brokers of the cluster, running or " +
      "not, if that is lower",
    { type: "short", min: 1, max: 32767 },
  ),
  "offsets.topic.segment.bytes": int(
    16 * MIB,
    "Segment size in bytes of __consumer_offsets; used when the topic is created",
    { min: 1024 },
  ),
};

/** The value of each setting. */
export type GroupSettings = SettingValues<typeof GROUP_SETTINGS>;

/** The coordinator's source of settings: the broker's configuration, or a test's. */
export interface GroupConfig {
  get<N extends keyof GroupSettings>(name: N): GroupSettings[N];
}
