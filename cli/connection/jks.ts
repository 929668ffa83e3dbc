/**
 * Key stores of type JKS.
 *
 *     FE ED FE ED, version, count of entries        4 bytes each
 *     per entry  tag (1 key, 2 certificate), alias, 8 bytes of time
 *       key          size, the encrypted key, count of certificates, each as below
 *       certificate  in version 2 its type, then size and DER
 *     SHA-1 of the password, "Mighty Aphrodite" and all of the above
 *
 * Texts have their size in two bytes, all other sizes have four. A key is encrypted by the XOR with
 * SHA-1 of the password and what came before, and followed by SHA-1 of password and key.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { DerTag } from "../../protocol/der_reader.ts";
import { derContent, derSequence, derValues } from "./der.ts";
import { type KeyEntry, type KeyStoreEntries, KeyStoreError } from "./key_store_entries.ts";

const MAGIC = 0xfeedfeed;
const DIGEST_SIZE = 20;
const WHITENING = new TextEncoder().encode("Mighty Aphrodite");
const TAGS = { key: 1, certificate: 2 } as const;

/** Whether a file is such a store. */
export function isJks(bytes: Uint8Array): boolean {
  return bytes.length >= 12 && viewOf(bytes).getUint32(0) === MAGIC;
}

/** @throws {KeyStoreError} If a password is wrong or missing, or the store is damaged. */
export function readJks(
  bytes: Uint8Array<ArrayBuffer>,
  password: string | undefined,
  keyPassword: string | undefined,
): KeyStoreEntries {
  if (password !== undefined) ensurePassword(bytes, password);
  try {
    return entriesOf(bytes, keyPassword);
  } catch (error) {
    if (error instanceof KeyStoreError) throw error;
    throw new KeyStoreError("it is damaged");
  }
}

function entriesOf(
  bytes: Uint8Array<ArrayBuffer>,
  keyPassword: string | undefined,
): KeyStoreEntries {
  const view = viewOf(bytes);
  let at = 4;
  const number = () => view.getUint32((at += 4) - 4);
  const take = (size: number) => {
    if (size > bytes.length - at) throw new RangeError("An entry is cut off");
    return bytes.subarray(at, at += size);
  };
  const text = () => take(view.getUint16((at += 2) - 2));
  const version = number();
  const certificate = () => {
    if (version === 2) text();
    return take(number());
  };
  const keys: KeyEntry[] = [];
  const trusted: Uint8Array<ArrayBuffer>[] = [];
  for (let left = number(); left > 0; left--) {
    const tag = number();
    text();
    take(8);
    if (tag === TAGS.certificate) {
      trusted.push(certificate());
    } else if (tag === TAGS.key) {
      const encrypted = take(number());
      const chain: Uint8Array<ArrayBuffer>[] = [];
      for (let count = number(); count > 0; count--) chain.push(certificate());
      keys.push({ key: decryptKey(encrypted, keyPassword), chain });
    } else {
      throw new KeyStoreError("it has an entry that is neither a key nor a certificate");
    }
  }
  return { keys, trusted };
}

function ensurePassword(bytes: Uint8Array, password: string): void {
  const end = bytes.length - DIGEST_SIZE;
  const found = sha1(utf16(password), WHITENING, bytes.subarray(0, end));
  if (found.toHex() !== bytes.subarray(end).toHex()) throw wrongPassword();
}

function decryptKey(
  encrypted: Uint8Array<ArrayBuffer>,
  password: string | undefined,
): Uint8Array<ArrayBuffer> {
  if (password === undefined) throw new KeyStoreError("its password is missing");
  const [, octets] = derSequence(derValues(encrypted)[0], 2);
  const data = derContent(octets, DerTag.octetString);
  const key = data.slice(DIGEST_SIZE, -DIGEST_SIZE);
  const secret = utf16(password);
  let previous: Uint8Array = data.subarray(0, DIGEST_SIZE);
  for (let i = 0; i < key.length; i++) {
    if (i % DIGEST_SIZE === 0) previous = sha1(secret, previous);
    key[i]! ^= previous[i % DIGEST_SIZE]!;
  }
  if (sha1(secret, key).toHex() !== data.subarray(-DIGEST_SIZE).toHex()) throw wrongPassword();
  return key;
}

function sha1(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha1");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Java's characters. */
function utf16(text: string): Uint8Array {
  return Uint8Array.from({ length: 2 * text.length }, (_, i) => {
    const code = text.charCodeAt(i >> 1);
    return i % 2 === 0 ? code >> 8 : code & 0xff;
  });
}

function wrongPassword(): KeyStoreError {
  return new KeyStoreError("its password is wrong");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
