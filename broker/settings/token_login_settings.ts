/**
 * Settings of the tokens by which this broker logs in to others, with OAUTHBEARER (KIP-768, KIP-1139).
 *
 * @module
 */

import { checkTokenUrl } from "./sasl_settings.ts";
import { double, int, long, optionalNumber, optionalString, password } from "./setting.ts";

const DYNAMIC = { scope: "cluster-wide" } as const;

/** The settings by name. */
export const TOKEN_LOGIN_SETTINGS = {
  "sasl.oauthbearer.token.endpoint.url": optionalString(
    "Where this broker gets the token by which it logs in to others: https://… of a provider that " +
      "takes client credentials, or file:///… that has a token; http:// only for an address of this " +
      "machine",
    { check: checkTokenUrl },
  ),
  "sasl.oauthbearer.client.credentials.client.id": optionalString(
    "Name of this broker at the provider of tokens",
  ),
  "sasl.oauthbearer.client.credentials.client.secret": password(
    "Secret of this broker at the provider of tokens",
  ),
  "sasl.oauthbearer.scope": optionalString("Scope that tokens are asked for with"),
  "sasl.login.connect.timeout.ms": optionalNumber(
    "int",
    "Milliseconds that are added to sasl.login.read.timeout.ms for connecting; 5000 if not set",
    { min: 1 },
  ),
  "sasl.login.read.timeout.ms": optionalNumber(
    "int",
    "Milliseconds that an answer of the provider of tokens may take; 5000 if not set",
    { min: 1 },
  ),
  "sasl.login.retry.backoff.ms": long(
    100,
    "First milliseconds between two attempts to get a token",
    { min: 1 },
  ),
  "sasl.login.retry.backoff.max.ms": long(
    10_000,
    "Most milliseconds between two attempts to get a token",
    { min: 1 },
  ),
  "sasl.login.refresh.window.factor": double(
    0.8,
    "Part of a token's life after which another is got",
    { min: 0.5, max: 1, ...DYNAMIC },
  ),
  "sasl.login.refresh.window.jitter": double(
    0.05,
    "Most that is randomly added to sasl.login.refresh.window.factor",
    { min: 0, max: 0.25, ...DYNAMIC },
  ),
  "sasl.login.refresh.min.period.seconds": int(
    60,
    "Least seconds for which a token is used, unless its life is shorter than this and " +
      "sasl.login.refresh.buffer.seconds",
    { type: "short", min: 0, max: 900, ...DYNAMIC },
  ),
  "sasl.login.refresh.buffer.seconds": int(
    300,
    "Seconds before a token's end at which another is got at the latest, unless its life is shorter " +
      "than this and sasl.login.refresh.min.period.seconds",
    { type: "short", min: 0, max: 3600, ...DYNAMIC },
  ),
};
