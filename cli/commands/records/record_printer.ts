/**
 * Prints records for `consume`: by a format string, as JSON, as values only for a pipe, or as text
 * for people.
 *
 * @module
 */

import type { Message } from "../../../client/mod.ts";
import type { ByteBuffer } from "../../terminal/byte_buffer.ts";
import { appendJsonRecord } from "../../records/json.ts";
import type { OutputRecord, RecordHeader } from "../../records/record.ts";
import { RecordFormatter } from "../../records/record_formatter.ts";
import type { Style } from "../../terminal/style.ts";
import { escapeControls } from "../../terminal/text_width.ts";
import { decodeExactly } from "../../../client/text/utf8.ts";

/** Binary data is truncated to this number of bytes in text output. */
const MAX_HEX_BYTES = 64;
const NEWLINE = 0x0a;

/** Appends a record to a buffer. */
export type RecordPrinter = (record: OutputRecord, buffer: ByteBuffer) => void;

/**
 * Creates a printer for a format string.
 *
 * @throws {FormatSyntaxError} If the format is invalid.
 */
export function formatPrinter(format: string): RecordPrinter {
  const formatter = new RecordFormatter(format);
  return (record, buffer) => formatter.append(record, buffer);
}

/** Prints records as one JSON object per line. */
export const jsonPrinter: RecordPrinter = appendJsonRecord;

/** Prints values, each with a newline, for the next program in a pipe. */
export const valuePrinter: RecordPrinter = ({ value }, buffer) => {
  if (value !== null) buffer.bytes(value);
  buffer.byte(NEWLINE);
};

/** Creates a printer for people, one line per record. */
export function textPrinter(style: Style): RecordPrinter {
  return (record, buffer) => {
    const { topic, partition, offset, key, value } = record;
    buffer.text(style.dim(`${topic}-${partition}:${offset}  ${timeText(record.timestamp)}  `));
    for (const header of record.headers) {
      const headerValue = header.value === null ? "null" : bytesText(header.value);
      buffer.text(style.dim(`[${escapeControls(header.key)}=${headerValue}] `));
    }
    if (key !== null) buffer.text(`${style.cyan(bytesText(key))}${style.dim(":")} `);
    buffer.text(value === null ? style.yellow("null") : bytesText(value));
    buffer.byte(NEWLINE);
  };
}

/**
 * A message of the SDK as a record to print. One object is reused for all messages.
 */
export class MessageView implements OutputRecord {
  #message!: Message;

  /** Shows `message` from now on. */
  of(message: Message): this {
    this.#message = message;
    return this;
  }

  get topic(): string {
    return this.#message.topic;
  }

  get partition(): number {
    return this.#message.partition;
  }

  get offset(): number {
    return this.#message.offset;
  }

  get timestamp(): number {
    return this.#message.timestamp;
  }

  get exactTimestamp(): bigint {
    return this.#message.exactTimestamp;
  }

  get leaderEpoch(): number {
    return this.#message.leaderEpoch;
  }

  get key(): Uint8Array | null {
    return this.#message.key;
  }

  get value(): Uint8Array | null {
    return this.#message.value;
  }

  get headers(): RecordHeader[] {
    return Array.from(this.#message.headers, ([key, value]) => ({ key, value }));
  }
}

/** Bytes as text on one line, or in hex if they are not text. */
function bytesText(bytes: Uint8Array): string {
  const text = decodeExactly(bytes);
  if (text !== undefined) return escapeControls(text);
  const hex = bytes.subarray(0, MAX_HEX_BYTES).toHex();
  return `0x${hex}${bytes.length > MAX_HEX_BYTES ? `… (${bytes.length} bytes)` : ""}`;
}

/** A timestamp for people, `-` if there is none. */
export function timeText(timestamp: number): string {
  if (timestamp < 0) return "-";
  const date = new Date(timestamp);
  // Producers may send any number.
  return Number.isNaN(date.getTime()) ? String(timestamp) : date.toISOString();
}
