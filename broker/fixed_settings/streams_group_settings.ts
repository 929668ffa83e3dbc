/**
 * Groups of Kafka Streams, and what the group coordinator does not let choose.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings. */
export const STREAMS_GROUP_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("Kafka Streams uses classic groups here, there are no streams groups", {
    "group.streams.heartbeat.interval.ms": [
      "int",
      "5000",
      "Milliseconds between heartbeats of members of streams groups",
    ],
    "group.streams.initial.rebalance.delay.ms": [
      "int",
      "3000",
      "Milliseconds that an empty streams group waits for more members",
    ],
    "group.streams.max.heartbeat.interval.ms": [
      "int",
      "15000",
      "Most that streams.heartbeat.interval.ms of a group may be",
    ],
    "group.streams.max.session.timeout.ms": [
      "int",
      "60000",
      "Most that streams.session.timeout.ms of a group may be",
    ],
    "group.streams.max.size": ["int", "2147483647", "Most members that a streams group may have"],
    "group.streams.max.standby.replicas": [
      "int",
      "2",
      "Most that streams.num.standby.replicas of a group may be",
    ],
    "group.streams.min.heartbeat.interval.ms": [
      "int",
      "5000",
      "Least that streams.heartbeat.interval.ms of a group may be",
    ],
    "group.streams.min.session.timeout.ms": [
      "int",
      "45000",
      "Least that streams.session.timeout.ms of a group may be",
    ],
    "group.streams.num.standby.replicas": ["int", "0", "Standby replicas of a task"],
    "group.streams.session.timeout.ms": [
      "int",
      "45000",
      "Milliseconds of silence after which a member of a streams group is out",
    ],
  }),
  ...fixedSettings("classic and KIP-848 groups are always served, others never", {
    "group.coordinator.rebalance.protocols": [
      "list",
      "classic,consumer,streams",
      "Protocols that members of groups may use",
    ],
  }),
  ...fixedSettings("commits made at the same time share one write", {
    "group.coordinator.append.linger.ms": [
      "int",
      "-1",
      "Milliseconds that the group coordinator collects records before it writes them; -1 for as many as there are",
    ],
    "group.coordinator.threads": ["int", "4", "Threads of the group coordinator"],
    "offsets.commit.timeout.ms": [
      "int",
      "5000",
      "Milliseconds that a commit of offsets may take to be replicated",
    ],
    "offsets.load.buffer.size": ["int", "5242880", "Bytes read at a time when groups are loaded"],
    "offsets.topic.compression.codec": [
      "int",
      "0",
      "Compression of __consumer_offsets, 0 for none",
    ],
  }),
};
