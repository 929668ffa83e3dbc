/**
 * Errors of the codecs.
 *
 * @module
 */

/**
 * Thrown for corrupt compressed data, and for a codec that is unknown or does not support an
 * operation.
 */
export class CompressionError extends Error {
  /** The name of the class. */
  override name = "CompressionError";
}

/**
 * Thrown for data that decompresses to more than the caller allows, such as a decompression bomb.
 */
export class DecompressedSizeError extends CompressionError {
  /** The name of the class. */
  override name = "DecompressedSizeError";

  /** The maximum decompressed size in bytes. */
  readonly maxBytes: number;

  /** Creates an error for a codec, by name, and the maximum decompressed size in bytes. */
  constructor(codec: string, maxBytes: number, options?: ErrorOptions) {
    super(`Cannot decompress ${codec}: size is over ${maxBytes} bytes`, options);
    this.maxBytes = maxBytes;
  }
}
