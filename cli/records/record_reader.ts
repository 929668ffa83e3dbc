/**
 * Reads records with a format string (see `format.ts`), as their bytes arrive.
 *
 * The end of a text verb is determined, in this order, by a length before it (`%K{big32}%k`), its
 * own syntax (`{json}`), the text after it in the format (`%k,`), or the end of the input if
 * nothing follows. Text at the end of the format ends the record, so no earlier field may contain
 * it: a line without the blank of `%k %v\n` is an error and does not consume the next line. It is
 * optional after the last record.
 *
 * Headers are counted (`%H` before `%h{…}`), or continue until the text after `%h{…}`.
 *
 * Offset, leader epoch and count (`%o %e %i`) are ignored. An empty key is null; an empty value is
 * an empty value.
 *
 * @module
 */

import type { ByteSource } from "./byte_source.ts";
import { CommandError } from "../errors.ts";
import { isNumberByte, type NumberEncoding } from "./format_number.ts";
import type { NumberVerb, TextEncoding, TextVerb } from "./format.ts";
import { isBlank, JsonScanner } from "../../protocol/json_scanner.ts";
import { type Parse, parseStream } from "./parse_stream.ts";
import { compileReadSteps, type ReadStep, type TextStep } from "./record_reader_steps.ts";
import { emptyInputRecord, type InputRecord, type RecordHeader } from "./record.ts";
import type { Strftime } from "./strftime.ts";
import { decodeExactly, decodeForDisplay, encodeUtf8 } from "../../client/text/utf8.ts";

/** A larger field indicates a mistake in the format or the input. */
const DEFAULT_MAX_FIELD_BYTES = 2 ** 30;
const MAX_PARTITION = 2 ** 31 - 1;
const EMPTY = new Uint8Array(0);

/** Thrown if the input does not match the format: exit code 1. */
export class RecordReadError extends CommandError {
  override name = "RecordReadError";
}

/** Options of {@linkcode RecordReader}. */
interface RecordReaderOptions {
  /** Maximum size of a field in bytes. Default: 1 GiB. */
  maxFieldBytes?: number;
}

/** Lengths and counts read for fields that follow. */
interface Sizes {
  T: number | undefined;
  K: number | undefined;
  V: number | undefined;
  H: number | undefined;
}

const NO_SIZES: Sizes = { T: undefined, K: undefined, V: undefined, H: undefined };

/** A compiled format string for reading records. */
export class RecordReader {
  readonly #steps: readonly ReadStep[];
  readonly #terminator: Uint8Array | undefined;
  readonly #maxFieldBytes: number;

  /**
   * Compiles a format string.
   *
   * @throws {FormatSyntaxError} If it is invalid, or cannot be read because a field has no end.
   */
  constructor(format: string, options: RecordReaderOptions = {}) {
    const { steps, terminator } = compileReadSteps(format);
    this.#steps = steps;
    this.#terminator = terminator;
    this.#maxFieldBytes = options.maxFieldBytes ?? DEFAULT_MAX_FIELD_BYTES;
  }

  /**
   * Reads a stream to its end, in batches of the records completed by each chunk.
   *
   * @throws {RecordReadError} After the records before it, if the input does not match the format.
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

  /** All records; undefined means that more bytes are needed. */
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
   * Fast path for the common case: delimited text that is already available.
   *
   * @returns Number of steps done; the others may have to wait.
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

  /** Skips blanks between JSON values, so the last newline does not start another record. */
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

  /** The text at the end of the format must not occur before `end`, because it ends the record. */
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
    // Lengths and counts are always unsigned.
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
      // A time that ends at the last available byte may continue.
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

  /** JSON determines its own end; a length given as well must match. */
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
   * A JSON string is decoded and null is null. Any other value is kept as text, byte for byte:
   * parsing and printing it would change large numbers, 1.0 and the order of keys.
   */
  #fromJson(encoded: Uint8Array): Uint8Array | null {
    const text = trimmed(encoded);
    const value: unknown = JSON.parse(this.#utf8(text, "a JSON value"));
    if (value === null) return null;
    if (typeof value !== "string") return text;
    // A lone surrogate has no UTF-8 encoding; encoding it would write something else.
    if (!value.isWellFormed()) throw this.#error("a JSON string has a lone surrogate");
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
      `a field has ${size} bytes or more, the limit is ${this.#maxFieldBytes}`,
    );
  }

  #error(problem: string, cause?: unknown): RecordReadError {
    const where = `record ${this.#count} at byte ${this.#source.position} of the input`;
    const options = cause === undefined ? undefined : { cause };
    return new RecordReadError(`Cannot read ${where}: ${problem}`, options);
  }
}

/** Removes blanks around a JSON value. */
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
