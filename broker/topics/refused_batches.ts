/**
 * Batches of idempotent producers that were refused for a moment: this broker did not lead yet, or too few
 * replicas were in sync.
 *
 * A producer may have sent more meanwhile. What arrives when the moment is over does not follow the last
 * batch in the log, and that must not be called a lost record: librdkafka would give all its batches a new
 * epoch, also those that were appended and not acknowledged, which are then in the log twice. The batches
 * after a refused one are refused as that was.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";

type Sequence = Pick<RecordBatch, "producerId" | "producerEpoch" | "baseSequence">;

interface Refused {
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly errorCode: number;
  readonly untilMs: number;
}

/** How long what a producer had in flight may take to arrive. */
const REMEMBERED_MS = 5000;
/** Producers of a partition that are remembered. */
const MAX_PRODUCERS = 100;
const SEQUENCES = 2 ** 31;

/** The refused batches of one partition. Times are those of `Clock.monotonic()`. */
export class RefusedBatches {
  /** The first of each producer, by its id; the one refused last at the end. */
  readonly #refused: Map<number, Refused> = new Map();

  /** Notes that a batch was refused, and how. */
  note(
    { producerId, producerEpoch, baseSequence }: Sequence,
    errorCode: number,
    nowMs: number,
  ): void {
    if (producerId < 0 || baseSequence < 0) return;
    const before = this.#refused.get(producerId);
    const isLater = before?.producerEpoch === producerEpoch && before.untilMs >= nowMs;
    this.#refused.delete(producerId);
    this.#refused.set(producerId, {
      producerEpoch,
      baseSequence: isLater ? before.baseSequence : baseSequence,
      errorCode,
      untilMs: nowMs + REMEMBERED_MS,
    });
    if (this.#refused.size <= MAX_PRODUCERS) return;
    for (const oldest of this.#refused.keys()) {
      this.#refused.delete(oldest);
      break;
    }
  }

  /** How a batch is refused that does not follow the last one in the log; undefined if no refusal explains it. */
  errorAfter(
    { producerId, producerEpoch, baseSequence }: Sequence,
    nowMs: number,
  ): number | undefined {
    const refused = this.#refused.get(producerId);
    if (refused === undefined || refused.producerEpoch !== producerEpoch) return undefined;
    if (refused.untilMs < nowMs) return undefined;
    const distance = (baseSequence - refused.baseSequence + SEQUENCES) % SEQUENCES;
    return distance > 0 && distance < SEQUENCES / 2 ? refused.errorCode : undefined;
  }
}
