/**
 * The truncations of a log, during which nothing is appended.
 *
 * @module
 */

/** Those of one log. */
export class Truncations {
  /** Settles when those that run have ended. */
  #running: Promise<void> | undefined;

  /** Whether one runs. */
  get areRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves when none runs. */
  async ended(): Promise<void> {
    await this.#running;
  }

  /** Runs one, after which the log is on disk. */
  async run(work: () => Promise<unknown>): Promise<void> {
    const cut = Promise.all([this.#running, work()]);
    const running = cut.then(() => {}, () => {});
    this.#running = running;
    try {
      await cut;
    } finally {
      if (this.#running === running) this.#running = undefined;
    }
  }
}
