/**
 * An open transaction of a log, as administrators see it.
 *
 * @module
 */

import type { ProducerStateManager } from "../producers/producer_state_manager.ts";

/** An open transaction. */
export interface OpenTransaction {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Offset of its first record. */
  readonly firstOffset: number;
  /** Largest timestamp of its last batch, in milliseconds since 1970. */
  readonly lastTimestamp: number;
}

/** The oldest open transaction, if there is one. */
export function oldestOpenTransaction(
  { transactions, producers }: ProducerStateManager,
): OpenTransaction | undefined {
  const oldest = transactions.oldestOpen;
  if (oldest === undefined) return undefined;
  const [firstOffset, producerId] = oldest;
  const { producerEpoch, lastTimestamp } = producers.get(producerId)!;
  return { producerId, producerEpoch, firstOffset, lastTimestamp };
}
