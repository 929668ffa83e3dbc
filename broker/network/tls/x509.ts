/**
 * Certificates (RFC 5280): what a listener has to know of its own, and of those of its clients.
 *
 * Handshakes are verified by the runtime. The bytes are read here because the runtime's own objects lack
 * what is needed, in some versions the bytes themselves.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import crypto from "node:crypto";
import {
  DerError,
  DerReader,
  DerTag,
  formatObjectIdentifier,
} from "../../../protocol/der_reader.ts";
import { formatName } from "./distinguished_name.ts";

/** A certificate. */
export interface Certificate {
  readonly der: Uint8Array;
  /** The name as RFC 2253 text. */
  readonly subject: string;
  /** The names as they are encoded. */
  readonly subjectBytes: Uint8Array;
  readonly issuerBytes: Uint8Array;
  /** First and last moment of validity, in milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The public key as SubjectPublicKeyInfo. */
  readonly publicKeyBytes: Uint8Array;
  /** Whether it may sign other certificates. */
  readonly isAuthority: boolean;
  /** Alternative names, such as `DNS:localhost` and `IP:127.0.0.1`; in hex if they are of another kind. */
  readonly alternativeNames: readonly string[];
  /** Identifiers of what it is for; undefined for anything. */
  readonly purposes: readonly string[] | undefined;
  /** Whether it restricts the names of certificates that it signs. */
  readonly constrainsNames: boolean;
  /** What was signed, with which algorithm, and the signature. */
  readonly signedBytes: Uint8Array;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

/** Purposes of certificates. */
export const Purpose = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
  any: "2.5.29.37.0",
} as const;

const Extension = {
  alternativeNames: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  purposes: "2.5.29.37",
} as const;

const UTC_TIME = 0x17;
const BOOLEAN = 0x01;
const OCTET_STRING = 0x04;

/** Parses a certificate. @throws {DerError} If the bytes are not one. */
export function parseCertificate(der: Uint8Array): Certificate {
  const outer = new DerReader(der).readInto(DerTag.sequence);
  const signed = outer.read(DerTag.sequence);
  const algorithm = outer.readInto(DerTag.sequence).read(DerTag.objectIdentifier).content;
  const signature = bits(outer.read(DerTag.bitString).content);
  const body = new DerReader(signed.content);
  if (body.nextTag === 0xa0) body.read(); // version
  body.read(DerTag.integer); // serial number
  body.read(DerTag.sequence); // algorithm again
  const issuer = body.read(DerTag.sequence);
  const validity = body.readInto(DerTag.sequence);
  const [notBeforeMs, notAfterMs] = [readTime(validity), readTime(validity)];
  const subject = body.read(DerTag.sequence);
  const publicKey = body.read(DerTag.sequence);
  const extensions = new Map<string, Uint8Array>();
  while (!body.isAtEnd) {
    const { tag, content } = body.read();
    if (tag === 0xa3) readExtensions(content, extensions);
  }
  return {
    der,
    subject: formatName(subject.content),
    subjectBytes: subject.bytes,
    issuerBytes: issuer.bytes,
    notBeforeMs,
    notAfterMs,
    publicKeyBytes: publicKey.bytes,
    isAuthority: readIsAuthority(extensions.get(Extension.basicConstraints)),
    alternativeNames: readAlternativeNames(extensions.get(Extension.alternativeNames)),
    purposes: readPurposes(extensions.get(Extension.purposes)),
    constrainsNames: extensions.has(Extension.nameConstraints),
    signedBytes: signed.bytes,
    algorithm: formatObjectIdentifier(algorithm),
    signature,
  };
}

/** Whether a certificate may be used for a purpose. */
export function serves({ purposes }: Certificate, purpose: string): boolean {
  return purposes === undefined || purposes.includes(purpose) || purposes.includes(Purpose.any);
}

/** Whether a certificate names another as its issuer. Its signature is not checked. */
export function namesIssuer(certificate: Certificate, issuer: Certificate): boolean {
  return sameBytes(certificate.issuerBytes, issuer.subjectBytes);
}

/** Whether a certificate was signed by the key of another. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  const hash = HASHES[certificate.algorithm];
  if (hash === undefined || !namesIssuer(certificate, issuer)) return false;
  try {
    const key = crypto.createPublicKey({
      key: Buffer.from(issuer.publicKeyBytes),
      format: "der",
      type: "spki",
    });
    return crypto.verify(hash || null, certificate.signedBytes, key, certificate.signature);
  } catch {
    return false;
  }
}

/** Hash of each algorithm of signatures; Ed25519 has its own. SHA-1 is not accepted. */
const HASHES: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": "",
};

/** Whether two texts of bytes are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Writes a certificate as PEM. */
export function pemOf({ der }: Certificate): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function bits(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new DerError("A signature is not of whole bytes");
  return content.subarray(1);
}

function readTime(reader: DerReader): number {
  const { tag, content } = reader.read();
  const text = new TextDecoder("latin1").decode(content);
  const [, year, month, day, hours, minutes, seconds] =
    /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  if (year === undefined) throw new DerError("A time is not one of a certificate");
  const full = tag !== UTC_TIME ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
  return Date.UTC(
    full,
    Number(month) - 1,
    Number(day),
    Number(hours),
    Number(minutes),
    Number(seconds),
  );
}

function readExtensions(content: Uint8Array, extensions: Map<string, Uint8Array>): void {
  for (const list = new DerReader(content).readInto(DerTag.sequence); !list.isAtEnd;) {
    const extension = list.readInto(DerTag.sequence);
    const id = formatObjectIdentifier(extension.read(DerTag.objectIdentifier).content);
    if (extension.nextTag === BOOLEAN) extension.read();
    extensions.set(id, extension.read(OCTET_STRING).content);
  }
}

function readIsAuthority(extension: Uint8Array | undefined): boolean {
  if (extension === undefined) return false;
  const constraints = new DerReader(extension).readInto(DerTag.sequence);
  return constraints.nextTag === BOOLEAN && constraints.read().content[0] !== 0;
}

function readPurposes(extension: Uint8Array | undefined): string[] | undefined {
  if (extension === undefined) return undefined;
  const purposes: string[] = [];
  for (const list = new DerReader(extension).readInto(DerTag.sequence); !list.isAtEnd;) {
    purposes.push(formatObjectIdentifier(list.read(DerTag.objectIdentifier).content));
  }
  return purposes;
}

function readAlternativeNames(extension: Uint8Array | undefined): string[] {
  if (extension === undefined) return [];
  const names: string[] = [];
  for (const list = new DerReader(extension).readInto(DerTag.sequence); !list.isAtEnd;) {
    const { tag, content, bytes } = list.read();
    if (tag === 0x82) names.push(`DNS:${new TextDecoder("latin1").decode(content)}`);
    else if (tag === 0x87) names.push(`IP:${formatAddress(content)}`);
    else names.push(bytes.toHex());
  }
  return names;
}

function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  return Array.from(
    { length: bytes.length >> 1 },
    (_, i) => (bytes[2 * i]! << 8 | bytes[2 * i + 1]!).toString(16),
  ).join(":");
}
