/**
 * The codecs of record batches: `codec.ts` selects one by Kafka's number.
 *
 *     gzip    gzip.ts    node:zlib
 *     snappy  snappy/    npm:hysnappy for blocks, xerial's stream format here
 *     lz4     lz4/       implemented here
 *     zstd    zstd/      node:zlib, or npm:fzstd and an encoder on a Deno without zstd
 *
 * `slices.ts` does the same in slices of a few milliseconds (`steps.ts`). `zlib.ts` and `matches.ts`
 * have what several codecs share.
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
