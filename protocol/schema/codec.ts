/**
 * Derives the encoder and decoder for one version of a message from its declaration.
 *
 * Both are generated as JavaScript source, once per message and version, and cached. The generated
 * code has no version checks, no lookups by field name and no closures, and every object that a
 * decoder returns has the same shape. For a struct with a topic name and an array of partitions in
 * a flexible version it looks like this:
 *
 * ```text
 * function decode1(r) {
 *   const name = r.compactString();
 *   const partitions = decode2(r);
 *   r.skipTags();
 *   return { name, partitions };
 * }
 * ```
 *
 * Messages with very many elements are processed in slices: a second pair of functions, generated
 * on first use, yields after every few array elements, which lets the caller give way.
 *
 * @module
 */

import type { Reader } from "../primitives/reader.ts";
import { MalformedMessageError } from "../primitives/reader.ts";
import type { DecodedFields, EncodableFields, Field, Fields, Message } from "./schema.ts";
import { inRange } from "./version_range.ts";
import { UnencodableValueError, Writer } from "../primitives/writer.ts";

/** Encodes and decodes one version of one message. */
export interface Codec<F extends Fields = Fields> {
  /** Reads the message. @throws {MalformedMessageError} if the bytes do not form one. */
  decode(reader: Reader): DecodedFields<F>;
  /** Writes the message. @throws {UnencodableValueError} if this version cannot carry the value. */
  encode(writer: Writer, value: EncodableFields<F>): void;
  /** Whether the arrays of a message have more than `count` elements in total. */
  hasMoreElementsThan(count: number, value: EncodableFields<F>): boolean;
}

/** Encodes and decodes in slices: each generator yields where its caller may give way. */
export interface SlicedCodec<F extends Fields = Fields> {
  /** Like {@linkcode Codec.decode}. */
  decode(reader: Reader): Generator<void, DecodedFields<F>>;
  /** Like {@linkcode Codec.encode}. */
  encode(writer: Writer, value: EncodableFields<F>): Generator<void, void>;
}

const codecs = new WeakMap<Message, (Codec | undefined)[]>();
const slicedCodecs = new WeakMap<Message, (SlicedCodec | undefined)[]>();

/**
 * Returns the codec for `version` of a message, created on first use.
 *
 * @throws {RangeError} if the message has no such version.
 */
export function codec<F extends Fields>(message: Message<F>, version: number): Codec<F> {
  let versions = codecs.get(message);
  if (versions === undefined) codecs.set(message, versions = []);
  return (versions[version] ??= generate(message, version)) as unknown as Codec<F>;
}

/**
 * Returns the sliced form of {@linkcode codec}, created on first use.
 *
 * @throws {RangeError} if the message has no such version.
 */
export function slicedCodec<F extends Fields>(
  message: Message<F>,
  version: number,
): SlicedCodec<F> {
  let versions = slicedCodecs.get(message);
  if (versions === undefined) slicedCodecs.set(message, versions = []);
  return (versions[version] ??= generateSliced(message, version)) as unknown as SlicedCodec<F>;
}

function generate(message: Message, version: number): Codec {
  const generator = new CodecGenerator(message, version);
  const decode = generator.structDecoder(message.fields);
  const encode = generator.structEncoder(message.fields, "");
  const count = generator.structCounter(message.fields);
  return evaluate(
    generator,
    `{
      decode: ${decode},
      encode: ${encode},
      hasMoreElementsThan: (count, v) => ${
      count === undefined ? "false" : `${count}(v, count) < 0`
    },
    }`,
  ) as Codec;
}

function generateSliced(message: Message, version: number): SlicedCodec {
  const generator = new CodecGenerator(message, version, true);
  const decode = generator.structDecoder(message.fields);
  const encode = generator.structEncoder(message.fields, "");
  // A message without arrays is one slice.
  const generatorOf = (name: string) =>
    generator.isGenerator(name) ? name : `function* (a, b) { return ${name}(a, b); }`;
  return evaluate(
    generator,
    `{ decode: ${generatorOf(decode)}, encode: ${generatorOf(encode)} }`,
  ) as SlicedCodec;
}

function evaluate(generator: CodecGenerator, members: string): unknown {
  // The source is built from declarations in this program only, never from bytes received.
  return new Function(
    "Writer",
    "constants",
    "malformed",
    "unencodable",
    "shortened",
    `${generator.source}\nreturn ${members};`,
  )(Writer, generator.constants, malformed, unencodable, shortened);
}

function malformed(what: string): never {
  throw new MalformedMessageError(`Cannot decode ${what}`);
}

function unencodable(what: string): never {
  throw new UnencodableValueError(`Cannot encode ${what}`);
}

