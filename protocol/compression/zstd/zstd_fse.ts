/**
 * Finite State Entropy coding, as used in Zstandard.
 *
 * An encoder maps a symbol and a state to some bits and the next state: a symbol of probability
 * 2^-n costs about n bits. Decoders read the bits backwards, from last to first.
 *
 * Spec: RFC 8878 section 4.1
 *
 * @module
 */

/** Writes bits, least significant first. */
export class BitWriter {
  readonly #bytes: Uint8Array;
  #position: number;
  #bits = 0;
  #bitCount = 0;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.#position = position;
  }

  /** Appends the low `count` bits of `value`; at most 31. */
  add(value: number, count: number): void {
    if (count > 16) {
      this.add(value & 0xffff, 16);
      value >>>= 16;
      count -= 16;
    }
    this.#bits |= (value & ((1 << count) - 1)) << this.#bitCount;
    this.#bitCount += count;
    while (this.#bitCount >= 8) {
      this.#bytes[this.#position++] = this.#bits;
      this.#bits >>>= 8;
      this.#bitCount -= 8;
    }
  }

  /**
   * Appends the final 1 bit, which marks the end for decoders, and returns the position after it.
   */
  close(): number {
    this.add(1, 1);
    if (this.#bitCount > 0) this.#bytes[this.#position++] = this.#bits;
    return this.#position;
  }
}

/** Encodes symbols of one distribution. */
export class FseEncoder {
  readonly #accuracyLog: number;
  /** The next state, indexed through the two arrays below. */
  readonly #states: Uint16Array;
  readonly #bitDeltas: Int32Array;
  readonly #stateDeltas: Int32Array;

  /**
   * @param counts Number of the 2^accuracyLog states that each symbol has; -1 for a symbol whose
   *   probability is below that of one state.
   */
  constructor(accuracyLog: number, counts: readonly number[]) {
    const size = 1 << accuracyLog;
    this.#accuracyLog = accuracyLog;
    this.#states = new Uint16Array(size);
    this.#bitDeltas = new Int32Array(counts.length);
    this.#stateDeltas = new Int32Array(counts.length);
    const symbols = spread(size, counts);
    const next: number[] = [];
    let total = 0;
    for (const [symbol, signedCount] of counts.entries()) {
      const count = Math.abs(signedCount);
      // A symbol with one state always takes accuracyLog bits; others one bit less in some states.
      const maxBits = accuracyLog - (count === 1 ? 0 : 31 - Math.clz32(count - 1));
      this.#bitDeltas[symbol] = (maxBits << 16) - (count << maxBits);
      this.#stateDeltas[symbol] = total - count;
      next.push(total);
      total += count;
    }
    for (const [state, symbol] of symbols.entries()) this.#states[next[symbol]!++] = size + state;
  }

  /** Writes `symbol` and returns the next state. The state -1 starts with this symbol. */
  encode(bits: BitWriter, state: number, symbol: number): number {
    const bitDelta = this.#bitDeltas[symbol]!;
    const stateDelta = this.#stateDeltas[symbol]!;
    if (state < 0) {
      const count = (bitDelta + (1 << 15)) >> 16;
      return this.#states[(((count << 16) - bitDelta) >> count) + stateDelta]!;
    }
    const count = (state + bitDelta) >> 16;
    bits.add(state, count);
    return this.#states[(state >> count) + stateDelta]!;
  }

  /** Writes the state that a decoder starts with. */
  finish(bits: BitWriter, state: number): void {
    bits.add(state, this.#accuracyLog);
  }
}

/**
 * Assigns each state its symbol: those with probability below one at the end, the others in strides
 * through the rest.
 */
function spread(size: number, counts: readonly number[]): Uint8Array {
  const symbols = new Uint8Array(size);
  let free = size;
  for (const [symbol, count] of counts.entries()) if (count === -1) symbols[--free] = symbol;
  const step = (size >> 1) + (size >> 3) + 3;
  let state = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let index = 0; index < count; index++) {
      symbols[state] = symbol;
      do state = (state + step) & (size - 1); while (state >= free);
    }
  }
  return symbols;
}
