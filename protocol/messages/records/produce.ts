/**
 * Produce: appends record batches to partitions.
 *
 * Version 3 is the oldest that Kafka 4 accepts, because it is the first to carry batches of format
 * 2. 4 may return KAFKA_STORAGE_ERROR, 5 adds the log start offset, 7 allows zstd (KIP-110), 8
 * returns the rejected records (KIP-467), 9 is flexible, 10 returns the leader to a client that
 * sent the request to the wrong broker (KIP-951), 11 may return TRANSACTION_ABORTABLE, 12 also adds
 * partitions to the transaction (KIP-890), 13 identifies topics by id (KIP-516).
 *
 * Brokers list versions 0 to 2 as well and reject them: librdkafka before 2.11.1 treats a higher
 * minimum as missing compression support (KAFKA-18659).
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  int64,
  records,
  type RequestOf,
  type ResponseTo,
  string,
  struct,
  uuid,
} from "../../schema/schema.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";

/** The replicas that must have the records before the response. */
export const Acks = {
  /** None; there is no response. */
  none: 0,
  /** The leader. */
  leader: 1,
  /** All in-sync replicas. */
  all: -1,
} as const;

/** One of {@linkcode Acks}. */
export type Acks = typeof Acks[keyof typeof Acks];

/** Request and response of Produce in all versions. */
export const produce = api({
  key: 0,
  name: "Produce",
  versions: "3-13",
  flexible: "9+",
  request: {
    transactionalId: string({ nullable: "3+", default: null }),
    /** One of `Acks`. */
    acks: int16(),
    /** How long to wait for the replicas required by `acks`. */
    timeoutMs: int32(),
    topicData: array({
      name: string("0-12", { default: "", ignorable: true }),
      topicId: uuid("13+", { default: ZERO_UUID, ignorable: true }),
      partitionData: array({
        index: int32(),
        /** Exactly one batch of format 2. */
        records: records({ nullable: "0+" }),
      }),
    }),
  },
  response: {
    responses: array({
      name: string("0-12", { default: "", ignorable: true }),
      topicId: uuid("13+", { default: ZERO_UUID, ignorable: true }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        /** The offset of the first record, −1 on error. */
        baseOffset: int64(),
        /** The append time of the batch, −1 if the topic uses CreateTime. */
        logAppendTimeMs: int64({ default: -1, ignorable: true }),
        logStartOffset: int64("5+", { default: -1, ignorable: true }),
        /** The records that caused the broker to reject the batch. */
        recordErrors: array("8+", {
          /** Index of the record in the batch, from 0. */
          batchIndex: int32(),
          batchIndexErrorMessage: string({ nullable: "8+", default: null }),
        }, { default: [], ignorable: true }),
        /** Details of the error, in addition to `errorCode`. */
        errorMessage: string("8+", { nullable: "8+", default: null, ignorable: true }),
        /** The new leader to send the records to. */
        currentLeader: struct("10+", {
          leaderId: int32({ default: -1 }),
          leaderEpoch: int32({ default: -1 }),
        }, { tag: 0, default: {} }),
      }),
    }),
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    /** Endpoints of the leaders in `currentLeader`. */
    nodeEndpoints: array("10+", {
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: "10+", default: null }),
    }, { tag: 0, default: [] }),
  },
});

/** A decoded Produce request. */
export type ProduceRequest = RequestOf<typeof produce>;
/** A Produce response to encode. */
export type ProduceResponse = ResponseTo<typeof produce>;
