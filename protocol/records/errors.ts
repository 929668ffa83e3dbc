/**
 * Errors of the record batch format. They describe what is wrong with the bytes; the broker maps
 * them to Kafka's error codes.
 *
 * @module
 */

/**
 * Thrown for bytes that are not a valid record batch: a size that does not fit, an unknown magic, a
 * wrong CRC, or records that exceed their frame.
 * Kafka: `CorruptRecordException`, CORRUPT_MESSAGE (2).
 */
export class CorruptRecordError extends Error {
  /** The name of the class. */
  override name = "CorruptRecordError";
}

/**
 * Thrown for a message set in format v0 or v1 (magic 0 and 1), which Kafka 4 no longer reads or
 * writes (KIP-724). It is not a {@linkcode CorruptRecordError}, because such data is valid and must
 * not be truncated as a damaged tail. On produce, Kafka rejects it with INVALID_RECORD (87).
 */
export class UnsupportedRecordFormatError extends Error {
  /** The name of the class. */
  override name = "UnsupportedRecordFormatError";

  /** The magic byte: 0 or 1. */
  readonly magic: number;

  /** Creates an error for a batch whose magic byte is `magic`. */
  constructor(magic: number, options?: ErrorOptions) {
    super(
      `Cannot read records of message format v${magic}: only magic 2 is supported, as since Apache Kafka 4.0`,
      options,
    );
    this.magic = magic;
  }
}
