/**
 * Reads records by a format string (see `format.ts`), as their bytes arrive.
 *
 * How a text verb finds its end, in this order: a length before it (`%K{big32}%k`), its own syntax
 * (`{json}`), the text behind it in the format (`%k,`), or the end of the input if nothing is behind
 * it. The text at the end of the format ends the record, so no field before it may contain it: a
 * line without the blank of `%k %v\n` is an error and does not swallow the next line. It may be
 * missing behind the last record.
 *
 * Headers are counted (`%H` before `%h{…}`), or go on until the text behind `%h{…}`.
 *
 * Offset, leader epoch and count (`%o %e %i`) are read over. An empty key is no key; an empty value
 * is an empty value.
 *
 * @module
 */

import type { ByteSource } from "./byte_source.ts";
import { CommandError } from "../errors.ts";
import { isNumberByte, type NumberEncoding } from "./format_number.ts";
import type { NumberVerb, TextEncoding, TextVerb } from "./format.ts";
import { isBlank, JsonScanner } from "./json_scanner.ts";
import { type Parse, parseStream } from "./parse_stream.ts";
import { compileReadSteps, type ReadStep, type TextStep } from "./record_reader_steps.ts";
import { emptyInputRecord, type InputRecord, type RecordHeader } from "./record.ts";
import type { Strftime } from "./strftime.ts";
import { decodeExactly, decodeForDisplay, encodeUtf8 } from "./utf8.ts";

/** A field larger than this is a mistake in the format or the input. */
const DEFAULT_MAX_FIELD_BYTES = 2 ** 30;
const MAX_PARTITION = 2 ** 31 - 1;
const EMPTY = new Uint8Array(0);

/** The input does not follow the format: exit code 1. */
export class RecordReadError extends CommandError {
  override name = "RecordReadError";
}

/** Options of {@linkcode RecordReader}. */
export interface RecordReaderOptions {
  /** Largest field to read, in bytes. Default: 1 GiB. */
  maxFieldBytes?: number;
}

/** Lengths and counts that were read and wait for what they measure. */
interface Sizes {
  T: number | undefined;
  K: number | undefined;
  V: number | undefined;
  H: number | undefined;
}

const NO_SIZES: Sizes = { T: undefined, K: undefined, V: undefined, H: undefined };

/** A format string made ready to read records. */
export class RecordReader {
  readonly #steps: readonly ReadStep[];
  readonly #terminator: Uint8Array | undefined;
  readonly #maxFieldBytes: number;

  /**
   * Compiles a format string.
   *
   * @throws {FormatSyntaxError} if it is not one, or cannot be read back because a field has no end
   */
  constructor(format: string, options: RecordReaderOptions = {}) {
    const { steps, terminator } = compileReadSteps(format);
    this.#steps = steps;
    this.#terminator = terminator;
    this.#maxFieldBytes = options.maxFieldBytes ?? DEFAULT_MAX_FIELD_BYTES;
  }

  /**
   * Reads a stream to its end, in batches of the records that each chunk completed.
   *
   * @throws {RecordReadError} after the records before it, where the input does not follow the format
   */
  read(
    stream: ReadableStream<Uint8Array>,
    options: { signal?: AbortSignal } = {},
  ): AsyncGenerator<InputRecord[], void, void> {
    return parseStream(stream, options, (source) => {
      return new RecordParser(source, this.#steps, this.#terminator, this.#maxFieldBytes)
        .records();
    });
  }
}

class RecordParser {
  readonly #source: ByteSource;
  readonly #steps: readonly ReadStep[];
  readonly #terminator: Uint8Array | undefined;
  readonly #maxFieldBytes: number;
  #count = 0;

  constructor(
    source: ByteSource,
    steps: readonly ReadStep[],
    terminator: Uint8Array | undefined,
    maxFieldBytes: number,
  ) {
    this.#source = source;
    this.#steps = steps;
    this.#terminator = terminator;
    this.#maxFieldBytes = maxFieldBytes;
  }

