/**
 * Tokens of OAuth 2.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings. */
export const OAUTH_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("clients are not authenticated", {
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
    "sasl.oauthbearer.client.credentials.client.id": [
      "string",
      null,
      "Name of the client at the token's provider",
    ],
    "sasl.oauthbearer.client.credentials.client.secret": [
      "password",
      null,
      "Secret of the client at the token's provider",
    ],
    "sasl.oauthbearer.clock.skew.seconds": ["int", "30", "Seconds that clocks may differ by"],
    "sasl.oauthbearer.expected.audience": ["list", "", "Audience that a token must have"],
    "sasl.oauthbearer.expected.issuer": ["string", null, "Issuer that a token must have"],
    "sasl.oauthbearer.jwks.endpoint.refresh.ms": [
      "long",
      "3600000",
      "Milliseconds between two reads of the provider's keys",
    ],
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": [
      "long",
      "10000",
      "Most milliseconds between two attempts to read the provider's keys",
    ],
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms": [
      "long",
      "100",
      "First milliseconds between two attempts to read the provider's keys",
    ],
    "sasl.oauthbearer.jwks.endpoint.url": ["string", null, "Address of the provider's keys"],
    "sasl.oauthbearer.jwt.retriever.class": [
      "class",
      "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
      "Gets tokens",
    ],
    "sasl.oauthbearer.jwt.validator.class": [
      "class",
      "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
      "Checks tokens",
    ],
    "sasl.oauthbearer.scope": ["string", null, "Scope that tokens are asked for"],
    "sasl.oauthbearer.scope.claim.name": ["string", "scope", "Claim that has the scope"],
    "sasl.oauthbearer.sub.claim.name": ["string", "sub", "Claim that has the user"],
    "sasl.oauthbearer.token.endpoint.url": ["string", null, "Address at which tokens are got"],
  }),
};
