/**
 * Errors of the record batch format. They say what is wrong with bytes; mapping them to Kafka's
 * error codes is the broker's business.
 *
 * @module
 */

/**
 * Bytes that claim to be a record batch but are not a sound one: a size that does not fit, an
 * unknown magic, a CRC that does not match, records that run past their frame.
 * Kafka: `CorruptRecordException`, CORRUPT_MESSAGE (2).
 */
export class CorruptRecordError extends Error {
  /** The name of the class. */
  override name = "CorruptRecordError";
}

/**
 * A message set in format v0 or v1 (magic 0 and 1), which Kafka 4 no longer reads or writes
 * (KIP-724). Kept apart from {@linkcode CorruptRecordError}, since such data is sound and must not
 * be cut off as a damaged tail. Kafka refuses it on produce with INVALID_RECORD (87).
 */
export class UnsupportedRecordFormatError extends Error {
  /** The name of the class. */
  override name = "UnsupportedRecordFormatError";

  /** The magic byte that was met: 0 or 1. */
  readonly magic: number;

  /** For a batch whose magic byte is `magic`. */
  constructor(magic: number, options?: ErrorOptions) {
    super(
      `Cannot read records of message format v${magic}: only magic 2 is supported, as since Apache Kafka 4.0`,
      options,
    );
    this.magic = magic;
  }
}
