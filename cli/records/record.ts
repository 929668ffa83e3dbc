/**
 * Records as printed and read by the command line. Messages of the client are compatible.
 *
 * @module
 */

export type { OutputRecord, RecordHeader } from "../../client/text/record_json.ts";
import type { RecordHeader } from "../../client/text/record_json.ts";

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
