/**
 * Encryption of connections.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings. */
export const TLS_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("only plain text listeners are supported", {
    "ssl.allow.dn.changes": ["boolean", "false", "Whether a new certificate may have another name"],
    "ssl.allow.san.changes": [
      "boolean",
      "false",
      "Whether a new certificate may have other alternative names",
    ],
    "ssl.cipher.suites": ["list", "", "Ciphers that may be used", "cluster-wide"],
    "ssl.client.auth": ["string", "none", "Whether clients need a certificate", "cluster-wide"],
    "ssl.enabled.protocols": [
      "list",
      "TLSv1.2,TLSv1.3",
      "Versions of TLS that may be used",
      "cluster-wide",
    ],
    "ssl.endpoint.identification.algorithm": [
      "string",
      "https",
      "How the name in a server's certificate is checked",
      "cluster-wide",
    ],
    "ssl.engine.factory.class": ["class", null, "Makes the engine of TLS", "cluster-wide"],
    "ssl.key.password": ["password", null, "Password of the private key", "cluster-wide"],
    "ssl.keymanager.algorithm": [
      "string",
      "SunX509",
      "Algorithm of the key manager",
      "cluster-wide",
    ],
    "ssl.keystore.certificate.chain": [
      "password",
      null,
      "Certificates of this broker",
      "cluster-wide",
    ],
    "ssl.keystore.key": ["password", null, "Private key of this broker", "cluster-wide"],
    "ssl.keystore.location": [
      "string",
      null,
      "File of this broker's key and certificates",
      "cluster-wide",
    ],
    "ssl.keystore.password": ["password", null, "Password of that file", "cluster-wide"],
    "ssl.keystore.type": ["string", "JKS", "Format of that file", "cluster-wide"],
    "ssl.principal.mapping.rules": [
      "string",
      "DEFAULT",
      "Rules from names in certificates to users",
    ],
    "ssl.protocol": ["string", "TLSv1.3", "Version of TLS to begin with", "cluster-wide"],
    "ssl.provider": ["string", null, "Provider of the implementation of TLS", "cluster-wide"],
    "ssl.secure.random.implementation": [
      "string",
      null,
      "Source of random numbers",
      "cluster-wide",
    ],
    "ssl.trustmanager.algorithm": [
      "string",
      "PKIX",
      "Algorithm of the trust manager",
      "cluster-wide",
    ],
    "ssl.truststore.certificates": [
      "password",
      null,
      "Certificates that are trusted",
      "cluster-wide",
    ],
    "ssl.truststore.location": [
      "string",
      null,
      "File of the certificates that are trusted",
      "cluster-wide",
    ],
    "ssl.truststore.password": ["password", null, "Password of that file", "cluster-wide"],
    "ssl.truststore.type": ["string", "JKS", "Format of that file", "cluster-wide"],
  }),
};
