/**
 * What a stream sends, before it has the form of Server-Sent Events or WebSocket messages.
 *
 * @module
 */

import type { Message } from "../../../client/mod.ts";
import { type OutputRecord, recordToJson } from "../../../client/text/record_json.ts";
import type { ValueMode } from "./stream_query.ts";

/** A record as text. */
export interface StreamRecord {
  /** The index of its partition among those of the stream. */
  readonly at: number;
  readonly offset: number;
  /** A JSON object on one line. */
  readonly json: string;
  /** The id of the event that ends with it. */
  readonly id: string;
}

/** A notice besides records. */
export interface StreamNotice {
  readonly name: "caught-up" | "progress" | "gap" | "error" | "end";
  readonly data: Readonly<Record<string, unknown>>;
  readonly id?: string;
}

/** How events are written. */
export interface StreamFormat {
  /** Distinguishes the formats. */
  readonly name: string;
  records(records: readonly StreamRecord[]): Uint8Array<ArrayBuffer>;
  notice(notice: StreamNotice): Uint8Array<ArrayBuffer>;
}

/** A record as JSON on one line. */
export function recordJson(message: Message, value: ValueMode): string {
  const record: OutputRecord = {
    topic: message.topic,
    partition: message.partition,
    offset: message.offset,
    timestamp: message.timestamp,
    key: message.key,
    value: message.value,
    headers: Array.from(message.headers, ([key, bytes]) => ({ key, value: bytes })),
  };
  if (!Number.isSafeInteger(message.timestamp)) {
    Object.assign(record, { exactTimestamp: message.exactTimestamp });
  }
  const size = message.valueSize;
  const most = value === "full" ? Infinity : value === "none" ? 0 : value;
  if (size <= most) return JSON.stringify(recordToJson(record));
  const cut = {
    ...record,
    value: message.value!.subarray(0, wholeCharacters(message.value!, most)),
  };
  return JSON.stringify({ ...recordToJson(cut) as object, value_size: size, value_cut: true });
}

/** The most bytes up to `most` that do not end within a character of UTF-8, if the bytes are text. */
function wholeCharacters(bytes: Uint8Array, most: number): number {
  let end = most;
  // A character has up to three bytes after its first.
  while (end > most - 3 && end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  const first = bytes[end]!;
  const length = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return first < 0xf8 && end + length > most ? end : most;
}
