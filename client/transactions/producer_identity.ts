/**
 * The identity of a producer.
 *
 * @module
 */

/** The identity of an idempotent producer. */
export interface ProducerIdentity {
  /** The producer id. */
  readonly producerId: number;
  /** The epoch, which rises with each bump. */
  readonly producerEpoch: number;
}
