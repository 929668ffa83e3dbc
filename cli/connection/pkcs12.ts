/**
 * Key stores of type PKCS12 (RFC 7292) that are encrypted with AES (PBES2), as keytool does since
 * Java 8u301 and OpenSSL since 3.0.
 *
 * @module
 */

import { createDecipheriv, pbkdf2 } from "node:crypto";
import { derContent, derNumber, derOid, derSequence, type DerValue, derValues } from "./der.ts";
import { DerTag } from "../../protocol/der_reader.ts";
import { type KeyStoreEntries, KeyStoreError } from "./key_store_entries.ts";

/** Object identifiers, as hexadecimal digits. */
const Oid = {
  data: "2a864886f70d010701",
  encryptedData: "2a864886f70d010706",
  keyBag: "2a864886f70d010c0a0101",
  shroudedKeyBag: "2a864886f70d010c0a0102",
  certificateBag: "2a864886f70d010c0a0103",
  pbes2: "2a864886f70d01050d",
  pbkdf2: "2a864886f70d01050c",
} as const;

const DIGESTS: Readonly<Record<string, string>> = {
  "2a864886f70d0207": "sha1",
  "2a864886f70d0209": "sha256",
  "2a864886f70d020a": "sha384",
  "2a864886f70d020b": "sha512",
};

const CIPHERS: Readonly<Record<string, readonly [name: string, keySize: number]>> = {
  "608648016503040102": ["aes-128-cbc", 16],
  "60864801650304012a": ["aes-256-cbc", 32],
};

/** More would only keep the program from its work. */
const MAX_ITERATIONS = 5_000_000;
/** Of what is in a context, `[0]`. */
const CONTEXT = 0xa0;
const IMPLICIT_OCTETS = 0x80;

/** @throws {KeyStoreError} If the password is wrong or missing, or the store has another form. */
export async function readPkcs12(
  bytes: Uint8Array<ArrayBuffer>,
  password: string | undefined,
): Promise<KeyStoreEntries> {
  let safes: DerValue[];
  try {
    const [, authSafe] = derSequence(derValues(bytes)[0], 2);
    const [type, content] = derSequence(authSafe, 2);
    if (derOid(type) !== Oid.data) throw new RangeError("It is signed");
    safes = derSequence(derValues(derContent(inContext(content), DerTag.octetString))[0], 1);
  } catch {
    throw new KeyStoreError("it is neither PKCS12 nor JKS");
  }
  try {
    const keys: Uint8Array<ArrayBuffer>[] = [];
    const certificates: Uint8Array<ArrayBuffer>[] = [];
    for (const safe of safes) {
      for (const bag of derSequence(derValues(await contentOf(safe, password))[0], 0)) {
        const [type, value] = derSequence(bag, 2);
        switch (derOid(type)) {
          case Oid.certificateBag: {
            const [, certificate] = derSequence(inContext(value), 2);
            certificates.push(derContent(inContext(certificate), DerTag.octetString));
            break;
          }
          case Oid.shroudedKeyBag: {
            const [algorithm, encrypted] = derSequence(inContext(value), 2);
            keys.push(
              await decrypt(algorithm, derContent(encrypted, DerTag.octetString), password),
            );
            break;
          }
          case Oid.keyBag:
            keys.push(derContent(value, CONTEXT));
        }
      }
    }
    return keys.length === 0
      ? { keys: [], trusted: certificates }
      : { keys: keys.map((key) => ({ key, chain: certificates })), trusted: [] };
  } catch (error) {
    if (error instanceof KeyStoreError) throw error;
    // What is decrypted with another password is noise.
    throw new KeyStoreError("its password is wrong, or it is damaged");
  }
}

function inContext(value: DerValue | undefined): DerValue | undefined {
  return derValues(derContent(value, CONTEXT))[0];
}

/** What is in a part of the store. */
async function contentOf(
  safe: DerValue,
  password: string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const [type, content] = derSequence(safe, 2);
  if (derOid(type) === Oid.data) return derContent(inContext(content), DerTag.octetString);
  if (derOid(type) !== Oid.encryptedData) throw new KeyStoreError("it is encrypted for a key");
  const [, encrypted] = derSequence(inContext(content), 2);
  const [, algorithm, octets] = derSequence(encrypted, 3);
  return await decrypt(algorithm, derContent(octets, IMPLICIT_OCTETS), password);
}

async function decrypt(
  algorithm: DerValue | undefined,
  encrypted: Uint8Array,
  password: string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  if (password === undefined) throw new KeyStoreError("its password is missing");
  const [scheme, parameters] = derSequence(algorithm, 2);
  if (derOid(scheme) !== Oid.pbes2) throw old();
  const [derivation, encryption] = derSequence(parameters, 2);
  const [function_, options] = derSequence(derivation, 2);
  if (derOid(function_) !== Oid.pbkdf2) throw old();
  const [salt, count, ...rest] = derSequence(options, 2);
  const prf = rest.find(({ tag }) => tag === DerTag.sequence);
  const digest = DIGESTS[prf === undefined ? "2a864886f70d0207" : derOid(derSequence(prf, 1)[0])];
  const [cipherOid, iv] = derSequence(encryption, 2);
  const cipher = CIPHERS[derOid(cipherOid)];
  const iterations = derNumber(count);
  if (digest === undefined || cipher === undefined) throw old();
  if (iterations > MAX_ITERATIONS) throw new KeyStoreError(`it has ${iterations} iterations`);
  const key = await new Promise<Uint8Array>((resolve, reject) =>
    pbkdf2(
      password,
      derContent(salt, DerTag.octetString),
      iterations,
      cipher[1],
      digest,
      (error, key) => error === null ? resolve(key) : reject(error),
    )
  );
  const decipher = createDecipheriv(cipher[0], key, derContent(iv, DerTag.octetString));
  const [start, end] = [decipher.update(encrypted), decipher.final()];
  const plain = new Uint8Array(start.length + end.length);
  plain.set(start);
  plain.set(end, start.length);
  return plain;
}

function old(): KeyStoreError {
  return new KeyStoreError("it is encrypted with an old algorithm");
}
