/**
 * CreateTopics: creates topics, with automatic or manual placement of replicas.
 *
 * Version 1 adds error messages and validation only, 4 lets the broker choose the counts (KIP-464),
 * 5 is flexible and returns the created topic (KIP-525), 6 may return THROTTLING_QUOTA_EXCEEDED
 * (KIP-599), 7 returns the topic id (KIP-516). Kafka 4 starts at version 2; 0 and 1 only lack
 * fields, and old scripts still send them.
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
  uuid,
} from "../../schema/schema.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";

/** Request and response of CreateTopics in all versions. */
export const createTopics = api({
  key: 19,
  name: "CreateTopics",
  versions: "0-7",
  flexible: "5+",
  request: {
    topics: array({
      name: string(),
      /** −1 for the broker's default, or if `assignments` is given. */
      numPartitions: int32(),
      /** −1 for the broker's default, or if `assignments` is given. */
      replicationFactor: int16(),
      /** The brokers of each partition; empty lets the broker choose. */
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      }, { default: [] }),
      configs: array({
        name: string(),
        value: string({ nullable: "0+" }),
      }, { default: [] }),
    }),
    /** How long to wait for the topics to be created. */
    timeoutMs: int32({ default: 60000 }),
    /** Validates everything and creates nothing. */
    validateOnly: bool("1+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("2+", { default: 0, ignorable: true }),
    topics: array({
      name: string(),
      topicId: uuid("7+", { default: ZERO_UUID, ignorable: true }),
      errorCode: int16(),
      errorMessage: string("1+", { nullable: "0+", default: null, ignorable: true }),
      /** Why `configs` is missing, such as a missing permission. */
      topicConfigErrorCode: int16("5+", { tag: 0, default: 0, ignorable: true }),
      numPartitions: int32("5+", { default: -1, ignorable: true }),
      replicationFactor: int16("5+", { default: -1, ignorable: true }),
      configs: array("5+", {
        name: string(),
        value: string({ nullable: "5+" }),
        readOnly: bool(),
        /** One of `ConfigSource`. */
        configSource: int8({ default: -1, ignorable: true }),
        isSensitive: bool(),
      }, { nullable: "5+", default: [], ignorable: true }),
    }),
  },
});

/** A decoded CreateTopics request. */
export type CreateTopicsRequest = RequestOf<typeof createTopics>;
/** A CreateTopics response to encode. */
export type CreateTopicsResponse = ResponseTo<typeof createTopics>;
