/**
 * Values in DER, as far as key stores need them.
 *
 * @module
 */

import { type DerElement, DerError, DerReader, DerTag } from "../../protocol/der_reader.ts";

/** A value. */
export type DerValue = DerElement<ArrayBuffer>;

/**
 * Reads the values that follow each other.
 *
 * @throws {DerError} If they do not fill the bytes.
 */
export function derValues(bytes: Uint8Array<ArrayBuffer>): DerValue[] {
  const reader = new DerReader(bytes);
  const values: DerValue[] = [];
  while (!reader.isAtEnd) values.push(reader.read());
  return values;
}

/**
 * The values in a sequence.
 *
 * @throws {DerError} If it is none, or has fewer than `atLeast`.
 */
export function derSequence(value: DerValue | undefined, atLeast: number): DerValue[] {
  const values = value?.tag === DerTag.sequence ? derValues(value.content) : [];
  if (value?.tag !== DerTag.sequence || values.length < atLeast) {
    throw new DerError("A sequence in DER is not what is expected");
  }
  return values;
}

/** The content of a value with a tag. @throws {DerError} If it has another. */
export function derContent(value: DerValue | undefined, tag: number): Uint8Array<ArrayBuffer> {
  if (value?.tag !== tag) throw new DerError("A value in DER is not what is expected");
  return value.content;
}

/** A small number. @throws {DerError} If it is none. */
export function derNumber(value: DerValue | undefined): number {
  const content = derContent(value, DerTag.integer);
  if (content.length === 0 || content.length > 5 || content[0]! >= 0x80) {
    throw new DerError("A number in DER is not what is expected");
  }
  return content.reduce((number, byte) => number * 256 + byte, 0);
}

/** An object identifier, as the hexadecimal digits of its bytes. */
export function derOid(value: DerValue | undefined): string {
  return derContent(value, DerTag.objectIdentifier).toHex();
}
