/**
 * Which producers the transaction coordinator is being asked about, before a batch of theirs opens a
 * transaction in a log (KIP-890). Kafka: `VerificationGuard`, `VerificationStateEntry`.
 *
 * A verification begins before the question, and must still be there at the append. Whatever is appended
 * for the producer ends it, data or a marker: an answer from before a marker is worth nothing after it,
 * or a late batch would open a transaction that nobody ends (KAFKA-14884). All batches of a producer that
 * wait for an answer share one.
 *
 * It also remembers the lowest sequence asked about. A later batch that is verified first, because the
 * first one's verification failed, is out of order (KAFKA-14920).
 *
 * @module
 */

/** A question about a producer that is not outdated yet. Compared by identity. */
export class Verification {
  /** The latest epoch asked about. */
  producerEpoch: number;
  /** The lowest sequence of that epoch asked about. */
  lowestSequence: number;

  constructor(producerEpoch: number, baseSequence: number) {
    this.producerEpoch = producerEpoch;
    this.lowestSequence = baseSequence;
  }

  /** Notes another batch that waits for the answer. */
  add(producerEpoch: number, baseSequence: number): void {
    if (producerEpoch < this.producerEpoch) return;
    if (producerEpoch > this.producerEpoch || baseSequence < this.lowestSequence) {
      this.producerEpoch = producerEpoch;
      this.lowestSequence = baseSequence;
    }
  }
}

/**
 * How many producers are remembered in a log. What was asked about a producer stays until something is
 * appended for it, which a client with invented producer ids never gets to. Beyond the limit the oldest is
 * forgotten, and what waits for its answer must ask again.
 */
const MAX_VERIFICATIONS = 1000;

/** The verifications of a log's producers. */
export class TransactionVerifications {
  readonly #byProducer = new Map<number, Verification>();

  /** Begins a verification, or joins the one under way. */
  start(producerId: number, producerEpoch: number, baseSequence: number): Verification {
    const running = this.#byProducer.get(producerId);
    if (running !== undefined) {
      running.add(producerEpoch, baseSequence);
      return running;
    }
    if (this.#byProducer.size === MAX_VERIFICATIONS) {
      this.#byProducer.delete(this.#byProducer.keys().next().value!);
    }
    const started = new Verification(producerEpoch, baseSequence);
    this.#byProducer.set(producerId, started);
    return started;
  }

  /** The verification of a producer. */
  get(producerId: number): Verification | undefined {
    return this.#byProducer.get(producerId);
  }

  /** Ends the verification of a producer. */
  end(producerId: number): void {
    if (this.#byProducer.size > 0) this.#byProducer.delete(producerId);
  }
}
