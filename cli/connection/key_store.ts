/**
 * Java's key stores: those of type PKCS12, and the older JKS. Java takes either for the other, and so
 * their content decides.
 *
 * @module
 */

import { createPublicKey, X509Certificate } from "node:crypto";
import { isJks, readJks } from "./jks.ts";
import { type KeyEntry, KeyStoreError } from "./key_store_entries.ts";
import { readPkcs12 } from "./pkcs12.ts";

/** The content of a store in PEM. */
export interface KeyStore {
  /** Certificates of authorities; empty if there are none. */
  readonly trusted: string;
  /** The private key and its certificates, of which its own is the first. */
  readonly own: { readonly key: string; readonly chain: string } | undefined;
}

/**
 * Reads a store.
 *
 * @param password That of the store.
 * @param keyPassword That of its key. Default: that of the store.
 * @throws {KeyStoreError} If a password is wrong or missing, or the store has another form.
 */
export async function readKeyStore(
  bytes: Uint8Array<ArrayBuffer>,
  password: string | undefined,
  keyPassword: string | undefined = password,
): Promise<KeyStore> {
  const { keys, trusted } = isJks(bytes)
    ? readJks(bytes, password, keyPassword)
    : await readPkcs12(bytes, password);
  if (keys.length > 1) throw new KeyStoreError(`it has ${keys.length} keys, and only one is used`);
  const [entry] = keys;
  return {
    trusted: trusted.map((each) => pemOf("CERTIFICATE", each)).join(""),
    own: entry === undefined ? undefined : ownOf(entry),
  };
}

function ownOf({ key, chain }: KeyEntry): NonNullable<KeyStore["own"]> {
  const pem = pemOf("PRIVATE KEY", key);
  const certificates = chain.map((each) => pemOf("CERTIFICATE", each));
  const isOwn = (certificate: string) => publicKeyOf(certificate) === spkiOf(createPublicKey(pem));
  let own: string | undefined;
  try {
    own = certificates.find(isOwn);
  } catch {
    throw new KeyStoreError("its key is of a kind that is not known here");
  }
  if (own === undefined) throw new KeyStoreError("it has no certificate of its key");
  return { key: pem, chain: [own, ...certificates.filter((each) => each !== own)].join("") };
}

function publicKeyOf(certificate: string): string {
  return spkiOf(new X509Certificate(certificate).publicKey);
}

function spkiOf(key: ReturnType<typeof createPublicKey>): string {
  return key.export({ type: "spki", format: "pem" }) as string;
}

function pemOf(label: string, der: Uint8Array): string {
  const lines = der.toBase64().replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}
