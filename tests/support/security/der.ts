/**
 * Writes DER (ITU-T X.690), as certificates need it: each function returns a whole element.
 *
 * @module
 */

/** Tags of elements. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** An element with a tag and content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const size = content.reduce((sum, part) => sum + part.length, 0);
  const head = [tag, ...lengthOf(size)];
  const bytes = new Uint8Array(head.length + size);
  bytes.set(head);
  let at = head.length;
  for (const part of content) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function lengthOf(size: number): number[] {
  if (size < 0x80) return [size];
  const digits: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return [0x80 | digits.length, ...digits];
}

export function sequence(...elements: readonly Uint8Array[]): Uint8Array {
  return element(Tag.sequence, ...elements);
}

/** A SET OF, whose elements DER sorts. */
export function setOf(...elements: readonly Uint8Array[]): Uint8Array {
  return element(Tag.set, ...elements.toSorted(compareBytes));
}

/** A context-specific tag around an element. */
export function explicit(number: number, content: Uint8Array): Uint8Array {
  return element(0xa0 | number, content);
}

export function boolean(value: boolean): Uint8Array {
  return element(Tag.boolean, Uint8Array.of(value ? 0xff : 0));
}

/** A number that is not negative. */
export function integer(value: number | bigint): Uint8Array {
  let hex = BigInt(value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  const bytes = Uint8Array.fromHex(hex);
  return element(Tag.integer, ...(bytes[0]! >= 0x80 ? [Uint8Array.of(0)] : []), bytes);
}

/** A string of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return element(Tag.bitString, Uint8Array.of(0), bytes);
}

/** Named bits: the first is bit 0. */
export function namedBits(...bits: readonly number[]): Uint8Array {
  const last = Math.max(...bits);
  const bytes = new Uint8Array((last >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return element(Tag.bitString, Uint8Array.of(7 - (last & 7)), bytes);
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return element(Tag.octetString, bytes);
}

/** An identifier in dotted form. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [];
  for (const arc of [first! * 40 + second!, ...rest]) {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift(0x80 | left % 128);
    }
    bytes.push(...digits);
  }
  return element(Tag.objectIdentifier, Uint8Array.from(bytes));
}

/** Text in the encoding of a string type. */
export function text(tag: number, value: string): Uint8Array {
  switch (tag) {
    case Tag.utf8String:
      return element(tag, new TextEncoder().encode(value));
    case Tag.bmpString:
      return element(tag, units(value, 2));
    case Tag.universalString:
      return element(tag, units(value, 4));
    default:
      return element(tag, units(value, 1));
  }
}

function units(value: string, size: 1 | 2 | 4): Uint8Array {
  const codes = size === 4
    ? Array.from(value, (character) => character.codePointAt(0)!)
    : Array.from({ length: value.length }, (_, at) => value.charCodeAt(at));
  return Uint8Array.from(
    codes.flatMap((code) => [code >>> 24, code >>> 16, code >>> 8, code].slice(4 - size)),
    (byte) => byte & 0xff,
  );
}

/** A time of a certificate: UTCTime until 2049, GeneralizedTime from then on (RFC 5280). */
export function time(date: Date): Uint8Array {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return date.getUTCFullYear() < 2050
    ? text(Tag.utcTime, digits.slice(2))
    : text(Tag.generalizedTime, digits);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    if (a[at] !== b[at]) return a[at]! - b[at]!;
  }
  return a.length - b.length;
}
