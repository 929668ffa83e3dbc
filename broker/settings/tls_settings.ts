/**
 * Settings of TLS, by Kafka's names. A listener can have its own: `listener.name.<name>.ssl.…`.
 *
 * Keys and certificates are PEM, in files or as text. Kafka's default type is JKS, Java's own format:
 * it remains the default, and an error where TLS is used.
 *
 * @module
 */

import {
  boolean,
  choice,
  list,
  optionalString,
  password,
  SettingValueError,
  type SettingValues,
  string,
} from "./setting.ts";

/** Versions of TLS that can be used, oldest first. */
export const TLS_VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

const OLD_VERSION = "it is not secure; use TLSv1.2 or TLSv1.3";

/** The settings by name. */
export const TLS_SETTINGS = {
  "ssl.allow.dn.changes": boolean(
    false,
    "Whether a certificate that replaces one while the broker runs may have another name",
  ),
  "ssl.allow.san.changes": boolean(
    false,
    "Whether a certificate that replaces one while the broker runs may lack alternative names that it had",
  ),
  "ssl.client.auth": choice(
    ["none", "requested", "required"],
    "none",
    "Whether clients need a certificate, which an authority of the truststore has signed",
  ),
  "ssl.enabled.protocols": list(TLS_VERSIONS, "Versions of TLS that clients may use", {
    choices: TLS_VERSIONS,
    unsupported: {
      "SSLv3": OLD_VERSION,
      "TLSv1": OLD_VERSION,
      "TLSv1.0": OLD_VERSION,
      "TLSv1.1": OLD_VERSION,
    },
  }),
  "ssl.endpoint.identification.algorithm": string(
    "https",
    "How the name in the certificate of another broker is checked: https, or empty for not at all",
    { check: checkIdentification },
  ),
  "ssl.key.password": password("Password of this broker's private key, if it is encrypted"),
  "ssl.keystore.certificate.chain": password(
    "Certificate of this broker and those of authorities in between, as PEM, instead of a file",
  ),
  "ssl.keystore.key": password(
    "Private key of this broker, as PEM (PKCS #8), instead of a file",
  ),
  "ssl.keystore.location": optionalString(
    "File with private key and certificates of this broker, as PEM. It is read again when it changes",
  ),
  "ssl.keystore.type": string(
    "JKS",
    "Format of this broker's key and certificates; must be PEM",
    { check: (text) => checkStoreType(text, "keystore") },
  ),
  "ssl.principal.mapping.rules": string(
    "DEFAULT",
    "Rules from names in clients' certificates to users, as RULE:PATTERN/REPLACEMENT/[LU] or DEFAULT " +
      "for the whole name, separated by commas; the first that matches counts",
  ),
  "ssl.protocol": choice(
    ["TLS", ...TLS_VERSIONS],
    "TLSv1.3",
    "Kafka's choice of an implementation; the versions are those of ssl.enabled.protocols",
    { unsupported: { "TLSv1": OLD_VERSION, "TLSv1.1": OLD_VERSION, "SSL": OLD_VERSION } },
  ),
  "ssl.truststore.certificates": password(
    "Certificates of trusted authorities, as PEM, instead of a file",
  ),
  "ssl.truststore.location": optionalString(
    "File with certificates of trusted authorities, as PEM. It is read again when it changes",
  ),
  "ssl.truststore.type": string(
    "JKS",
    "Format of the trusted certificates; must be PEM",
    { check: (text) => checkStoreType(text, "truststore") },
  ),
};

/** The value of each setting. */
export type TlsSettings = SettingValues<typeof TLS_SETTINGS>;

/** Where the settings of a listener come from. */
export interface TlsConfig {
  get<N extends keyof TlsSettings>(name: N): TlsSettings[N];
}

/** How to make PEM of another format. */
const CONVERSIONS: Readonly<Record<string, string>> = {
  keystore: "openssl pkcs12 -in keystore.p12 -out keystore.pem",
  truststore: "openssl pkcs12 -in truststore.p12 -nokeys -out truststore.pem",
};

function checkStoreType(text: string, store: "keystore" | "truststore"): void {
  if (text === "PEM" || text === "JKS") return;
  throw new SettingValueError(
    `"${text}" is not supported, only PEM is: convert it with "${CONVERSIONS[store]}" and set ` +
      `ssl.${store}.type=PEM`,
  );
}

function checkIdentification(text: string): void {
  if (text === "" || text.toLowerCase() === "https") return;
  throw new SettingValueError(`"${text}" is neither https nor empty`);
}
