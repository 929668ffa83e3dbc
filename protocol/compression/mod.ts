/**
 * The codecs of record batches: `codec.ts` picks one by Kafka's number.
 *
 *     gzip    gzip.ts     node:zlib
 *     snappy  snappy.ts   npm:hysnappy for blocks, xerial's framing here
 *     lz4     lz4.ts      frames; blocks in lz4_block.ts, checksums in xxhash32.ts
 *     zstd    zstd.ts     node:zlib, or npm:fzstd and zstd_encoder.ts on a Deno that has no zstd
 *
 * All are synchronous. What is slow to load, `node:zlib` and WebAssembly, is loaded when it is
 * first needed, so that a program's start does not pay for it. Input is taken to be hostile: memory
 * is set apart only for sizes that the input can expand to, and nothing expands beyond the caller's
 * bound.
 *
 * @module
 */

export { compress, decompress, DEFAULT_MAX_DECOMPRESSED_BYTES } from "./codec.ts";
export {
  type CompressionName,
  compressionName,
  CompressionType,
  compressionType,
} from "./compression_type.ts";
export { CompressionError, DecompressedSizeError } from "./errors.ts";
export { maxExpandedBytes } from "./expansion_limit.ts";
