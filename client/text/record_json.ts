/**
 * Records as JSON objects, as `dqueue consume --output json` prints them.
 *
 * @module
 */

import { int64Text } from "../../protocol/primitives/int64.ts";
import { decodeExactly } from "./utf8.ts";

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

/** A JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A number as JSON with exactly these digits. */
export const rawJson: (text: string) => Json =
  (JSON as unknown as { rawJSON(text: string): Json }).rawJSON;

/** A record as a JSON object, with its fields in a readable order. */
export function recordToJson(record: OutputRecord): Json {
  return {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: timestampToJson(record),
    headers: record.headers.map((header) => ({
      key: header.key,
      ...bytesToJson("value", header.value),
    })),
    ...bytesToJson("key", record.key),
    ...bytesToJson("value", record.value),
  };
}

/** The timestamp, with all its digits where a number is not exact. */
function timestampToJson(record: OutputRecord): Json {
  const { timestamp } = record;
  if (Number.isSafeInteger(timestamp)) return timestamp;
  return rawJson(String(record.exactTimestamp ?? int64Text(timestamp)));
}

function bytesToJson(name: string, bytes: Uint8Array | null): { [key: string]: Json } {
  if (bytes === null) return { [name]: null };
  const text = decodeExactly(bytes);
  return text === undefined ? { [`${name}_base64`]: bytes.toBase64() } : { [name]: text };
}
