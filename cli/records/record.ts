/**
 * Records as the command line prints and reads them. What the client hands out fits as it is.
 *
 * @module
 */

/** A header of a record. */
export interface RecordHeader {
  /** Its key; several headers may have the same. */
  readonly key: string;
  /** Its value, or null. */
  readonly value: Uint8Array | null;
}

/** A record to print. */
export interface OutputRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the epoch, -1 if it has none. */
  readonly timestamp: number;
  /** The timestamp with all its digits, where a number has not. */
  readonly exactTimestamp?: bigint;
  /** Epoch of the leader that appended it; -1 or undefined if not known. */
  readonly leaderEpoch?: number | undefined;
  readonly key: Uint8Array | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * A record that was read, to be produced. What the input does not say is undefined.
 *
 * Bytes are views of the input's chunks: nobody overwrites them, but whoever keeps a small one for
 * long keeps its chunk and better copies it.
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

/** A record that says nothing yet. */
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
