/**
 * Options and result of a read of a log.
 *
 * @module
 */

/** What to read. */
export interface ReadOptions {
  /** Maximum size in bytes. */
  readonly maxBytes: number;
  /**
   * Exclusive upper bound of offsets, for instance the high watermark. Default: the log end offset.
   */
  readonly maxOffset?: number | undefined;
  /**
   * Whether to return the first batch even if it is larger than `maxBytes` (KIP-74). Default: true.
   */
  readonly minOneBatch?: boolean | undefined;
  /**
   * Whether to return empty batches, which compaction leaves for the state of producers, also at the
   * start and end of the read. Replicas need them; some clients cannot continue after them. Default:
   * false.
   */
  readonly withEmptyBatches?: boolean | undefined;
}

/** Consecutive whole batches of a log. */
export interface LogRead {
  /** The bytes of the batches, in order. They must not be changed. */
  readonly chunks: readonly Uint8Array[];
  readonly sizeInBytes: number;
  /** The offset after the last batch, or the requested offset if there is none. */
  readonly nextOffset: number;
  /**
   * Releases the memory of the chunks for reuse. They must not be used afterwards. Optional;
   * calling it again has no effect.
   */
  readonly release?: () => void;
}