  /** All records; undefined means that it needs more bytes. */
  *records(): Generator<InputRecord | undefined, void, void> {
    const first = this.#steps[0]!;
    const skipsBlanks = first.type === "text" && first.end.type === "json";
    for (;;) {
      if (skipsBlanks) yield* this.#blanks();
      while (this.#source.available === 0) {
        if (this.#source.isEnded) return;
        yield;
      }
      this.#count++;
      const record = emptyInputRecord();
      const done = this.#runDelimited(record);
      if (done < this.#steps.length) yield* this.#run(this.#steps, record, done);
      yield record;
    }
  }

  /**
   * The common case by far, as a plain loop: delimited text that is already there.
   *
   * @returns how many steps it could take; the others may have to wait
   */
  #runDelimited(record: InputRecord): number {
    for (let i = 0; i < this.#steps.length; i++) {
      const step = this.#steps[i]!;
      const text = step.type === "text" ? this.#delimitedNow(step) : undefined;
      if (text === undefined) return i;
      this.#setText(record, step as TextStep, NO_SIZES, text);
    }
    return this.#steps.length;
  }

  *#run(steps: readonly ReadStep[], record: InputRecord, from = 0): Parse<void> {
    const sizes: Sizes = { ...NO_SIZES };
    for (let i = from; i < steps.length; i++) {
      const step = steps[i]!;
      switch (step.type) {
        case "literal":
          yield* this.#literal(step.bytes, step.isTerminator);
          break;
        case "text":
          this.#setText(record, step, sizes, yield* this.#text(step, sizes));
          break;
        case "number":
          this.#setNumber(record, sizes, step.verb, yield* this.#number(step.encoding, step.verb));
          break;
        case "constant":
          this.#setNumber(record, sizes, step.verb, step.value);
          break;
        case "time":
          record.timestamp = yield* this.#time(step.layout);
          break;
        case "headers":
          yield* this.#headers(step.steps, step.until, sizes.H, record);
      }
    }
  }

  /** Blanks between JSON values, so that the last newline does not begin another record. */
  *#blanks(): Parse<void> {
    for (;;) {
      while (this.#source.available > 0 && isBlank(this.#source.at(0))) this.#source.skip(1);
      if (this.#source.available > 0 || this.#source.isEnded) return;
      yield;
    }
  }

  /** Waits until `size` bytes are available or the input has ended. */
  *#ensure(size: number): Parse<void> {
    while (this.#source.available < size && !this.#source.isEnded) yield;
  }

  *#literal(bytes: Uint8Array, isTerminator: boolean): Parse<void> {
    yield* this.#ensure(bytes.length);
    if (this.#source.startsWith(bytes)) {
      this.#source.skip(bytes.length);
    } else if (!isTerminator || this.#source.available > 0) {
      const found = this.#source.peek(Math.max(bytes.length, 8));
      throw this.#error(`expected ${quote(bytes)}, found ${quote(found)}`);
    }
  }

  #delimitedNow(step: TextStep): Uint8Array | undefined {
    if (step.end.type !== "delimiter") return undefined;
    const at = this.#source.indexOf(step.end.bytes, 0);
    if (at === -1 || at > this.#maxFieldBytes) return undefined;
    this.#ensureNoTerminator(step.end.bytes, at);
    const text = this.#source.take(at);
    this.#source.skip(step.end.bytes.length);
    return text;
  }

  *#text(step: TextStep, sizes: Sizes): Parse<Uint8Array> {
    switch (step.end.type) {
      case "size":
        return yield* this.#sized(sizes[step.end.verb]!, step.encoding);
      case "json":
        return yield* this.#json();
      case "delimiter":
        return yield* this.#delimited(step.end.bytes);
      case "input":
        while (!this.#source.isEnded) {
          this.#ensureSize(this.#source.available);
          yield;
        }
        return this.#source.take(this.#source.available);
    }
  }

