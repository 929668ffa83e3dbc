/**
 * What key stores have, in DER.
 *
 * @module
 */

/** A private key with its certificate and those of authorities in between, in DER. */
export interface KeyEntry {
  /** In PKCS #8. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** That of the key may be at any place. */
  readonly chain: readonly Uint8Array<ArrayBuffer>[];
}

/** What a store has. */
export interface KeyStoreEntries {
  readonly keys: readonly KeyEntry[];
  /** All other certificates. */
  readonly trusted: readonly Uint8Array<ArrayBuffer>[];
}

/** A store that cannot be read. The message has nothing of its content. */
export class KeyStoreError extends Error {
  override name = "KeyStoreError";
}
