/**
 * Format strings, which describe records for printing (`consume -f`) and reading (`produce -f`).
 * The language is that of rpk.
 *
 * | verb | stands for | verb | stands for |
 * | --- | --- | --- | --- |
 * | `%t` | topic | `%T` | its length |
 * | `%k` | key | `%K` | its length |
 * | `%v` | value | `%V` | its length |
 * | `%h{…}` | each header, with `%k`, `%v`, `%K`, `%V` inside | `%H` | the number of headers |
 * | `%p` | partition | `%o` | offset |
 * | `%d` | timestamp, in milliseconds | `%e` | leader epoch |
 * | `%i` | the count so far, from 1 | `%%` `%{` `%}` | the character itself |
 *
 * A modifier in braces after a verb sets the encoding:
 *
 * - text (`%t %k %v`): `{hex}`, `{base64}`, `{json}` (a JSON string or null; other JSON is read as
 *   its own text);
 * - numbers: `{ascii}` (the default), `{hex64}` … `{hex4}`, `{big64}` … `{big8}`, `{little64}` …
 *   `{little8}`, `{byte}`, `{bool}`, and for reading only `{3}`: the number is 3 and absent from
 *   the input;
 * - the timestamp: the same as numbers, or `{strftime[%F %T]}`, with any kind of brackets or a
 *   repeated character (`strftime##[%F]##`).
 *
 * Escapes are `\n`, `\t`, `\r`, `\\` and `\xNN`. Lengths are those of the raw bytes, not of their
 * hex or base64.
 *
 * `record_formatter.ts` writes records by a parsed format, `record_reader.ts` reads them.
 *
 * @module
 */

import { ASCII_NUMBER, NUMBER_ENCODINGS, type NumberEncoding } from "./format_number.ts";
import { Strftime } from "./strftime.ts";
import { encodeUtf8 } from "../../client/text/utf8.ts";

/** Thrown for an invalid format string. */
export class FormatSyntaxError extends SyntaxError {
  override name = "FormatSyntaxError";
  /** Index of the error in the format string. */
  readonly position: number;

  constructor(format: string, position: number, problem: string) {
    super(`Cannot use format "${format}" at character ${position + 1}: ${problem}`);
    this.position = position;
  }
}

/** Verbs for bytes. */
export type TextVerb = "t" | "k" | "v";
/** Verbs for numbers. */
export type NumberVerb = "T" | "K" | "V" | "H" | "p" | "o" | "e" | "d" | "i";
/** Encodings of bytes. */
export type TextEncoding = "raw" | "hex" | "base64" | "json";

/** A part of a format; `position` is its index in the string. */
export type FormatPart =
  | { readonly type: "literal"; readonly position: number; readonly bytes: Uint8Array }
  | {
    readonly type: "text";
    readonly position: number;
    readonly verb: TextVerb;
    readonly encoding: TextEncoding;
  }
  | {
    readonly type: "number";
    readonly position: number;
    readonly verb: NumberVerb;
    readonly encoding: NumberEncoding;
  }
  | {
    /** A number given in the format and absent from the input. */
    readonly type: "constant";
    readonly position: number;
    readonly verb: NumberVerb;
    readonly value: number;
  }
  | { readonly type: "time"; readonly position: number; readonly layout: Strftime }
  | {
    readonly type: "headers";
    readonly position: number;
    readonly parts: readonly FormatPart[];
  };

const TEXT_VERBS = "tkv";
const NUMBER_VERBS = "TKVHpoedi";
const HEADER_VERBS = "kvKV";
const TEXT_ENCODINGS: readonly string[] = ["hex", "base64", "json"];
const CLOSERS: Readonly<Record<string, string>> = { "[": "]", "{": "}", "(": ")", "<": ">" };

/**
 * Parses a format string.
 *
 * @throws {FormatSyntaxError} If it is invalid; the message names the position.
 */
export function parseFormat(format: string): FormatPart[] {
  return new FormatParser(format).parse();
}

class FormatParser {
  readonly #format: string;
  #position = 0;

  constructor(format: string) {
    this.#format = format;
  }