  *#sized(size: number, encoding: TextEncoding): Parse<Uint8Array> {
    const encodedSize = encoding === "hex"
      ? size * 2
      : encoding === "base64"
      ? Math.ceil(size / 3) * 4
      : size;
    this.#ensureSize(encodedSize);
    yield* this.#ensure(encodedSize);
    if (this.#source.available < encodedSize) {
      throw this.#error(
        `the input ends after ${this.#source.available} of ${encodedSize} bytes of a field`,
      );
    }
    return this.#source.take(encodedSize);
  }

  *#delimited(delimiter: Uint8Array): Parse<Uint8Array> {
    let searched = 0;
    for (;;) {
      const at = this.#source.indexOf(delimiter, searched);
      const { available } = this.#source;
      this.#ensureSize(at === -1 ? available : at);
      this.#ensureNoTerminator(delimiter, at === -1 ? available : at);
      if (at !== -1) {
        const text = this.#source.take(at);
        this.#source.skip(delimiter.length);
        return text;
      }
      if (this.#source.isEnded) {
        if (delimiter === this.#terminator) return this.#source.take(available);
        throw this.#error(`the input ends before ${quote(delimiter)}`);
      }
      searched = Math.max(0, available - delimiter.length + 1);
      yield;
    }
  }

  /** The text at the end of the format must not come before `end`: there the record would end. */
  #ensureNoTerminator(delimiter: Uint8Array, end: number): void {
    const terminator = this.#terminator;
    if (terminator === undefined || terminator === delimiter) return;
    if (this.#source.hasWithin(terminator, end)) {
      throw this.#error(`expected ${quote(delimiter)} before ${quote(terminator)}`);
    }
  }

  *#json(): Parse<Uint8Array> {
    const scanner = new JsonScanner();
    for (;;) {
      const size = scanner.scan(this.#source.peek(this.#source.available), this.#source.isEnded);
      if (size !== undefined) return this.#source.take(size);
      if (this.#source.isEnded) throw this.#error("the input ends inside a JSON value");
      this.#ensureSize(this.#source.available);
      yield;
    }
  }

  *#number(encoding: NumberEncoding, verb: NumberVerb): Parse<number> {
    let size = encoding.size ?? 0;
    yield* this.#ensure(Math.max(size, 1));
    if (encoding.size === undefined) {
      while (size < this.#source.available || !this.#source.isEnded) {
        if (size === this.#source.available) yield;
        else if (size < 32 && isNumberByte(encoding, this.#source.at(size), size)) size++;
        else break;
      }
    }
    if (size === 0 || this.#source.available < size) {
      const found = this.#source.peek(8);
      throw this.#error(`expected the number of %${verb}, found ${quote(found)}`);
    }
    // Lengths and counts are never negative, whatever their first bit says.
    const isSigned = "poed".includes(verb);
    try {
      return encoding.read(this.#source.take(size), 0, isSigned);
    } catch (error) {
      throw this.#error(`cannot read %${verb}: ${(error as Error).message}`, error);
    }
  }

  *#time(layout: Strftime): Parse<number> {
    for (;;) {
      const text = decodeForDisplay(this.#source.peek(layout.maxSize));
      const match = layout.match(text);
      // A time that ends with what is there so far might go on.
      const isWhole = match !== undefined && match.length < text.length;
      if (isWhole || this.#source.isEnded || this.#source.available >= layout.maxSize) {
        if (match === undefined) {
          throw this.#error(`expected a time, found ${JSON.stringify(text)}`);
        }
        this.#source.skip(encodeUtf8(text.slice(0, match.length)).length);
        return match.timestamp;
      }
      yield;
    }
  }

  *#headers(
    steps: readonly ReadStep[],
    until: Uint8Array | undefined,
    count: number | undefined,
    record: InputRecord,
  ): Parse<void> {
    const headers: RecordHeader[] = [];
    while (until === undefined ? headers.length < count! : !(yield* this.#isNext(until))) {
      const header = emptyInputRecord();
      yield* this.#run(steps, header);
      headers.push({ key: this.#utf8(header.key ?? EMPTY, "%k"), value: header.value });
    }
    record.headers = headers;
  }

  *#isNext(text: Uint8Array): Parse<boolean> {
    yield* this.#ensure(text.length);
    return this.#source.available === 0 || this.#source.startsWith(text);
  }

  #setText(record: InputRecord, step: TextStep, sizes: Sizes, encoded: Uint8Array): void {
    const bytes = this.#decode(encoded, step);
    if (step.end.type === "json") this.#ensureIsSize(step.verb, bytes, sizes);
    if (step.verb === "v") record.value = bytes;
    else if (step.verb === "k") record.key = bytes?.length === 0 ? null : bytes;
    else record.topic = this.#utf8(bytes ?? EMPTY, "%t");
  }

  /** JSON finds its end by itself; a length that was read as well must then be right. */
  #ensureIsSize(verb: TextVerb, bytes: Uint8Array | null, sizes: Sizes): void {
    const sizeVerb = verb.toUpperCase() as "T" | "K" | "V";
    const expected = sizes[sizeVerb];
    const size = bytes?.length ?? 0;
    if (expected === undefined || expected === size) return;
    throw this.#error(`%${sizeVerb} is ${expected}, %${verb} has ${size} bytes`);
  }

  #setNumber(record: InputRecord, sizes: Sizes, verb: NumberVerb, value: number): void {
    switch (verb) {
      case "T":
      case "K":
      case "V":
      case "H":
        if (value < 0) throw this.#error(`cannot read %${verb}: length ${value} is negative`);
        sizes[verb] = value;
        break;
      case "p":
        if (value < 0 || value > MAX_PARTITION) {
          throw this.#error(`partition ${value} is not between 0 and ${MAX_PARTITION}`);
        }
        record.partition = value;
        break;
      case "d":
        record.timestamp = value;
    }
  }

  #decode(encoded: Uint8Array, step: TextStep): Uint8Array | null {
    if (step.encoding === "raw") return encoded;
    try {
      if (step.encoding === "hex") return Uint8Array.fromHex(decodeForDisplay(encoded));
      if (step.encoding === "base64") return Uint8Array.fromBase64(decodeForDisplay(encoded));
      return this.#fromJson(encoded);
    } catch (error) {
      if (error instanceof RecordReadError) throw error;
      const shown = quote(encoded.subarray(0, 32));
      throw this.#error(`%${step.verb} is not ${step.encoding}: ${shown}`, error);
    }
  }

  /**
   * A JSON string stands for its text and null for null. Any other value stands for itself, byte for
   * byte: parsed and printed again, large numbers, 1.0 and the order of keys would not survive.
   */
  #fromJson(encoded: Uint8Array): Uint8Array | null {
    const text = trimmed(encoded);
    const value: unknown = JSON.parse(this.#utf8(text, "a JSON value"));
    if (value === null) return null;
    if (typeof value !== "string") return text;
    // Half of a surrogate pair has no bytes in UTF-8; encoding it would write something else.
    if (!value.isWellFormed()) throw this.#error("a JSON string has half of a surrogate pair");
    return encodeUtf8(value);
  }

  #utf8(bytes: Uint8Array, what: string): string {
    const text = decodeExactly(bytes);
    if (text === undefined) throw this.#error(`${what} is not UTF-8`);
    return text;
  }

  #ensureSize(size: number): void {
    if (size <= this.#maxFieldBytes) return;
    throw this.#error(
      `a field has ${size} bytes or more, at most ${this.#maxFieldBytes} are read`,
    );
  }

  #error(problem: string, cause?: unknown): RecordReadError {
    const where = `record ${this.#count} at byte ${this.#source.position} of the input`;
    const options = cause === undefined ? undefined : { cause };
    return new RecordReadError(`Cannot read ${where}: ${problem}`, options);
  }
}

/** Without the blanks around a JSON value. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let start = 0;
  let end = bytes.length;
  while (start < end && isBlank(bytes[start]!)) start++;
  while (end > start && isBlank(bytes[end - 1]!)) end--;
  return bytes.subarray(start, end);
}

function quote(bytes: Uint8Array): string {
  return bytes.length === 0 ? "the end of the input" : JSON.stringify(decodeForDisplay(bytes));
}
