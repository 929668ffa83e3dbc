/**
 * Values in DER, as far as key stores need them.
 *
 * @module
 */

/** A value. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** Tags. */
export const DerTag = { integer: 0x02, octets: 0x04, oid: 0x06, sequence: 0x30 } as const;

/**
 * Reads the values that follow each other.
 *
 * @throws {RangeError} If they do not fill the bytes.
 */
export function derValues(bytes: Uint8Array<ArrayBuffer>): DerValue[] {
  const values: DerValue[] = [];
  let at = 0;
  const byte = () => {
    if (at >= bytes.length) throw new RangeError("A value in DER is cut off");
    return bytes[at++]!;
  };
  while (at < bytes.length) {
    const tag = byte();
    let size = byte();
    if (size >= 0x80) {
      const count = size & 0x7f;
      if (count === 0 || count > 4) throw new RangeError("A length is not one of DER");
      size = 0;
      for (let i = 0; i < count; i++) size = size * 256 + byte();
    }
    if (size > bytes.length - at) throw new RangeError("A value in DER is cut off");
    values.push({ tag, content: bytes.subarray(at, at + size) });
    at += size;
  }
  return values;
}

/**
 * The values in a sequence.
 *
 * @throws {RangeError} If it is none, or has fewer than `atLeast`.
 */
export function derSequence(value: DerValue | undefined, atLeast: number): DerValue[] {
  const values = value?.tag === DerTag.sequence ? derValues(value.content) : [];
  if (value?.tag !== DerTag.sequence || values.length < atLeast) {
    throw new RangeError("A sequence in DER is not what is expected");
  }
  return values;
}

/** The content of a value with a tag. @throws {RangeError} If it has another. */
export function derContent(value: DerValue | undefined, tag: number): Uint8Array<ArrayBuffer> {
  if (value?.tag !== tag) throw new RangeError("A value in DER is not what is expected");
  return value.content;
}

/** A small number. @throws {RangeError} If it is none. */
export function derNumber(value: DerValue | undefined): number {
  const content = derContent(value, DerTag.integer);
  if (content.length === 0 || content.length > 5 || content[0]! >= 0x80) {
    throw new RangeError("A number in DER is not what is expected");
  }
  return content.reduce((number, byte) => number * 256 + byte, 0);
}

/** An object identifier, as the hexadecimal digits of its bytes. */
export function derOid(value: DerValue | undefined): string {
  return derContent(value, DerTag.oid).toHex();
}
