/**
 * SipHash-1-3 with 128 bits of output, by which the cleaner identifies the keys of records.
 *
 * Keys are identified by these bits alone, so two keys with the same hash would cost one of them
 * its value. The probability of a collision by chance is one in 2^89 for a map of a million keys,
 * and one in 2^76 for a hundred million; Kafka, with MD5, has the same. To cause a collision on
 * purpose, a client that writes records would need the key of the hash: it is random for each
 * hasher and never stored or exposed, and SipHash is a keyed function designed against such
 * attacks.
 *
 * @module
 */

const KEY_WORDS = 4;

/** "somepseudorandomlygeneratedbytes", the initial state of SipHash. */
const INITIAL = [
  0x736f6d65,
  0x70736575,
  0x646f7261,
  0x6e646f6d,
  0x6c796765,
  0x6e657261,
  0x74656462,
  0x79746573,
] as const;

/** Rounds after the last input word, and again before the second half of the output. */
const FINALIZATION_ROUNDS = 3;

/** Hashes keys. Equal keys have equal hashes only with the same hasher. */
export class KeyHasher {
  /** The last hash: four words, least significant first. */
  readonly hash: Uint32Array = new Uint32Array(4);
  readonly #key: Uint32Array;

  /** @param key Sixteen bytes as four little-endian words. Default: random. */
  constructor(key: Uint32Array = crypto.getRandomValues(new Uint32Array(KEY_WORDS))) {
    this.#key = key;
  }

  /** Puts the hash of `bytes` from `start` to `end` in {@linkcode hash}. */
  update(bytes: Uint8Array, start: number, end: number): void {
    const { hash } = this;
    const key = this.#key;
    // The state, v0 to v3: 64-bit words in two halves each, `a` the high one and `A` the low one.
    let a = INITIAL[0] ^ key[1]!, A = INITIAL[1] ^ key[0]!;
    let b = INITIAL[2] ^ key[3]!, B = INITIAL[3] ^ key[2]! ^ 0xee;
    let c = INITIAL[4] ^ key[1]!, C = INITIAL[5] ^ key[0]!;
    let d = INITIAL[6] ^ key[3]!, D = INITIAL[7] ^ key[2]!;
    const inputRounds = ((end - start) >> 3) + 1;
    const halfRounds = inputRounds + FINALIZATION_ROUNDS;
    for (let round = 0, at = start; round < halfRounds + FINALIZATION_ROUNDS; round++) {
      // The next word of input, or 0 once there is none.
      let high = 0;
      let low = 0;
      if (round < inputRounds - 1) {
        low = wordAt(bytes, at);
        high = wordAt(bytes, at + 4);
        at += 8;
      } else if (round === inputRounds - 1) {
        high = (end - start) << 24;
        for (let i = end - at - 1; i >= 4; i--) high |= bytes[at + i]! << (8 * (i - 4));
        for (let i = Math.min(end - at, 4) - 1; i >= 0; i--) low |= bytes[at + i]! << (8 * i);
      } else if (round === inputRounds) {
        C ^= 0xee;
      } else if (round === halfRounds) {
        hash[0] = A ^ B ^ C ^ D;
        hash[1] = a ^ b ^ c ^ d;
        B ^= 0xdd;
      }
      d ^= high;
      D ^= low;

      // SipRound. A carry is where the sum of the low halves is less than one of them.
      A = (A + B) | 0;
      a = (a + b + ((A >>> 0) < (B >>> 0) ? 1 : 0)) | 0;
      let word = (b << 13) | (B >>> 19);
      B = ((B << 13) | (b >>> 19)) ^ A;
      b = word ^ a;
      word = a;
      a = A;
      A = word;
      C = (C + D) | 0;
      c = (c + d + ((C >>> 0) < (D >>> 0) ? 1 : 0)) | 0;
      word = (d << 16) | (D >>> 16);
      D = ((D << 16) | (d >>> 16)) ^ C;
      d = word ^ c;
      A = (A + D) | 0;
      a = (a + d + ((A >>> 0) < (D >>> 0) ? 1 : 0)) | 0;
      word = (d << 21) | (D >>> 11);
      D = ((D << 21) | (d >>> 11)) ^ A;
      d = word ^ a;
      C = (C + B) | 0;
      c = (c + b + ((C >>> 0) < (B >>> 0) ? 1 : 0)) | 0;
      word = (b << 17) | (B >>> 15);
      B = ((B << 17) | (b >>> 15)) ^ C;
      b = word ^ c;
      word = c;
      c = C;
      C = word;

      a ^= high;
      A ^= low;
    }
    hash[2] = A ^ B ^ C ^ D;
    hash[3] = a ^ b ^ c ^ d;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