  parse(): FormatPart[] {
    if (this.#format === "") throw this.#error(0, "it is empty");
    return this.#parts(undefined);
  }

  /** Parses up to the end, or up to the brace that closes the headers opened at `headers`. */
  #parts(headers: number | undefined): FormatPart[] {
    const parts: FormatPart[] = [];
    let literal = new LiteralBuilder(this.#position);
    let openBraces = 0;
    while (this.#position < this.#format.length) {
      const character = this.#format[this.#position]!;
      if (character === "\\") {
        literal.byte(this.#escape());
      } else if (character === "%" && !"%{}".includes(this.#format[this.#position + 1] ?? "?")) {
        literal.endInto(parts);
        parts.push(this.#verb(headers !== undefined));
        literal = new LiteralBuilder(this.#position);
      } else if (character === "}" && headers !== undefined && openBraces === 0) {
        literal.endInto(parts);
        return parts;
      } else {
        if (headers !== undefined && character === "{") openBraces++;
        if (headers !== undefined && character === "}") openBraces--;
        if (character === "%") this.#position++;
        literal.text(this.#character());
      }
    }
    if (headers !== undefined) throw this.#error(headers, 'missing "}" for the headers of "%h{"');
    literal.endInto(parts);
    return parts;
  }

  /** The current character; a surrogate pair is one character. */
  #character(): string {
    const character = String.fromCodePoint(this.#format.codePointAt(this.#position)!);
    this.#position += character.length;
    return character;
  }

  #escape(): number {
    const rest = this.#format.slice(this.#position + 1);
    const hex = /^x([0-9a-f]{2})/i.exec(rest);
    if (hex !== null) {
      this.#position += 4;
      return Number.parseInt(hex[1]!, 16);
    }
    const index = "ntr\\".indexOf(rest[0] ?? "?");
    if (index === -1) {
      const escape = "\\" + rest.slice(0, 1);
      throw this.#error(
        this.#position,
        `unknown escape "${escape}", use \\n \\t \\r \\\\ or \\xNN`,
      );
    }
    this.#position += 2;
    return "\n\t\r\\".charCodeAt(index);
  }

  #verb(inHeaders: boolean): FormatPart {
    const position = this.#position;
    const verb = this.#format[position + 1] ?? "";
    const isKnown = inHeaders
      ? HEADER_VERBS.includes(verb)
      : verb === "h" || TEXT_VERBS.includes(verb) || NUMBER_VERBS.includes(verb);
    if (verb === "" || !isKnown) {
      const known = inHeaders ? "%k %v %K %V" : "%t %p %o %k %v %d %h %K %V %T %H %e %i";
      throw this.#error(
        position,
        `unknown verb "%${verb}"${inHeaders ? " in headers" : ""}, use ${known} or %%`,
      );
    }
    this.#position += 2;
    const hasModifier = this.#format[this.#position] === "{";
    if (hasModifier) this.#position++;
    if (verb === "h") return this.#headers(position, hasModifier);
    if (verb === "d" && hasModifier && this.#format.startsWith("strftime", this.#position)) {
      return this.#time(position);
    }
    if (TEXT_VERBS.includes(verb)) return this.#text(position, verb as TextVerb, hasModifier);
    return this.#number(position, verb as NumberVerb, hasModifier);
  }

  #headers(position: number, hasModifier: boolean): FormatPart {
    if (!hasModifier) {
      throw this.#error(position, '"%h" needs the format of a header: "%h{%k=%v }"');
    }
    const parts = this.#parts(position);
    this.#position++;
    if (!parts.some((part) => part.type === "text" || part.type === "number")) {
      throw this.#error(position, 'the headers of "%h{" hold neither %k nor %v');
    }
    return { type: "headers", position, parts };
  }

  #text(position: number, verb: TextVerb, hasModifier: boolean): FormatPart {
    if (!hasModifier) return { type: "text", position, verb, encoding: "raw" };
    const start = this.#position;
    const name = this.#modifier(position);
    if (!TEXT_ENCODINGS.includes(name)) {
      throw this.#error(
        start,
        `unknown modifier "{${name}}" for the text of "%${verb}", use {hex}, {base64} or {json}`,
      );
    }
    return { type: "text", position, verb, encoding: name as TextEncoding };
  }

  #number(position: number, verb: NumberVerb, hasModifier: boolean): FormatPart {
    if (!hasModifier) return { type: "number", position, verb, encoding: ASCII_NUMBER };
    const start = this.#position;
    const name = this.#modifier(position);
    const encoding = NUMBER_ENCODINGS.get(name);
    if (encoding !== undefined) return { type: "number", position, verb, encoding };
    const value = Number(name);
    if (/^\d+$/.test(name) && Number.isSafeInteger(value)) {
      return { type: "constant", position, verb, value };
    }
    const time = verb === "d" ? " or strftime[%F %T]" : "";
    throw this.#error(
      start,
      `unknown modifier "{${name}}" for the number of "%${verb}", use ascii, hex64, hex32, hex16, ` +
        `hex8, hex4, big64, big32, big16, big8, little64, little32, little16, little8, byte, bool` +
        time,
    );
  }

  #time(position: number): FormatPart {
    this.#position += "strftime".length;
    const start = this.#position;
    const opener = this.#format[start] ?? "";
    let layoutStart = start;
    while (opener !== "" && opener !== "}" && this.#format[layoutStart] === opener) layoutStart++;
    const closer = (CLOSERS[opener] ?? opener).repeat(layoutStart - start);
    const layoutEnd = closer === "" ? -1 : this.#format.indexOf(closer + "}", layoutStart);
    if (layoutEnd === -1) {
      throw this.#error(start, 'the layout of "strftime" is not closed, write {strftime[%F %T]}');
    }
    this.#position = layoutEnd + closer.length + 1;
    try {
      return {
        type: "time",
        position,
        layout: new Strftime(this.#format.slice(layoutStart, layoutEnd)),
      };
    } catch (error) {
      throw this.#error(layoutStart, (error as Error).message);
    }
  }

  /** The name in the braces, the first of which has just been read. */
  #modifier(verbPosition: number): string {
    const end = this.#format.indexOf("}", this.#position);
    if (end === -1) throw this.#error(verbPosition, 'no "}" closes the modifier');
    const name = this.#format.slice(this.#position, end);
    this.#position = end + 1;
    return name;
  }

  #error(position: number, problem: string): FormatSyntaxError {
    return new FormatSyntaxError(this.#format, position, problem);
  }
}

/** Collects text and escapes up to the next verb. */
class LiteralBuilder {
  readonly #position: number;
  readonly #bytes: number[] = [];

  constructor(position: number) {
    this.#position = position;
  }

  byte(byte: number): void {
    this.#bytes.push(byte);
  }

  text(text: string): void {
    this.#bytes.push(...encodeUtf8(text));
  }

  endInto(parts: FormatPart[]): void {
    if (this.#bytes.length === 0) return;
    parts.push({
      type: "literal",
      position: this.#position,
      bytes: Uint8Array.from(this.#bytes),
    });
  }
}
