/**
 * What a listener shows to clients, and whom it trusts.
 *
 * @module
 */

import type { TlsConfig } from "../../settings/tls_settings.ts";
import { type KeyStoreEntry, parseKeyStore } from "./key_store.ts";
import { parseTrustStore, type TrustStore } from "./trust_store.ts";

/** Keys, certificates and trusted authorities. */
export interface TlsCredentials {
  /** At least one; the first is the default. */
  readonly entries: readonly KeyStoreEntry[];
  readonly trust: TrustStore | undefined;
}

/** The contents of the files that settings name; undefined for those that are not set. */
export interface FileTexts {
  readonly keystore: string | undefined;
  readonly truststore: string | undefined;
}

/**
 * Parses the credentials of a listener.
 *
 * @param nowMs The time, for checks of validity.
 * @throws {ConfigError} If they cannot be used; the message says what to change.
 */
export function parseCredentials(
  config: TlsConfig,
  files: FileTexts,
  nowMs: number,
): TlsCredentials {
  return {
    entries: parseKeyStore(config, files.keystore, nowMs),
    trust: parseTrustStore(config, files.truststore),
  };
}
