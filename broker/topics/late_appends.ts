/**
 * Appends of batches that take long to validate, in the order in which they arrived.
 *
 * @module
 */

/** The late appends to one partition. */
export class LateAppends {
  /** Resolves when the last batch being validated was appended or rejected. */
  #last: Promise<void> | undefined;

  /** Whether batches are being validated, which later ones must wait for. */
  get isBusy(): boolean {
    return this.#last !== undefined;
  }

  /** Calls `append` with a batch once it is valid and the ones before are appended or rejected. */
  add<B, T>(validated: Promise<B>, append: (batch: B) => T): Promise<T> {
    const result = this.#appendAfter(this.#last, validated, append);
    const ended = result.then(() => {}, () => {}).then(() => {
      if (this.#last === ended) this.#last = undefined;
    });
    this.#last = ended;
    return result;
  }

  async #appendAfter<B, T>(
    before: Promise<void> | undefined,
    validated: Promise<B>,
    append: (batch: B) => T,
  ): Promise<T> {
    const [outcome] = await Promise.allSettled([validated, before]);
    if (outcome.status === "rejected") throw outcome.reason;
    return append(outcome.value);
  }
}
