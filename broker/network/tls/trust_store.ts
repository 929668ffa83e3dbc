/**
 * The authorities that a listener trusts, from `ssl.truststore.*`.
 *
 * @module
 */

import { ConfigError } from "../../settings/config.ts";
import type { TlsConfig } from "../../settings/tls_settings.ts";
import { checkType, readCertificates, readPem } from "./key_store.ts";
import { type Certificate, pemOf } from "./x509.ts";

/** Trusted certificates. */
export interface TrustStore {
  readonly certificates: readonly Certificate[];
  /** Each as PEM. */
  readonly ca: readonly string[];
}

/**
 * Parses the trusted certificates; undefined if none are set.
 *
 * @param file The content of `ssl.truststore.location`, if that is set.
 * @throws {ConfigError} If they cannot be used; the message says what to change.
 */
export function parseTrustStore(
  config: TlsConfig,
  file: string | undefined,
): TrustStore | undefined {
  const location = config.get("ssl.truststore.location");
  const text = config.get("ssl.truststore.certificates");
  if (location === null && text === null) return undefined;
  if (location !== null && text !== null) {
    throw new ConfigError(
      "Cannot use ssl.truststore.location with ssl.truststore.certificates: set one of them",
    );
  }
  checkType(config.get("ssl.truststore.type"), "truststore");
  const name = location === null
    ? "ssl.truststore.certificates"
    : `ssl.truststore.location ${location}`;
  const certificates = readCertificates(readPem(file ?? text!.reveal(), name), name);
  if (certificates.length === 0) {
    throw new ConfigError(`Cannot use ${name}: there is no certificate`);
  }
  return { certificates, ca: certificates.map(pemOf) };
}
