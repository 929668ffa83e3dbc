/**
 * InitProducerId: assigns a producer id and epoch, and fences older producers with the same
 * transactional id.
 *
 * Version 2 is flexible, 3 lets a producer bump its own epoch (KIP-360), 4 may return
 * PRODUCER_FENCED (KIP-588), 5 TRANSACTION_ABORTABLE (KIP-890). Version 6 (KIP-939) is not stable
 * in Kafka and is omitted.
 *
 * @module
 */

import {
  api,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of InitProducerId in all versions. */
export const initProducerId = api({
  key: 22,
  name: "InitProducerId",
  versions: "0-5",
  flexible: "2+",
  request: {
    /** Null for a producer without transactions. */
    transactionalId: string({ nullable: "0+" }),
    /**
     * Maximum duration of a transaction; meaningless without `transactionalId`.
     */
    transactionTimeoutMs: int32(),
    /** The current producer id, −1 for none. */
    producerId: int64("3+", { default: -1 }),
    /** The current producer epoch, −1 for none. */
    producerEpoch: int16("3+", { default: -1 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
  },
});

/** A decoded InitProducerId request. */
export type InitProducerIdRequest = RequestOf<typeof initProducerId>;
/** An InitProducerId response to encode. */
export type InitProducerIdResponse = ResponseTo<typeof initProducerId>;
