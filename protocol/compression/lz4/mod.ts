/**
 * The lz4 codec: `lz4.ts` reads and writes frames, `lz4_block.ts` the blocks in them, and
 * `xxhash32.ts` computes their checksums.
 *
 * @module
 */

export { compressLz4, compressLz4Steps, decompressLz4, decompressLz4Steps } from "./lz4.ts";
