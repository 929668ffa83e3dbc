/**
 * The snappy codec: `snappy.ts` reads and writes streams of blocks, and `snappy_block.ts`
 * decompresses large blocks in steps.
 *
 * @module
 */

export {
  compressSnappy,
  compressSnappySteps,
  decompressSnappy,
  decompressSnappySteps,
} from "./snappy.ts";
