/**
 * Settings of authentication, authorization and TLS.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

const OAUTHBEARER_PACKAGE = "org.apache.kafka.common.security.oauthbearer";

/** A handler of Kafka's for OAUTHBEARER, which must be named there, by its names of all versions. */
function handlers(name: string): readonly string[] {
  return [`${OAUTHBEARER_PACKAGE}.${name}`, `${OAUTHBEARER_PACKAGE}.secured.${name}`];
}

/** The settings by name. */
export const SECURITY_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("GSSAPI (Kerberos) is not served", {
    "sasl.kerberos.kinit.cmd": [
      "string",
      "/usr/bin/kinit",
      "Command that gets a Kerberos ticket",
      "cluster-wide",
    ],
    "sasl.kerberos.min.time.before.relogin": [
      "long",
      "60000",
      "Milliseconds between two Kerberos logins",
      "cluster-wide",
    ],
    "sasl.kerberos.principal.to.local.rules": [
      "list",
      "DEFAULT",
      "Rules from Kerberos principals to users",
      "cluster-wide",
    ],
    "sasl.kerberos.service.name": ["string", null, "Kerberos name of the service", "cluster-wide"],
    "sasl.kerberos.ticket.renew.jitter": [
      "double",
      "0.05",
      "Random part of the time after which a Kerberos ticket is renewed",
      "cluster-wide",
    ],
    "sasl.kerberos.ticket.renew.window.factor": [
      "double",
      "0.8",
      "Part of a Kerberos ticket's life after which it is renewed",
      "cluster-wide",
    ],
    "sasl.mechanism.controller.protocol": ["string", "GSSAPI", "Mechanism of SASL to controllers"],
  }),
  ...fixedSettings("classes of Java are not loaded", {
    "principal.builder.class": [
      "class",
      "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
      "Works out the user of a connection",
      "cluster-wide",
    ],
    "security.providers": ["string", null, "Providers of security algorithms"],
    "sasl.client.callback.handler.class": ["class", null, "Gives a client of SASL its credentials"],
    "sasl.login.callback.handler.class": [
      "class",
      null,
      "Gives a login its credentials",
      "read-only",
      handlers("OAuthBearerLoginCallbackHandler"),
    ],
    "sasl.login.class": ["class", null, "Does the login"],
    "sasl.server.callback.handler.class": [
      "class",
      null,
      "Checks the credentials of clients",
      "read-only",
      handlers("OAuthBearerValidatorCallbackHandler"),
    ],
  }),
  ...fixedSettings("brokers get tokens with client credentials, or from a file", {
    "sasl.oauthbearer.assertion.algorithm": [
      "string",
      "RS256",
      "Algorithm that assertions are signed with",
    ],
    "sasl.oauthbearer.assertion.claim.aud": ["string", null, "Audience of an assertion"],
    "sasl.oauthbearer.assertion.claim.exp.seconds": [
      "int",
      "300",
      "Seconds that an assertion is valid",
    ],
    "sasl.oauthbearer.assertion.claim.iss": ["string", null, "Issuer of an assertion"],
    "sasl.oauthbearer.assertion.claim.jti.include": [
      "boolean",
      "false",
      "Whether an assertion has an id",
    ],
    "sasl.oauthbearer.assertion.claim.nbf.seconds": [
      "int",
      "60",
      "Seconds back from which an assertion is valid",
    ],
    "sasl.oauthbearer.assertion.claim.sub": ["string", null, "Subject of an assertion"],
    "sasl.oauthbearer.assertion.file": ["string", null, "File of a ready assertion"],
    "sasl.oauthbearer.assertion.private.key.file": [
      "string",
      null,
      "File of the key that signs assertions",
    ],
    "sasl.oauthbearer.assertion.private.key.passphrase": [
      "password",
      null,
      "Passphrase of the key that signs assertions",
    ],
    "sasl.oauthbearer.assertion.template.file": [
      "string",
      null,
      "File that assertions are made from",
    ],
    "sasl.oauthbearer.jwt.retriever.class": [
      "class",
      `${OAUTHBEARER_PACKAGE}.DefaultJwtRetriever`,
      "Gets tokens",
      "read-only",
      [
        `${OAUTHBEARER_PACKAGE}.ClientCredentialsJwtRetriever`,
        `${OAUTHBEARER_PACKAGE}.FileJwtRetriever`,
      ],
    ],
    "sasl.oauthbearer.jwt.validator.class": [
      "class",
      `${OAUTHBEARER_PACKAGE}.DefaultJwtValidator`,
      "Checks tokens",
      "read-only",
      [`${OAUTHBEARER_PACKAGE}.BrokerJwtValidator`],
    ],
  }),
  ...fixedSettings("the runtime chooses among TLS_AES, TLS_CHACHA20 and ECDHE suites itself", {
    "ssl.cipher.suites": ["list", "", "Ciphers that may be used", "cluster-wide"],
  }),
  ...fixedSettings("a PEM file has no password of its own, set ssl.key.password for its key", {
    "ssl.keystore.password": ["password", null, "Password of a JKS keystore", "cluster-wide"],
    "ssl.truststore.password": ["password", null, "Password of a JKS truststore", "cluster-wide"],
  }),
  ...fixedSettings("TLS is that of the runtime, not of Java", {
    "ssl.engine.factory.class": ["class", null, "Makes the engine of TLS", "cluster-wide"],
    "ssl.keymanager.algorithm": [
      "string",
      "SunX509",
      "Algorithm of the key manager",
      "cluster-wide",
    ],
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
  }),
};
