/**
 * Settings of the coordinators of groups, share groups, streams groups and transactions.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings by name. */
export const COORDINATOR_SETTINGS: Readonly<Record<string, FixedSetting>> = {
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
  ...fixedSettings("transactions commit in one phase, and are loaded in slices", {
    "transaction.state.log.load.buffer.size": [
      "int",
      "5242880",
      "Bytes read at a time when the state of transactions is loaded",
    ],
    "transaction.two.phase.commit.enable": [
      "boolean",
      "false",
      "Whether transactions may have no timeout, for commits in two phases",
    ],
  }),
};
