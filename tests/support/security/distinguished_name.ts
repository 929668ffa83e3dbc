/**
 * Names of certificates, encoded attribute by attribute.
 *
 * @module
 */

import { objectIdentifier, sequence, setOf, Tag, text } from "./der.ts";

/** An attribute of a name. */
export interface NameAttribute {
  /** A short name, such as `CN`, or an object identifier. */
  readonly type: string;
  readonly value: string;
  /** The string type. Default: UTF8String. */
  readonly tag?: number;
}

/** A name: its attributes in the order of the encoding; several in one array share an RDN. */
export type TestName = readonly (NameAttribute | readonly NameAttribute[])[];

const IDENTIFIERS: Readonly<Record<string, string>> = {
  CN: "2.5.4.3",
  C: "2.5.4.6",
  L: "2.5.4.7",
  ST: "2.5.4.8",
  STREET: "2.5.4.9",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  UID: "0.9.2342.19200300.100.1.1",
  DC: "0.9.2342.19200300.100.1.25",
  EMAIL: "1.2.840.113549.1.9.1",
};

/**
 * Parses a simple name, `C=DE,O=Acme,CN=alice`: attributes in the order of the encoding, without
 * escapes.
 */
export function parseTestName(name: string): TestName {
  return name.split(",").map((part) => {
    const equals = part.indexOf("=");
    const type = part.slice(0, equals).trim();
    const tag = type === "EMAIL" || type === "DC" ? Tag.ia5String : Tag.utf8String;
    return { type, value: part.slice(equals + 1), tag };
  });
}

/** Encodes a name. */
export function encodeName(name: TestName): Uint8Array {
  return sequence(
    ...name.map((rdn) =>
      setOf(
        ...[rdn].flat().map(({ type, value, tag = Tag.utf8String }: NameAttribute) =>
          sequence(objectIdentifier(IDENTIFIERS[type] ?? type), text(tag, value))
        ),
      )
    ),
  );
}