/** Suffix of the name of every field that holds an error message. */
const ERROR_MESSAGE = "rrorMessage";
/** Error messages are cut to this number of characters. */
const MAX_MESSAGE_LENGTH = 8000;

function shortened(text: string | null): string | null {
  if (text === null || text.length <= MAX_MESSAGE_LENGTH) return text;
  return text.slice(0, MAX_MESSAGE_LENGTH - 1) + "…";
}

/** Minimum size in bytes of a value of each type, in non-flexible and flexible versions. */
const MIN_SIZE: Record<Field["type"], readonly [number, number]> = {
  bool: [1, 1],
  int8: [1, 1],
  int16: [2, 2],
  uint16: [2, 2],
  int32: [4, 4],
  int64: [8, 8],
  float64: [8, 8],
  uuid: [16, 16],
  string: [2, 1],
  bytes: [4, 1],
  records: [4, 1],
  array: [4, 1],
  struct: [1, 1],
};

/**
 * Arrays up to this length are allocated at full size, because growing one by one reserves room for
 * sixteen more. A longer count may be wrong, so it must not cost memory in advance.
 */
const PRESIZED_MAX = 1024;

/** A sliced codec yields after this number of array elements plus one; a bit mask. */
const SLICE_MASK = 7;

class CodecGenerator {
  readonly #message: Message;
  readonly #version: number;
  readonly #flexible: boolean;
  /** Whether functions that read or write arrays are generated as generators. */
  #isSliced: boolean;
  readonly #functions: string[] = [];
  readonly #generators: Set<string> = new Set();
  /** Values that the generated code refers to by index: defaults that have no literal. */
  readonly constants: unknown[] = [];

  constructor(message: Message, version: number, isSliced = false) {
    if (!inRange(version, message.versions)) {
      throw new RangeError(
        `Cannot encode or decode ${message.name} version ${version}: it has ` +
          `${message.versions.min} to ${message.versions.max}`,
      );
    }
    this.#message = message;
    this.#version = version;
    this.#flexible = inRange(version, message.flexible);
    this.#isSliced = isSliced;
  }

  /** Whether a generated function is a generator. */
  isGenerator(name: string): boolean {
    return this.#generators.has(name);
  }

  get source(): string {
    return this.#functions.join("\n");
  }

