/**
 * Replicas that follow a leader on another broker.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings. */
export const REPLICATION_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("partitions have one replica, so there is nothing to fetch, throttle or elect", {
    "num.replica.fetchers": [
      "int",
      "1",
      "Fetchers for each broker that leads partitions",
      "cluster-wide",
    ],
    "num.replica.alter.log.dirs.threads": [
      "int",
      null,
      "Threads that move replicas between data folders",
    ],
    "replica.fetch.backoff.ms": [
      "int",
      "1000",
      "Milliseconds before a failed fetch of a follower is repeated",
    ],
    "replica.fetch.max.bytes": [
      "int",
      "1048576",
      "Most bytes of one partition in a fetch of a follower",
    ],
    "replica.fetch.min.bytes": ["int", "1", "Bytes that a fetch of a follower waits for"],
    "replica.fetch.response.max.bytes": [
      "int",
      "10485760",
      "Most bytes in the answer to a fetch of a follower",
    ],
    "replica.fetch.wait.max.ms": [
      "int",
      "500",
      "Most milliseconds that a fetch of a follower waits",
    ],
    "replica.high.watermark.checkpoint.interval.ms": [
      "long",
      "5000",
      "Milliseconds between two notes of the high watermarks",
    ],
    "replica.lag.time.max.ms": [
      "long",
      "30000",
      "Milliseconds behind its leader after which a follower is not in sync",
    ],
    "replica.selector.class": ["string", null, "Chooses the replica that a consumer reads from"],
    "replica.socket.receive.buffer.bytes": [
      "int",
      "65536",
      "Receive buffer in bytes of a follower's sockets",
    ],
    "replica.socket.timeout.ms": [
      "int",
      "30000",
      "Milliseconds that a follower waits for its leader's answer",
    ],
    "alter.log.dirs.replication.quota.window.num": [
      "int",
      "11",
      "Samples that moves between data folders are throttled by",
    ],
    "alter.log.dirs.replication.quota.window.size.seconds": [
      "int",
      "1",
      "Seconds of a sample of moves between data folders",
    ],
    "replication.quota.window.num": ["int", "11", "Samples that replication is throttled by"],
    "replication.quota.window.size.seconds": ["int", "1", "Seconds of a sample of replication"],
    "unclean.leader.election.enable": [
      "boolean",
      "false",
      "Whether a replica that is not in sync may lead as a last resort; default of the topics' setting of this name",
      "cluster-wide",
    ],
  }),
};
