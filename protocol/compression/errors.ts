/**
 * Errors of the codecs.
 *
 * @module
 */

/** Bytes that are not what their codec writes, or a codec that was asked for what it cannot do. */
export class CompressionError extends Error {
  /** The name of the class. */
  override name = "CompressionError";
}

/** Bytes that expand to more than the caller allows, as a decompression bomb does. */
export class DecompressedSizeError extends CompressionError {
  /** The name of the class. */
  override name = "DecompressedSizeError";

  /** The size in bytes that was allowed. */
  readonly maxBytes: number;

  /** For a codec, by its name, and the size in bytes that was allowed. */
  constructor(codec: string, maxBytes: number, options?: ErrorOptions) {
    super(`Cannot decompress ${codec}: size is over ${maxBytes} bytes`, options);
    this.maxBytes = maxBytes;
  }
}
