/**
 * The zstd codec: `zstd.ts` uses `node:zlib`, or where that lacks zstd an npm package to decompress
 * and `zstd_encoder.ts` (with `zstd_fse.ts`) to compress. `zstd_frame.ts` checks frame headers first.
 *
 * @module
 */

export { compressZstd, decompressZstd, decompressZstdInSlices, hasNativeZstd } from "./zstd.ts";
