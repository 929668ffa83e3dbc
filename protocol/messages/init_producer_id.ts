/**
 * InitProducerId: gives a producer its id and epoch, and fences older ones with its transactional id.
 *
 * Version 2 is flexible, 3 lets a producer raise its own epoch (KIP-360), 4 may answer PRODUCER_FENCED
 * (KIP-588), 5 TRANSACTION_ABORTABLE (KIP-890). Version 6 (KIP-939) is not stable in Kafka and left out.
 *
 * @module
 */

import { api, int16, int32, int64, type RequestOf, type ResponseTo, string } from "../schema.ts";

/** Request and response of InitProducerId in all versions. */
export const initProducerId = api({
  key: 22,
  name: "InitProducerId",
  versions: "0-5",
  flexible: "2+",
  request: {
    /** Null for a producer that is idempotent only. */
    transactionalId: string("0+", { nullable: "0+" }),
    /**
     * How long the coordinator leaves a transaction open; means nothing without `transactionalId`.
     */
    transactionTimeoutMs: int32("0+"),
    /** The id the producer has, −1 for none. */
    producerId: int64("3+", { default: -1 }),
    /** The epoch the producer has, −1 for none. */
    producerEpoch: int16("3+", { default: -1 }),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0, ignorable: true }),
    errorCode: int16("0+"),
    producerId: int64("0+", { default: -1 }),
    producerEpoch: int16("0+"),
  },
});

/** An InitProducerId request as a handler gets it. */
export type InitProducerIdRequest = RequestOf<typeof initProducerId>;
/** An InitProducerId response as a handler gives it. */
export type InitProducerIdResponse = ResponseTo<typeof initProducerId>;
