/**
 * Independent seeds from one.
 *
 * @module
 */

/** Mixes a seed and a number into an independent seed. */
export function mix(seed: number, number: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number + 0x7f4a7c15, 0xc2b2ae35);
  hash = Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d);
  hash = Math.imul(hash ^ hash >>> 12, 0x297a2d39);
  return (hash ^ hash >>> 15) >>> 0;
}
