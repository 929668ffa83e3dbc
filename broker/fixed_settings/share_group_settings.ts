/**
 * Share groups and their coordinator.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings. */
export const SHARE_GROUP_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("there are no share groups", {
    "group.share.assignors": ["list", "simple", "Assignors of share groups"],
    "group.share.delivery.count.limit": ["int", "5", "Times that a record is delivered at most"],
    "group.share.heartbeat.interval.ms": [
      "int",
      "5000",
      "Milliseconds between heartbeats of members of share groups",
    ],
    "group.share.max.heartbeat.interval.ms": [
      "int",
      "15000",
      "Most that share.heartbeat.interval.ms of a group may be",
    ],
    "group.share.max.record.lock.duration.ms": [
      "int",
      "60000",
      "Most that share.record.lock.duration.ms of a group may be",
    ],
    "group.share.max.session.timeout.ms": [
      "int",
      "60000",
      "Most that share.session.timeout.ms of a group may be",
    ],
    "group.share.max.share.sessions": ["int", "2000", "Share sessions remembered at once"],
    "group.share.max.size": ["int", "200", "Most members that a share group may have"],
    "group.share.min.heartbeat.interval.ms": [
      "int",
      "5000",
      "Least that share.heartbeat.interval.ms of a group may be",
    ],
    "group.share.min.record.lock.duration.ms": [
      "int",
      "15000",
      "Least that share.record.lock.duration.ms of a group may be",
    ],
    "group.share.min.session.timeout.ms": [
      "int",
      "45000",
      "Least that share.session.timeout.ms of a group may be",
    ],
    "group.share.partition.max.record.locks": [
      "int",
      "2000",
      "Records of a partition that may be acquired at once",
    ],
    "group.share.record.lock.duration.ms": [
      "int",
      "30000",
      "Milliseconds for which a record is acquired",
    ],
    "group.share.session.timeout.ms": [
      "int",
      "45000",
      "Milliseconds of silence after which a member of a share group is out",
    ],
    "share.coordinator.append.linger.ms": [
      "int",
      "-1",
      "Milliseconds that the share coordinator collects records before it writes them",
    ],
    "share.coordinator.load.buffer.size": [
      "int",
      "5242880",
      "Bytes read at a time when the state of share groups is loaded",
    ],
    "share.coordinator.snapshot.update.records.per.snapshot": [
      "int",
      "500",
      "Updates of a share partition between two snapshots",
    ],
    "share.coordinator.state.topic.compression.codec": [
      "int",
      "0",
      "Compression of __share_group_state",
    ],
    "share.coordinator.state.topic.min.isr": [
      "short",
      "2",
      "Replicas of __share_group_state that must be in sync",
    ],
    "share.coordinator.state.topic.num.partitions": [
      "int",
      "50",
      "Partitions of __share_group_state",
    ],
    "share.coordinator.state.topic.replication.factor": [
      "short",
      "3",
      "Replicas of __share_group_state",
    ],
    "share.coordinator.state.topic.segment.bytes": [
      "int",
      "104857600",
      "Size in bytes of the segments of __share_group_state",
    ],
    "share.coordinator.threads": ["int", "1", "Threads of the share coordinator"],
    "share.coordinator.write.timeout.ms": [
      "int",
      "5000",
      "Milliseconds that a write of the share coordinator may take",
    ],
  }),
};
