/**
 * The name in a certificate as RFC 2253 text, as Java's `X500Principal.getName()` writes it: it is what
 * `ssl.principal.mapping.rules` and ACLs of a Kafka cluster are written for.
 *
 * The text is made from the DER bytes. What the runtime offers as text loses the order of attributes,
 * or does not escape them, so that one certificate could look like another.
 *
 * @module
 */

import {
  DerError,
  DerReader,
  DerTag,
  formatObjectIdentifier,
} from "../../../protocol/der_reader.ts";

/** Attributes that RFC 2253 names; others are written as an identifier and hex. */
const KEYWORDS: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
};

/** String types, which Java all reads as UTF-8; other values are written as hex. */
const STRINGS: ReadonlySet<number> = new Set([
  DerTag.utf8String,
  DerTag.printableString,
  DerTag.teletexString,
  DerTag.ia5String,
  DerTag.generalString,
  DerTag.bmpString,
]);

/** A byte order mark is a character like any other. */
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Formats the subject of a certificate.
 *
 * @param certificate The certificate as DER.
 * @throws {DerError} If the bytes are not a certificate.
 */
export function subjectName(certificate: Uint8Array): string {
  const body = new DerReader(certificate).readInto(DerTag.sequence).readInto(DerTag.sequence);
  const isVersion = body.nextTag === 0xa0;
  if (isVersion) body.read();
  body.read(DerTag.integer); // serial number
  body.read(DerTag.sequence); // algorithm of the signature
  body.read(DerTag.sequence); // issuer
  body.read(DerTag.sequence); // validity
  return formatName(body.read(DerTag.sequence).content);
}

/** Formats the content of a Name. @throws {DerError} If the bytes are not one. */
export function formatName(content: Uint8Array): string {
  const parts: string[] = [];
  for (const reader = new DerReader(content); !reader.isAtEnd;) {
    const attributes: string[] = [];
    for (const rdn = reader.readInto(DerTag.set); !rdn.isAtEnd;) {
      attributes.push(formatAttribute(rdn.readInto(DerTag.sequence)));
    }
    if (attributes.length === 0) throw new DerError("A part of a name is empty");
    parts.unshift(attributes.join("+"));
  }
  return parts.join(",");
}

function formatAttribute(reader: DerReader): string {
  const id = formatObjectIdentifier(reader.read(DerTag.objectIdentifier).content);
  const { tag, content, bytes } = reader.read();
  if (!reader.isAtEnd) throw new DerError("An attribute of a name has several values");
  const keyword = KEYWORDS[id];
  return keyword === undefined || !STRINGS.has(tag)
    ? `${keyword ?? id}=#${bytes.toHex()}`
    : `${keyword}=${escapeValue(UTF8.decode(content))}`;
}

/** Escapes what has a meaning in names, and spaces at both ends. */
function escapeValue(value: string): string {
  const escaped = value.replace(/[,=+<>#;"\\]/g, "\\$&").replaceAll("\0", "\\00");
  const isBlank = (at: number) => escaped[at] === " " || escaped[at] === "\r";
  let start = 0;
  while (start < escaped.length && isBlank(start)) start++;
  let end = escaped.length;
  while (end > start && isBlank(end - 1)) end--;
  const blanks = (text: string) => text.replace(/[ \r]/g, "\\$&");
  return blanks(escaped.slice(0, start)) + escaped.slice(start, end) + blanks(escaped.slice(end));
}
