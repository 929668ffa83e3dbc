/**
 * The settings of the group coordinator, a part of the broker's table. Names, units and defaults are
 * Kafka's, but for smaller segments of `__consumer_offsets`: what is in the last one is not compacted,
 * and all there is gets read at start.
 *
 * @module
 */

import { choice, int, list, long, type Setting } from "./setting.ts";

/** The type of each setting's value, by its name. */
export interface GroupSettings {
  "group.consumer.assignors": readonly string[];
  "group.consumer.heartbeat.interval.ms": number;
  "group.consumer.max.heartbeat.interval.ms": number;
  "group.consumer.max.session.timeout.ms": number;
  "group.consumer.max.size": number;
  "group.consumer.migration.policy": "disabled" | "downgrade" | "upgrade" | "bidirectional";
  "group.consumer.min.heartbeat.interval.ms": number;
  "group.consumer.min.session.timeout.ms": number;
  "group.consumer.regex.refresh.interval.ms": number;
  "group.consumer.session.timeout.ms": number;
  "group.initial.rebalance.delay.ms": number;
  "group.max.session.timeout.ms": number;
  "group.max.size": number;
  "group.min.session.timeout.ms": number;
  "offset.metadata.max.bytes": number;
  "offsets.retention.check.interval.ms": number;
  "offsets.retention.minutes": number;
  "offsets.topic.num.partitions": number;
  "offsets.topic.replication.factor": number;
  "offsets.topic.segment.bytes": number;
}

/** What the coordinator reads its settings from: the broker's configuration, or a test's. */
export interface GroupConfig {
  get<N extends keyof GroupSettings>(name: N): GroupSettings[N];
}

const WEEK_MINUTES = 7 * 24 * 60;
const MIB = 1024 * 1024;

/** The settings. */
export const GROUP_SETTINGS: { readonly [N in keyof GroupSettings]: Setting<GroupSettings[N]> } = {
  "group.min.session.timeout.ms": int(
    6000,
    "Shortest session timeout in milliseconds that a member of a classic group may ask for",
    { min: 1 },
  ),
  "group.max.session.timeout.ms": int(
    30 * 60 * 1000,
    "Longest session timeout in milliseconds that a member of a classic group may ask for",
    { min: 1 },
  ),
  "group.initial.rebalance.delay.ms": int(
    3000,
    "Milliseconds that an empty classic group waits for more members before its first assignment",
    { min: 0 },
  ),
  "group.consumer.session.timeout.ms": int(
    45_000,
    "Milliseconds of silence after which a member of a KIP-848 group is out",
    { min: 1 },
  ),
  "group.consumer.heartbeat.interval.ms": int(
    5000,
    "Milliseconds between heartbeats that members of KIP-848 groups are asked for",
    { min: 1 },
  ),
  "group.consumer.min.session.timeout.ms": int(
    45_000,
    "Least that consumer.session.timeout.ms of a group may be",
    { min: 1 },
  ),
  "group.consumer.max.session.timeout.ms": int(
    60_000,
    "Most that consumer.session.timeout.ms of a group may be",
    { min: 1 },
  ),
  "group.consumer.min.heartbeat.interval.ms": int(
    5000,
    "Least that consumer.heartbeat.interval.ms of a group may be",
    { min: 1 },
  ),
  "group.consumer.max.heartbeat.interval.ms": int(
    15_000,
    "Most that consumer.heartbeat.interval.ms of a group may be",
    { min: 1 },
  ),
  "group.consumer.max.size": int(2 ** 31 - 1, "Most members that a KIP-848 group may have", {
    min: 1,
  }),
  "group.consumer.assignors": list(
    ["uniform", "range"],
    "Assignors that members of KIP-848 groups may choose from; the first is the default",
    { choices: ["uniform", "range"] },
  ),
  "group.consumer.migration.policy": choice(
    ["disabled", "downgrade", "upgrade", "bidirectional"],
    "bidirectional",
    "Whether a group in use goes over to KIP-848 when a first member uses that (upgrade), and back " +
      "when its last one leaves (downgrade)",
  ),
  "group.consumer.regex.refresh.interval.ms": int(
    10 * 60 * 1000,
    "Milliseconds after which the topics that a subscription's regular expression matches are " +
      "looked up anew even if none was created",
    { min: 10_000 },
  ),
  "group.max.size": int(2 ** 31 - 1, "Most members that a classic group may have", { min: 1 }),
  "offset.metadata.max.bytes": int(
    4096,
    "Longest text, in characters, that may be committed beside an offset",
    { min: 0 },
  ),
  "offsets.retention.minutes": int(
    WEEK_MINUTES,
    "Minutes for which the offsets of a group without members are kept; those of a group in use " +
      "are kept that long for topics it no longer reads",
    { min: 1 },
  ),
  "offsets.retention.check.interval.ms": long(
    10 * 60 * 1000,
    "Milliseconds between two looks for committed offsets past their retention",
    { min: 1 },
  ),
  "offsets.topic.num.partitions": int(
    50,
    "Partitions of __consumer_offsets; it counts when that topic is created, with the first group",
    { min: 1 },
  ),
  "offsets.topic.replication.factor": int(
    3,
    "Replicas of __consumer_offsets, or as many as there are brokers if these are fewer",
    { type: "short", min: 1, max: 32767 },
  ),
  "offsets.topic.segment.bytes": int(
    16 * MIB,
    "Size in bytes of the segments of __consumer_offsets; it counts when that topic is created",
    { min: 1024 },
  ),
};
