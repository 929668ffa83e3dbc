/**
 * Writes records by a format string (see `format.ts`).
 *
 * @module
 */

import type { ByteBuffer } from "../terminal/byte_buffer.ts";
import { CommandError } from "../errors.ts";
import { type FormatPart, FormatSyntaxError, type NumberVerb, parseFormat } from "./format.ts";
import type { TextEncoding } from "./format.ts";
import type { NumberEncoding } from "./format_number.ts";
import type { OutputRecord, RecordHeader } from "./record.ts";
import { decodeExactly, encodeUtf8 } from "../../client/text/utf8.ts";

/** Thrown if a record cannot be written in the format: exit code 1. */
export class RecordWriteError extends CommandError {
  override name = "RecordWriteError";
}

class NotTextError extends Error {
  override name = "NotTextError";
}

type RecordWriter = (record: OutputRecord, buffer: ByteBuffer) => void;
type HeaderWriter = (header: RecordHeader, buffer: ByteBuffer) => void;

/** A compiled format string for writing records. */
export class RecordFormatter {
  readonly #writers: readonly RecordWriter[];
  #count = 0;

  /**
   * Compiles a format string.
   *
   * @throws {FormatSyntaxError} If it is invalid, or can only be used for reading.
   */
  constructor(format: string) {
    this.#writers = parseFormat(format).map((part) => this.#writer(format, part));
  }

  /**
   * Appends `record` to `buffer`.
   *
   * Null is written as nothing, with length 0; `{json}` writes `null`.
   *
   * @throws {RecordWriteError} If `{json}` applies to bytes that are not UTF-8; nothing of the
   *   record is appended then.
   */
  append(record: OutputRecord, buffer: ByteBuffer): void {
    const { length } = buffer;
    this.#count++;
    try {
      for (const write of this.#writers) write(record, buffer);
    } catch (error) {
      buffer.truncate(length);
      if (!(error instanceof NotTextError)) throw error;
      const { topic, partition, offset } = record;
      throw new RecordWriteError(
        `Cannot print "${topic}-${partition}" at offset ${offset}: ${error.message}`,
        { cause: error },
      );
    }
  }

  #writer(format: string, part: FormatPart): RecordWriter {
    switch (part.type) {
      case "literal":
        return (_, buffer) => buffer.bytes(part.bytes);
      case "text":
        return textWriter(part.verb, part.encoding);
      case "number":
        return this.#numberWriter(part.verb, part.encoding);
      case "time":
        return (record, buffer) => buffer.text(part.layout.format(record.timestamp));
      case "headers": {
        const writers = part.parts.map((inner) => headerWriter(format, inner));
        return (record, buffer) => {
          for (const header of record.headers) {
            for (const write of writers) write(header, buffer);
          }
        };
      }
      case "constant":
        throw readOnly(format, part);
    }
  }

  #numberWriter(
    verb: NumberVerb,
    { name, write }: NumberEncoding,
  ): RecordWriter {
    switch (verb) {
      case "T":
        return (record, buffer) => write(encodeUtf8(record.topic).length, buffer);
      case "K":
        return (record, buffer) => write(record.key?.length ?? 0, buffer);
      case "V":
        return (record, buffer) => write(record.value?.length ?? 0, buffer);
      case "H":
        return (record, buffer) => write(record.headers.length, buffer);
      case "p":
        return (record, buffer) => write(record.partition, buffer);
      case "o":
        return (record, buffer) => write(record.offset, buffer);
      case "e":
        return (record, buffer) => write(record.leaderEpoch ?? -1, buffer);
      case "d":
        return (record, buffer) => {
          const { timestamp } = record;
          if (name !== "ascii" || Number.isSafeInteger(timestamp)) write(timestamp, buffer);
          else buffer.text(String(record.exactTimestamp ?? timestamp));
        };
      case "i":
        return (_, buffer) => write(this.#count, buffer);
    }
  }
}

function textWriter(verb: string, encoding: TextEncoding): RecordWriter {
  if (verb === "k") return (record, buffer) => appendText(record.key, encoding, buffer);
  if (verb === "v") return (record, buffer) => appendText(record.value, encoding, buffer);
  if (encoding === "raw") return (record, buffer) => buffer.text(record.topic);
  return (record, buffer) => appendText(encodeUtf8(record.topic), encoding, buffer);
}

function headerWriter(format: string, part: FormatPart): HeaderWriter {
  if (part.type === "literal") return (_, buffer) => buffer.bytes(part.bytes);
  if (part.type === "text") {
    const { encoding } = part;
    if (part.verb === "v") return (header, buffer) => appendText(header.value, encoding, buffer);
    if (encoding === "raw") return (header, buffer) => buffer.text(header.key);
    return (header, buffer) => appendText(encodeUtf8(header.key), encoding, buffer);
  }
  if (part.type === "number") {
    const { write } = part.encoding;
    if (part.verb === "V") return (header, buffer) => write(header.value?.length ?? 0, buffer);
    return (header, buffer) => write(encodeUtf8(header.key).length, buffer);
  }
  throw readOnly(format, part);
}

function appendText(bytes: Uint8Array | null, encoding: TextEncoding, buffer: ByteBuffer): void {
  if (encoding === "json") {
    buffer.text(bytes === null ? "null" : JSON.stringify(textOf(bytes)));
  } else if (bytes !== null) {
    if (encoding === "raw") buffer.bytes(bytes);
    else buffer.text(encoding === "hex" ? bytes.toHex() : bytes.toBase64());
  }
}

/** @throws {NotTextError} If the text would not restore the bytes. */
function textOf(bytes: Uint8Array): string {
  const text = decodeExactly(bytes);
  if (text !== undefined) return text;
  throw new NotTextError("{json} supports UTF-8 only; use {base64} or {hex}");
}

function readOnly(format: string, part: FormatPart): FormatSyntaxError {
  return new FormatSyntaxError(
    format,
    part.position,
    "a number given in the format can only be used for reading",
  );
}
