/**
 * Checks the tokens of OAUTHBEARER: JWTs signed with one of the keys that a provider publishes.
 *
 * What a token says about itself decides nothing: algorithms, keys, issuer and audience are those of
 * the broker's settings.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix -- the package is published without an import map
import * as jose from "npm:jose@6.2.18";
import { OAUTHBEARER } from "../../../protocol/sasl/oauthbearer.ts";
import type { Logger } from "../../logger.ts";
import { type BrokerConfig, ConfigError } from "../../settings/config.ts";
import type { BrokerSettings, SettingName } from "../../settings/settings.ts";
import type { Clock } from "../../time/clock.ts";
import { type TokenClaims, TokenError, type ValidateToken } from "./oauthbearer_server.ts";
import { SigningKeys } from "./signing_keys.ts";

/** What a token can be signed with: never a secret that the broker would have to know. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const MAX_TOKEN_LENGTH = 64 * 1024;
const MAX_SUBJECT_LENGTH = 1024;
/** In settings, that any issuer or audience will do. */
const ANY = "*";

/** What a validator needs. */
export interface TokenValidatorOptions {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @throws {ConfigError} If a setting is missing. */
export function openTokenValidator(
  options: TokenValidatorOptions,
  listener: string,
): ValidateToken {
  const { clock } = options;
  const config = options.config.ofListener(listener);
  const get = <N extends SettingName>(name: N): BrokerSettings[N] => config.get(name, OAUTHBEARER);
  const url = required(get("sasl.oauthbearer.jwks.endpoint.url"), listener, [
    "sasl.oauthbearer.jwks.endpoint.url",
    "where the keys of the tokens' issuer are",
  ]);
  const issuer = required(get("sasl.oauthbearer.expected.issuer"), listener, [
    "sasl.oauthbearer.expected.issuer",
    "the issuer of the tokens, or * for any",
  ]);
  const audience = get("sasl.oauthbearer.expected.audience");
  required(audience.length === 0 ? null : audience, listener, [
    "sasl.oauthbearer.expected.audience",
    "the audience of this broker's tokens, or * for any",
  ]);
  const keys = new SigningKeys({
    ...options,
    url: new URL(url),
    refreshMs: get("sasl.oauthbearer.jwks.endpoint.refresh.ms"),
    backoffMs: get("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms"),
    maxBackoffMs: get("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms"),
  });
  const subjectClaim = get("sasl.oauthbearer.sub.claim.name");
  const scopeClaim = get("sasl.oauthbearer.scope.claim.name");
  const checks: jose.JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    ...(issuer === ANY ? {} : { issuer }),
    ...(audience.includes(ANY) ? {} : { audience: [...audience] }),
    clockTolerance: get("sasl.oauthbearer.clock.skew.seconds"),
    requiredClaims: ["exp", "iat"],
  };
  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH) throw new TokenError("the token is too long");
    const nowMs = clock.now();
    const claims = await verify(token, keys, { ...checks, currentDate: new Date(nowMs) });
    checkIssueTime(claims, nowMs, checks.clockTolerance as number);
    checkScope(claims[scopeClaim]);
    return { subject: subjectOf(claims[subjectClaim]), expiresAtMs: claims.exp! * 1000 };
  };
}

async function verify(
  token: string,
  keys: SigningKeys,
  options: jose.JWTVerifyOptions,
): Promise<jose.JWTPayload> {
  try {
    return (await jose.jwtVerify(token, (header, jws) => keys.find(header, jws), options)).payload;
  } catch (error) {
    throw new TokenError(reasonOf(error));
  }
}

/** Why a token is not accepted. No part of the token is in it. */
function reasonOf(error: unknown): string {
  if (error instanceof TokenError) return error.message;
  if (error instanceof jose.errors.JWTExpired) return "the token has expired";
  if (error instanceof jose.errors.JWTClaimValidationFailed) {
    switch (`${error.claim} ${error.reason}`) {
      case "nbf check_failed":
        return "the token is not valid yet";
      case "iss check_failed":
      case "iss missing":
        return "the token's issuer is not the expected one";
      case "aud check_failed":
      case "aud missing":
        return "the token's audience is not the expected one";
      default:
        return `the token's claim ${error.claim} is missing or invalid`;
    }
  }
  if (error instanceof jose.errors.JOSEAlgNotAllowed) {
    return "the token is signed with an algorithm that is not accepted";
  }
  if (error instanceof jose.errors.JWKSNoMatchingKey) {
    return "the token is signed with an unknown key";
  }
  if (error instanceof jose.errors.JWSSignatureVerificationFailed) {
    return "the token's signature is wrong";
  }
  if (error instanceof jose.errors.JOSEError) return "the token is malformed";
  // A key that cannot be imported, or has another type than the algorithm needs.
  return "the token's signature cannot be verified";
}

function checkIssueTime({ iat, exp }: TokenTimes, nowMs: number, skewSeconds: number): void {
  if (typeof iat !== "number" || typeof exp !== "number" || iat > exp) {
    throw new TokenError("the token's times are invalid");
  }
  if (iat > nowMs / 1000 + skewSeconds) throw new TokenError("the token is not valid yet");
}

type TokenTimes = Pick<jose.JWTPayload, "iat" | "exp">;

function checkScope(scope: unknown): void {
  const scopes = scope === undefined ? [] : Array.isArray(scope) ? scope : [scope];
  if (scopes.every((item) => typeof item === "string")) return;
  throw new TokenError("the token's scope is invalid");
}

function subjectOf(subject: unknown): TokenClaims["subject"] {
  const isValid = typeof subject === "string" && subject.trim() !== "" &&
    subject.length <= MAX_SUBJECT_LENGTH && subject.isWellFormed();
  if (!isValid) throw new TokenError("the token names no user");
  return subject;
}

function required<T>(
  value: T | null,
  listener: string,
  [setting, meaning]: readonly [string, string],
): T {
  if (value !== null) return value;
  throw new ConfigError(
    `Cannot use listener ${listener} with OAUTHBEARER: set ${setting} to ${meaning}`,
  );
}
