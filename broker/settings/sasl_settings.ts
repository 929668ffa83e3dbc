/**
 * Settings of SASL: the mechanisms by which clients show who they are, and for how long.
 *
 * `sasl.scram.strict.nonce` and `connections.max.unauthenticated.ms` are specific to this broker.
 *
 * @module
 */

import { boolean, int, list, long, optionalString, SettingValueError, string } from "./setting.ts";

/** The mechanisms that this broker serves. */
export const SERVED_MECHANISMS = [
  "PLAIN",
  "SCRAM-SHA-256",
  "SCRAM-SHA-512",
  "OAUTHBEARER",
] as const;

/** A mechanism that this broker serves. */
export type ServedMechanism = typeof SERVED_MECHANISMS[number];

/** Kafka's mechanism for Kerberos, and the default of `sasl.enabled.mechanisms`. */
export const GSSAPI = "GSSAPI";

const DYNAMIC = { scope: "cluster-wide" } as const;

/** The settings by name. */
export const SASL_SETTINGS = {
  "sasl.enabled.mechanisms": list(
    [GSSAPI],
    `Mechanisms that clients of SASL_PLAINTEXT and SASL_SSL listeners may use: ` +
      `${
        SERVED_MECHANISMS.join(", ")
      }. Kafka's default, GSSAPI (Kerberos), is not served: such a ` +
      "listener needs others",
    { ...DYNAMIC, choices: [...SERVED_MECHANISMS, GSSAPI] },
  ),
  "sasl.server.max.receive.size": int(
    524_288,
    "Largest message in bytes while a client authenticates",
    { min: 1 },
  ),
  "sasl.scram.strict.nonce": boolean(
    false,
    "Whether to refuse the nonce of librdkafka before 2.6.1, which has the client's part twice",
  ),
  "connection.failed.authentication.delay.ms": int(
    100,
    "Milliseconds before a client is told that it failed to authenticate, and disconnected",
    { min: 0 },
  ),
  "connections.max.reauth.ms": long(
    0,
    "Milliseconds after which a client has to authenticate again (KIP-368); 0 for never",
    { min: 0 },
  ),
  "connections.max.unauthenticated.ms": int(
    30_000,
    "Milliseconds that a client may take to authenticate",
    { min: 1 },
  ),
  "sasl.oauthbearer.jwks.endpoint.url": optionalString(
    "Where the keys are that tokens are signed with, as https://… or file:///…; http:// only for an " +
      "address of this machine",
    { check: checkTokenUrl },
  ),
  "sasl.oauthbearer.jwks.endpoint.refresh.ms": long(
    3_600_000,
    "Milliseconds between two reads of the keys",
    { min: 1 },
  ),
  "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms": long(
    100,
    "First milliseconds between two attempts to read the keys",
    { min: 1 },
  ),
  "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": long(
    10_000,
    "Most milliseconds between two attempts to read the keys",
    { min: 1 },
  ),
  "sasl.oauthbearer.expected.issuer": optionalString(
    "Issuer that tokens must have; * for any",
  ),
  "sasl.oauthbearer.expected.audience": list(
    [],
    "Audiences of which tokens must have one; * for any",
    { allowEmpty: true },
  ),
  "sasl.oauthbearer.clock.skew.seconds": int(
    30,
    "Seconds that the clock of a token's issuer may differ by",
    { min: 0 },
  ),
  "sasl.oauthbearer.sub.claim.name": string("sub", "Claim of a token that has the user", {
    check: checkClaim,
  }),
  "sasl.oauthbearer.scope.claim.name": string("scope", "Claim of a token that has its scope", {
    check: checkClaim,
  }),
};

/** The mechanisms of a list that this broker does not serve. */
export function unservedMechanisms(mechanisms: readonly string[]): readonly string[] {
  return mechanisms.filter((name) => !SERVED_MECHANISMS.includes(name as ServedMechanism));
}

/** Hosts of this machine, as URLs have them. */
const LOCAL_HOSTS = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** @throws {SettingValueError} For what is neither a file nor safe from others. */
export function checkTokenUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isRemote = url?.protocol === "https:" ||
    (url?.protocol === "http:" && LOCAL_HOSTS.test(url.hostname));
  const isFile = url?.protocol === "file:" && url.hostname === "";
  if (url === undefined || !(isRemote || isFile)) {
    throw new SettingValueError(
      `"${text}" is neither https://… nor file:///…, nor http:// and an address of this machine`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new SettingValueError("a URL with a password cannot be used");
  }
}

function checkClaim(text: string): void {
  if (text.trim() === "") throw new SettingValueError("the name of the claim is empty");
}
