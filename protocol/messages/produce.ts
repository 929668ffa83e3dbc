/**
 * Produce: appends record batches to partitions.
 *
 * Version 3 is the oldest that Kafka 4 accepts, since it is the first to carry batches of format 2. 4
 * may answer KAFKA_STORAGE_ERROR, 5 adds the log start offset, 7 allows zstd (KIP-110), 8 names the
 * records that were refused (KIP-467), 9 is flexible, 10 tells a client that asked the wrong broker who
 * leads (KIP-951), 11 may answer TRANSACTION_ABORTABLE and 12 adds partitions to the transaction on the
 * way (KIP-890), 13 names topics by id (KIP-516).
 *
 * Brokers list versions 0 to 2 as well and refuse them: librdkafka before 2.11.1 takes a higher minimum
 * for a lack of compression (KAFKA-18659).
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
} from "../schema.ts";
import { ZERO_UUID } from "../uuid.ts";

/** Request and response of Produce in all versions. */
export const produce = api({
  key: 0,
  name: "Produce",
  versions: "3-13",
  flexible: "9+",
  request: {
    transactionalId: string("3+", { nullable: "3+", default: null }),
    /**
     * Who must have the records before the answer: 0 nobody, and there is no answer, 1 the leader,
     * −1 all in-sync replicas.
     */
    acks: int16("0+"),
    /** How long to wait for the replicas that `acks` asks for. */
    timeoutMs: int32("0+"),
    topicData: array({
      name: string("0-12", { default: "", ignorable: true }),
      topicId: uuid("13+", { default: ZERO_UUID, ignorable: true }),
      partitionData: array({
        index: int32("0+"),
        /** Exactly one batch of format 2. */
        records: records("0+", { nullable: "0+" }),
      }, "0+"),
    }, "0+"),
  },
  response: {
    responses: array({
      name: string("0-12", { default: "", ignorable: true }),
      topicId: uuid("13+", { default: ZERO_UUID, ignorable: true }),
      partitionResponses: array({
        index: int32("0+"),
        errorCode: int16("0+"),
        /** The offset of the first record, −1 after an error. */
        baseOffset: int64("0+"),
        /** When the batch was appended, −1 where the topic keeps the time of creation. */
        logAppendTimeMs: int64("2+", { default: -1, ignorable: true }),
        logStartOffset: int64("5+", { default: -1, ignorable: true }),
        /** The records that made the broker refuse the batch. */
        recordErrors: array(
          {
            /** The place of the record in its batch, counted from 0. */
            batchIndex: int32("8+"),
            batchIndexErrorMessage: string("8+", { nullable: "8+", default: null }),
          },
          "8+",
          { default: [], ignorable: true },
        ),
        /** What was wrong with the batch, if `errorCode` alone does not say. */
        errorMessage: string("8+", { nullable: "8+", default: null, ignorable: true }),
        /** Where to send the records instead. */
        currentLeader: struct(
          {
            leaderId: int32("10+", { default: -1 }),
            leaderEpoch: int32("10+", { default: -1 }),
          },
          "10+",
          { tag: 0, default: {} },
        ),
      }, "0+"),
    }, "0+"),
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    /** Addresses of the leaders that `currentLeader` names. */
    nodeEndpoints: array(
      {
        nodeId: int32("10+"),
        host: string("10+"),
        port: int32("10+"),
        rack: string("10+", { nullable: "10+", default: null }),
      },
      "10+",
      { tag: 0, default: [] },
    ),
  },
});

/** A Produce request as a handler gets it. */
export type ProduceRequest = RequestOf<typeof produce>;
/** A Produce response as a handler gives it. */
export type ProduceResponse = ResponseTo<typeof produce>;
