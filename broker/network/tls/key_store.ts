/**
 * A listener's own keys and certificates, from `ssl.keystore.*`, checked before they are used.
 *
 * @module
 */

import crypto from "node:crypto";
import { ConfigError } from "../../settings/config.ts";
import type { TlsConfig } from "../../settings/tls_settings.ts";
import { DerError } from "../../../protocol/der_reader.ts";
import { parsePem, type PemBlock, PemError } from "./pem.ts";
import {
  type Certificate,
  namesIssuer,
  parseCertificate,
  pemOf,
  Purpose,
  sameBytes,
  serves,
} from "./x509.ts";

/** A key with its certificate. */
export interface KeyStoreEntry {
  /** The certificate and those of authorities in between, the former first. */
  readonly chain: readonly Certificate[];
  /** The chain as PEM. */
  readonly cert: string;
  /** The key as PKCS#8 PEM, not encrypted. */
  readonly key: string;
}

/** Smaller RSA keys are not secure, and clients refuse them. */
const MIN_RSA_BITS = 2048;
const KEY_LABELS: ReadonlySet<string> = new Set([
  "PRIVATE KEY",
  "ENCRYPTED PRIVATE KEY",
  "RSA PRIVATE KEY",
  "EC PRIVATE KEY",
]);

/**
 * Parses the keys of a listener. One is used for all clients; of several, the one whose certificate has
 * the name that a client asks for, or else the first.
 *
 * @param file The content of `ssl.keystore.location`, if that is set.
 * @param nowMs The time, for checks of validity.
 * @throws {ConfigError} If there are none, or they cannot be used; the message says what to change.
 */
export function parseKeyStore(
  config: TlsConfig,
  file: string | undefined,
  nowMs: number,
): readonly KeyStoreEntry[] {
  checkType(config.get("ssl.keystore.type"), "keystore");
  const location = config.get("ssl.keystore.location");
  const key = config.get("ssl.keystore.key");
  const chain = config.get("ssl.keystore.certificate.chain");
  if (location !== null && (key !== null || chain !== null)) {
    throw new ConfigError(
      "Cannot use ssl.keystore.location with ssl.keystore.key or ssl.keystore.certificate.chain: " +
        "set either the file or both texts",
    );
  }
  if (location !== null) {
    return readEntries(file!, `ssl.keystore.location ${location}`, config, nowMs);
  }
  if (key === null || chain === null) {
    throw new ConfigError(
      key === null && chain === null
        ? "Cannot use TLS without a certificate: set ssl.keystore.location to a PEM file with a " +
          "private key and its certificates"
        : `Cannot use ssl.keystore.${key === null ? "certificate.chain" : "key"} alone: set ` +
          `ssl.keystore.${key === null ? "key" : "certificate.chain"}, too`,
    );
  }
  const name = "ssl.keystore.key and ssl.keystore.certificate.chain";
  return readEntries(`${key.reveal()}\n${chain.reveal()}`, name, config, nowMs);
}

/** Refuses other formats than PEM. */
export function checkType(type: string, store: "keystore" | "truststore"): void {
  if (type === "PEM") return;
  throw new ConfigError(
    `Cannot use ssl.${store}.type=${type}: only PEM is supported, set ssl.${store}.type=PEM`,
  );
}

/** Parses the certificates among blocks. @throws {ConfigError} If one is damaged. */
export function readCertificates(blocks: readonly PemBlock[], name: string): Certificate[] {
  return blocks.filter(({ label }) => label === "CERTIFICATE").map(({ bytes }, index) => {
    try {
      return parseCertificate(bytes);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      throw new ConfigError(
        `Cannot use ${name}: certificate ${index + 1} is damaged: ${error.message}`,
        { cause: error },
      );
    }
  });
}

/** Parses PEM. @throws {ConfigError} If it is damaged. */
export function readPem(text: string, name: string): PemBlock[] {
  try {
    return parsePem(text);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    throw new ConfigError(`Cannot use ${name}: ${error.message}`, { cause: error });
  }
}

