/**
 * The last samples of a number.
 *
 * @module
 */

/** Samples of one number, the newest replacing the oldest. */
export class Ring {
  readonly #values: Float32Array;
  #next = 0;

  /** @param length Number of samples. */
  constructor(length: number) {
    this.#values = new Float32Array(length).fill(NaN);
  }

  /** Adds a sample; NaN if the number is not known. */
  push(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#values.length;
  }

  /** The last `count` samples, the oldest first; null where the number is not known. */
  last(count: number): (number | null)[] {
    const { length } = this.#values;
    const taken = Math.min(count, length);
    return Array.from({ length: taken }, (_, i) => {
      const value = this.#values[(this.#next - taken + i + length) % length]!;
      return Number.isNaN(value) ? null : value;
    });
  }
}
