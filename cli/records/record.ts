/**
 * Records as printed and read by the command line. Messages of the client are compatible.
 *
 * @module
 */

/** A header of a record. */
export interface RecordHeader {
  /** The key; several headers may have the same key. */
  readonly key: string;
  /** The value, or null. */
  readonly value: Uint8Array | null;
}

/** A record to print. */
export interface OutputRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the epoch, -1 if there is none. */
  readonly timestamp: number;
  /** The exact timestamp, where a number is not exact. */
  readonly exactTimestamp?: bigint;
  /** Epoch of the leader that appended the record; -1 or undefined if unknown. */
  readonly leaderEpoch?: number | undefined;
  readonly key: Uint8Array | null;
  /** Null for a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * A record read from the input, to be produced. Properties that the input does not set are
 * undefined.
 *
 * Bytes are views of input chunks, which are never overwritten. A small view keeps its whole chunk
 * in memory; copy it to keep it for long.
 */
export interface InputRecord {
  topic: string | undefined;
  partition: number | undefined;
  /** Milliseconds since the epoch. */
  timestamp: number | bigint | undefined;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: RecordHeader[];
}

/** Creates a record without properties. */
export function emptyInputRecord(): InputRecord {
  return {
    topic: undefined,
    partition: undefined,
    timestamp: undefined,
    key: null,
    value: null,
    headers: [],
  };
}