function readEntries(
  text: string,
  name: string,
  config: TlsConfig,
  nowMs: number,
): KeyStoreEntry[] {
  const blocks = readPem(text, name);
  const keys = blocks.filter(({ label }) => KEY_LABELS.has(label));
  const certificates = readCertificates(blocks, name);
  if (keys.length === 0) {
    throw new ConfigError(
      `Cannot use ${name}: there is no private key; it must have the key and the certificates as PEM`,
    );
  }
  if (certificates.length === 0) {
    throw new ConfigError(
      `Cannot use ${name}: there is no certificate; append it and those of authorities in between`,
    );
  }
  const password = config.get("ssl.key.password")?.reveal();
  return keys.map((block) => {
    const key = openKey(block, password, name);
    const certificate = certificateOf(key, certificates, name);
    checkCertificate(certificate, key, name, nowMs);
    const chain = chainOf(certificate, certificates);
    return {
      chain,
      cert: chain.map(pemOf).join(""),
      key: String(key.export({ type: "pkcs8", format: "pem" })),
    };
  });
}

function openKey(block: PemBlock, passphrase: string | undefined, name: string): crypto.KeyObject {
  const isEncrypted = block.label === "ENCRYPTED PRIVATE KEY" ||
    /^Proc-Type: 4,ENCRYPTED/m.test(block.text);
  if (isEncrypted && passphrase === undefined) {
    throw new ConfigError(`Cannot use ${name}: the private key is encrypted, set ssl.key.password`);
  }
  try {
    return crypto.createPrivateKey({
      key: block.text,
      ...(isEncrypted ? { passphrase: passphrase! } : {}),
    });
  } catch {
    // The error of the runtime may show parts of the key.
    throw new ConfigError(
      isEncrypted
        ? `Cannot use ${name}: the private key does not open with ssl.key.password; if that is right, ` +
          "convert the key with openssl pkcs8 -topk8"
        : `Cannot use ${name}: the private key is damaged`,
    );
  }
}

function certificateOf(
  key: crypto.KeyObject,
  certificates: readonly Certificate[],
  name: string,
): Certificate {
  const publicKey = crypto.createPublicKey(key).export({ type: "spki", format: "der" });
  const certificate = certificates.find(({ publicKeyBytes }) =>
    sameBytes(publicKeyBytes, publicKey)
  );
  if (certificate !== undefined) return certificate;
  const subjects = certificates.map(({ subject }) => `"${subject}"`).join(", ");
  throw new ConfigError(
    `Cannot use ${name}: the private key belongs to none of its certificates (${subjects}); use the ` +
      "certificate that was made for this key",
  );
}

function checkCertificate(
  certificate: Certificate,
  key: crypto.KeyObject,
  name: string,
  nowMs: number,
): void {
  const refuse = (reason: string) => {
    throw new ConfigError(`Cannot use ${name}: certificate "${certificate.subject}" ${reason}`);
  };
  const { notBeforeMs, notAfterMs } = certificate;
  const day = (ms: number) => new Date(ms).toISOString().replace(".000Z", "Z");
  if (nowMs > notAfterMs) refuse(`expired at ${day(notAfterMs)}, replace it by a new one`);
  if (nowMs < notBeforeMs) {
    refuse(`is not valid before ${day(notBeforeMs)}, check this machine's clock`);
  }
  if (!serves(certificate, Purpose.server)) {
    refuse("is not for servers; its extended key usage must include serverAuth");
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < MIN_RSA_BITS) {
    refuse(`has an RSA key of ${bits} bits; use one of at least ${MIN_RSA_BITS}, or EC P-256`);
  }
}

/** The certificate, its issuer among the others, the issuer's, and so on. */
function chainOf(certificate: Certificate, others: readonly Certificate[]): Certificate[] {
  const chain = [certificate];
  for (;;) {
    const last = chain.at(-1)!;
    const issuer = others.find((other) => !chain.includes(other) && namesIssuer(last, other));
    if (issuer === undefined) return chain;
    chain.push(issuer);
  }
}
