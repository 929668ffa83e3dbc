/**
 * What the coordinator does with a request.
 *
 * @module
 */

import { NONE, type Producer, type Transaction } from "./transaction.ts";

/** An answer, and what must be committed before it is given. */
export interface Decision extends Producer {
  readonly errorCode: number;
  /** The next state. Undefined: nothing changes. */
  readonly next?: Transaction;
}

/** The decision needs a new producer id. */
export const NEEDS_PRODUCER_ID: unique symbol = Symbol("needs a producer id");

const NO_PRODUCER: Producer = { producerId: NONE, producerEpoch: NONE };

/** Refuses a request. */
export function refuse(errorCode: number): Decision {
  return { errorCode, ...NO_PRODUCER };
}

/** Answers a request, with the producer's pair if it is given. */
export function answer({ producerId, producerEpoch }: Producer = NO_PRODUCER): Decision {
  return { errorCode: 0, producerId, producerEpoch };
}