  get #label(): string {
    return `${this.#message.name} version ${this.#version}`;
  }

  #define(prefix: string, parameters: string, body: string, isGenerator = false): string {
    const name = `${prefix}${this.#functions.length}`;
    this.#functions.push(`function${isGenerator ? "*" : ""} ${name}(${parameters}) {\n${body}\n}`);
    if (isGenerator) this.#generators.add(name);
    return name;
  }

  /** An expression that calls a generated function. */
  #call(name: string, args: string): string {
    return this.#generators.has(name) ? `(yield* ${name}(${args}))` : `${name}(${args})`;
  }

  /** Whether values of a field contain arrays in this version, tagged fields aside. */
  #hasArrays(field: Field): boolean {
    return field.type === "array" ||
      (field.type === "struct" && this.#haveArrays(field.fields!));
  }

  #haveArrays(fields: Fields): boolean {
    return Object.values(fields).some((field) => this.#inBody(field) && this.#hasArrays(field));
  }

  /** Generates code that does not yield, even in a sliced codec: tagged fields are few. */
  #unsliced<T>(generate: () => T): T {
    const isSliced = this.#isSliced;
    this.#isSliced = false;
    try {
      return generate();
    } finally {
      this.#isSliced = isSliced;
    }
  }

  #inBody(field: Field): boolean {
    return inRange(this.#version, field.versions) && !this.#isTagged(field);
  }

  #isTagged(field: Field): boolean {
    return this.#flexible && inRange(this.#version, field.versions) &&
      inRange(this.#version, field.tagged);
  }

  #tagged(fields: Fields): [string, Field][] {
    return Object.entries(fields)
      .filter(([, field]) => this.#isTagged(field))
      .sort(([, a], [, b]) => a.tag! - b.tag!);
  }

  // Decoding

  structDecoder(fields: Fields): string {
    const lines: string[] = [];
    for (const [name, field] of Object.entries(fields)) {
      if (this.#inBody(field)) lines.push(`const ${local(name)} = ${this.#read(field, name)};`);
      else lines.push(`let ${local(name)} = ${this.#default(field)};`);
    }
    if (this.#flexible) lines.push(this.#unsliced(() => this.#tagReader(fields)));
    const members = Object.keys(fields).map((name) => `${name}: ${local(name)}`);
    const body = [...lines, `return { ${members.join(", ")} };`].join("\n");
    return this.#define("decode", "r", body, this.#isSliced && this.#haveArrays(fields));
  }

  #tagReader(fields: Fields): string {
    const tagged = this.#tagged(fields);
    if (tagged.length === 0) return "r.skipTags();";
    const cases = tagged.map(([name, field]) =>
      `case ${field.tag}: ${local(name)} = ${this.#read(field, name)}; break;`
    );
    return `for (let n = r.tagCount(); n > 0; n--) {
      const tag = r.uvarint(), size = r.uvarint(), end = r.position + size;
      switch (tag) { ${cases.join("\n")} default: r.raw(size); }
      if (r.position !== end) malformed(\`${this.#label}: tag \${tag} is not \${size} bytes\`);
    }`;
  }

  #read(field: Field, name: string): string {
    const nullable = inRange(this.#version, field.nullable);
    switch (field.type) {
      case "struct": {
        const decoded = this.#call(this.structDecoder(field.fields!), "r");
        return nullable ? `r.int8() < 0 ? null : ${decoded}` : decoded;
      }
      case "array":
        return this.#call(this.#arrayDecoder(field, name, nullable), "r");
      case "string":
      case "bytes":
        return `r.${this.#form(field.type, nullable)}()`;
      case "records":
        return `r.${this.#form("bytes", true)}()`;
      default:
        return `r.${field.type}()`;
    }
  }

  /** Name of the reader's or writer's method for a string or bytes field in this version. */
  #form(type: "string" | "bytes" | "records", nullable: boolean): string {
    const words = [this.#flexible ? "compact" : "", nullable ? "nullable" : "", type];
    return words.filter((word) => word !== "")
      .map((word, i) => i === 0 ? word : word[0]!.toUpperCase() + word.slice(1)).join("");
  }

  #arrayDecoder(field: Field, name: string, nullable: boolean): string {
    const element = field.element!;
    const count = this.#flexible ? "compactArrayCount" : "arrayCount";
    const ifNull = nullable ? "return null;" : `malformed("${this.#label}: ${name} is null");`;
    const read = this.#read(element, name);
    return this.#define(
      "decode",
      "r",
      `const count = r.${count}(${this.#minSize(element)});
      if (count < 0) ${ifNull}
      const items = new Array(count < ${PRESIZED_MAX} ? count : 0);
      for (let i = 0; i < count; i++) { items[i] = ${read}; ${this.#sliceEnd} }
      return items;`,
      this.#isSliced,
    );
  }

  get #sliceEnd(): string {
    return this.#isSliced ? `if ((i & ${SLICE_MASK}) === ${SLICE_MASK}) yield;` : "";
  }

  #minSize(field: Field): number {
    if (field.type !== "struct" || inRange(this.#version, field.nullable)) {
      return MIN_SIZE[field.type][this.#flexible ? 1 : 0];
    }
    let size = this.#flexible ? 1 : 0;
    for (const inner of Object.values(field.fields!)) {
      if (this.#inBody(inner)) size += this.#minSize(inner);
    }
    return Math.max(1, size);
  }

  /** An expression for the value of a field that this version does not carry. */
  #default(field: Field): string {
    const value = field.default;
    if (value === null) return "null";
    if (field.type === "array") return "[]";
    if (field.type === "struct") return this.#constant(this.#structDefault(field.fields!));
    if (field.type === "bytes" || field.type === "records") return this.#constant(value);
    return JSON.stringify(value);
  }

  #constant(value: unknown): string {
    return `constants[${this.constants.push(value) - 1}]`;
  }

  #structDefault(fields: Fields): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(fields)) {
      value[name] = field.type === "struct" && field.default !== null
        ? this.#structDefault(field.fields!)
        : field.default;
    }
    return Object.freeze(value) as Record<string, unknown>;
  }

  // Encoding

  structEncoder(fields: Fields, path: string): string {
    const lines: string[] = [];
    for (const [name, field] of Object.entries(fields)) {
      const inner = path + name;
      if (this.#inBody(field)) lines.push(this.#write(field, this.#given(field, name), inner));
      else if (!this.#isTagged(field) && !field.ignorable) lines.push(this.#refuse(field, inner));
    }
    if (this.#flexible) lines.push(this.#unsliced(() => this.#tagWriter(fields, path)));
    const isGenerator = this.#isSliced && this.#haveArrays(fields);
    return this.#define("encode", "w, v", lines.join("\n"), isGenerator);
  }

  /** An expression for the value to write: the given one, or the default if it may be omitted. */
  #given(field: Field, name: string): string {
    if (!field.hasDefault) return `v.${name}`;
    return `(v.${name} === undefined ? ${this.#default(field)} : v.${name})`;
  }

  #refuse(field: Field, path: string): string {
    const value = `v.${path.slice(path.lastIndexOf(".") + 1)}`;
    return `if (${value} !== undefined && !(${this.#isDefault(field, value)})) ` +
      `unencodable("${this.#label}: it does not carry ${path}");`;
  }

  #isDefault(field: Field, value: string): string {
    if (field.default === null) return `${value} === null`;
    switch (field.type) {
      case "array":
      case "bytes":
      case "records":
        return `${value} !== null && ${value}.length === 0`;
      case "struct": {
        const parts = Object.entries(field.fields!).map(([name, inner]) => {
          const part = `v.${name}`;
          return `(${part} === undefined || ${this.#isDefault(inner, part)})`;
        });
        const name = this.#define("isDefault", "v", `return ${parts.join(" && ") || "true"};`);
        return `${value} !== null && ${name}(${value})`;
      }
      default:
        return `${value} === ${JSON.stringify(field.default)}`;
    }
  }

  #tagWriter(fields: Fields, path: string): string {
    const tagged = this.#tagged(fields);
    if (tagged.length === 0) return "w.uvarint(0);";
    const lines = ["let count = 0;"];
    for (const [name, field] of tagged) {
      const value = `v.${name}`;
      lines.push(
        `const has_${name} = ${value} !== undefined && !(${this.#isDefault(field, value)});`,
        `if (has_${name}) count++;`,
      );
    }
    lines.push("w.uvarint(count);");
    for (const [name, field] of tagged) {
      lines.push(
        `if (has_${name}) {
          const outer = w;
          { const w = new Writer();
            ${this.#write(field, `v.${name}`, path + name)}
            outer.uvarint(${field.tag}); outer.nested(w); }
        }`,
      );
    }
    return lines.join("\n");
  }

  #write(field: Field, value: string, path: string): string {
    const nullable = inRange(this.#version, field.nullable);
    const missing = `unencodable("${this.#label}: ${path} is missing")`;
    const notNull = nullable || field.type === "records"
      ? `if (${value} === undefined) ${missing};\n`
      : `if (${value} == null) unencodable("${this.#label}: ${path} is missing or null");\n`;
    switch (field.type) {
      case "struct": {
        const encode = this.#call(this.structEncoder(field.fields!, `${path}.`), `w, ${value}`);
        if (!nullable) return `${notNull}${encode};`;
        return `${notNull}if (${value} === null) w.int8(-1); else { w.int8(1); ${encode}; }`;
      }
      case "array":
        return `${notNull}${this.#call(this.#arrayEncoder(field, path), `w, ${value}`)};`;
      case "string":
      case "bytes": {
        // An error message may quote a value of any length.
        const given = path.endsWith(ERROR_MESSAGE) ? `shortened(${value})` : value;
        return `${notNull}w.${this.#form(field.type, nullable)}(${given});`;
      }
      case "records":
        return `${notNull}w.${this.#form("records", false)}(${value});`;
      default:
        return `w.${field.type}(${value});`;
    }
  }

  #arrayEncoder(field: Field, path: string): string {
    const count = this.#flexible ? "w.uvarint(items.length + 1);" : "w.int32(items.length);";
    const none = this.#flexible ? "w.uvarint(0);" : "w.int32(-1);";
    return this.#define(
      "encode",
      "w, items",
      `if (items === null) { ${none} return; }
      ${count}
      for (let i = 0; i < items.length; i++) { const item = items[i]; ${
        this.#write(field.element!, "item", `${path}[]`)
      } ${this.#sliceEnd} }`,
      this.#isSliced,
    );
  }

  // Counting

  /**
   * Defines a function that subtracts the number of array elements in a value from a count, and
   * stops once the result is negative. Returns `undefined` if there are no arrays.
   */
  structCounter(fields: Fields): string | undefined {
    if (!this.#haveArrays(fields)) return undefined;
    const lines: string[] = [];
    for (const [name, field] of Object.entries(fields)) {
      if (!this.#inBody(field) || !this.#hasArrays(field)) continue;
      const count = field.type === "struct"
        ? `left = ${this.structCounter(field.fields!)}(inner, left);`
        : this.#elementCount(field.element!);
      lines.push(`{ const inner = v.${name}; if (inner != null) { ${count}
        if (left < 0) return left; } }`);
    }
    return this.#define("count", "v, left", [...lines, "return left;"].join("\n"));
  }

  #elementCount(element: Field): string {
    const counter = element.type === "struct" ? this.structCounter(element.fields!) : undefined;
    const inside = counter === undefined
      ? ""
      : `for (let i = 0; i < inner.length && left >= 0; i++) left = ${counter}(inner[i], left);`;
    return `left -= inner.length; ${inside}`;
  }
}

/** A local variable name for a field, since field names may be reserved words. */
function local(name: string): string {
  return `$${name}`;
}
