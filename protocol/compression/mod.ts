/**
 * The codecs of record batches: `codec.ts` selects one by Kafka's number.
 *
 *     gzip    gzip.ts     node:zlib
 *     snappy  snappy.ts   npm:hysnappy for blocks, xerial's framing here
 *     lz4     lz4.ts      frames; blocks in lz4_block.ts, checksums in xxhash32.ts
 *     zstd    zstd.ts     node:zlib, or npm:fzstd and zstd_encoder.ts on a Deno that has no zstd
 *
 * All are synchronous. `node:zlib` and WebAssembly, which are slow to load, are loaded on first use
 * to keep the start of a program fast. Input is untrusted: memory is allocated only for sizes that
 * the input can expand to, and the decompressed size is limited by the caller.
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
