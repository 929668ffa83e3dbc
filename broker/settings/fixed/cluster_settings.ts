/**
 * Settings of the controller, its quorum, the metadata log, and replication.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings by name. */
export const CLUSTER_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("each broker is its own controller, so there is no quorum to configure", {
    "process.roles": ["list", "broker,controller", "What this process does in its cluster"],
    "controller.listener.names": ["list", null, "Names of the listeners for controllers"],
    "controller.quorum.append.linger.ms": [
      "int",
      "25",
      "Milliseconds that the controller collects changes before it writes them",
    ],
    "controller.quorum.auto.join.enable": [
      "boolean",
      "false",
      "Whether a controller joins the quorum by itself",
    ],
    "controller.quorum.bootstrap.servers": ["list", "", "Addresses at which the quorum is found"],
    "controller.quorum.election.backoff.max.ms": [
      "int",
      "1000",
      "Most milliseconds between two elections",
    ],
    "controller.quorum.election.timeout.ms": [
      "int",
      "1000",
      "Milliseconds that an election may take",
    ],
    "controller.quorum.fetch.timeout.ms": [
      "int",
      "2000",
      "Milliseconds without the quorum's leader before an election",
    ],
    "controller.quorum.request.timeout.ms": [
      "int",
      "2000",
      "Milliseconds that a member of the quorum waits for an answer",
    ],
    "controller.quorum.retry.backoff.ms": [
      "int",
      "20",
      "Milliseconds before a request to the quorum is repeated",
    ],
    "controller.quorum.voters": ["list", "", "Members of the quorum, as ID@HOST:PORT"],
    "controller.socket.timeout.ms": [
      "int",
      "30000",
      "Milliseconds that a controller waits for an answer of a broker",
    ],
    "controlled.shutdown.enable": [
      "boolean",
      "true",
      "Whether a stopping broker hands its partitions over first",
    ],
    "broker.heartbeat.interval.ms": [
      "int",
      "2000",
      "Milliseconds between heartbeats to the controller",
    ],
    "broker.session.timeout.ms": [
      "int",
      "9000",
      "Milliseconds of silence after which a broker counts as gone",
    ],
    "initial.broker.registration.timeout.ms": [
      "int",
      "60000",
      "Milliseconds that a starting broker tries to register",
    ],
    "log.dir.failure.timeout.ms": [
      "long",
      "30000",
      "Milliseconds after which a broker stops that cannot report a failed data folder",
    ],
  }),
  ...fixedSettings("quotas are measured by token buckets, without samples", {
    "controller.quota.window.num": [
      "int",
      "11",
      "Samples that the quota of changes is measured by",
    ],
    "controller.quota.window.size.seconds": [
      "int",
      "1",
      "Seconds of a sample of the quota of changes",
    ],
  }),
  ...fixedSettings("the log of the metadata is kept in the data folder and compacted by itself", {
    "metadata.log.dir": ["string", null, "Folder of the metadata's log"],
    "metadata.log.max.record.bytes.between.snapshots": [
      "long",
      "20971520",
      "Bytes of metadata between two snapshots",
    ],
    "metadata.log.max.snapshot.interval.ms": [
      "long",
      "3600000",
      "Most milliseconds between two snapshots of the metadata",
    ],
    "metadata.log.segment.bytes": [
      "int",
      "1073741824",
      "Size in bytes of the segments of the metadata's log",
    ],
    "metadata.log.segment.ms": [
      "long",
      "604800000",
      "Age in milliseconds at which the metadata's log starts a new segment",
    ],
    "metadata.max.idle.interval.ms": [
      "int",
      "500",
      "Milliseconds between records that show the controller is alive",
    ],
    "metadata.max.retention.bytes": [
      "long",
      "104857600",
      "Bytes of the metadata's log and snapshots to keep",
    ],
    "metadata.max.retention.ms": [
      "long",
      "604800000",
      "Milliseconds for which the metadata's log and snapshots are kept",
    ],
  }),
  ...fixedSettings(
    "followers tune themselves, and only an operator elects a leader that may lack records",
    {
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
      "replica.selector.class": [
        "string",
        null,
        "Chooses the replica that a consumer reads from; one in its rack (client.rack) is always chosen",
      ],
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
    },
  ),
};
