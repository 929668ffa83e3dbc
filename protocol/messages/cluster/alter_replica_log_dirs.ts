/**
 * AlterReplicaLogDirs: moves replicas between the log directories of one broker (KIP-113).
 *
 * Kafka 4 starts at version 1. 2 is flexible.
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of AlterReplicaLogDirs in all versions. */
export const alterReplicaLogDirs = api({
  key: 34,
  name: "AlterReplicaLogDirs",
  versions: "1-2",
  flexible: "2+",
  request: {
    dirs: array({
      /** The absolute path of the log directory. */
      path: string(),
      topics: array({
        name: string(),
        partitions: array(int32()),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});

/** A decoded AlterReplicaLogDirs request. */
export type AlterReplicaLogDirsRequest = RequestOf<typeof alterReplicaLogDirs>;
/** An AlterReplicaLogDirs response to encode. */
export type AlterReplicaLogDirsResponse = ResponseTo<typeof alterReplicaLogDirs>;
