/**
 * DeleteTopics: deletes topics by name or id.
 *
 * Version 3 may return TOPIC_DELETION_DISABLED, 4 is flexible, 5 adds error messages and may return
 * THROTTLING_QUOTA_EXCEEDED (KIP-599), 6 also deletes by id (KIP-516) and moves the names into
 * structs. Kafka 4 starts at version 1; 0 only lacks the throttle time.
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
  uuid,
} from "../../schema/schema.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";

/** Request and response of DeleteTopics in all versions. */
export const deleteTopics = api({
  key: 20,
  name: "DeleteTopics",
  versions: "0-6",
  flexible: "4+",
  request: {
    topics: array("6+", {
      /** Null where `topicId` names the topic. */
      name: string({ nullable: "6+", default: null }),
      topicId: uuid(),
    }, { default: [] }),
    /** Up to version 5; replaced by `topics`. */
    topicNames: array("0-5", string(), { default: [], ignorable: true }),
    /** How long to wait for the topics to be deleted. */
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    responses: array({
      /** Null if the topic was requested by id and the principal may not describe it. */
      name: string({ nullable: "6+" }),
      topicId: uuid("6+", { default: ZERO_UUID, ignorable: true }),
      errorCode: int16(),
      errorMessage: string("5+", { nullable: "5+", default: null, ignorable: true }),
    }),
  },
});

/** A decoded DeleteTopics request. */
export type DeleteTopicsRequest = RequestOf<typeof deleteTopics>;
/** A DeleteTopics response to encode. */
export type DeleteTopicsResponse = ResponseTo<typeof deleteTopics>;
