/**
 * SASL as client and broker share it: the messages of the mechanisms, the formulas of SCRAM, and the
 * client's side of each exchange. Nothing in it opens a socket or a file.
 *
 * `plain.ts` and `oauthbearer.ts` have one mechanism each. SCRAM is in `scram.ts` (keys and proofs),
 * `scram_messages.ts` and `scram_client.ts`. A client takes a `SaslClient`, sends what `start()` gives,
 * and then what `respond()` gives for each message of the server, inside SaslAuthenticate requests.
 * `jaas_config.ts` reads user and password from Kafka's `sasl.jaas.config`.
 *
 * @module
 */

export { isForMechanism, jaasClient } from "./jaas_client.ts";
export { type JaasConfig, JaasConfigError, parseJaasConfig } from "./jaas_config.ts";
export {
  formatOAuthBearer,
  formatOAuthBearerRefusal,
  OAUTHBEARER,
  OAUTHBEARER_ACKNOWLEDGEMENT,
  oauthBearerClient,
  type OAuthBearerMessage,
  parseOAuthBearer,
} from "./oauthbearer.ts";
export { formatPlain, parsePlain, PLAIN, plainClient, type PlainMessage } from "./plain.ts";
export type { SaslClient } from "./sasl_client.ts";
export { SaslMessageError } from "./sasl_error.ts";
export {
  DEFAULT_SCRAM_ITERATIONS,
  isScramMechanism,
  MAX_SCRAM_ITERATIONS,
  MIN_SCRAM_ITERATIONS,
  newScramCredential,
  SCRAM_MECHANISMS,
  type ScramAlgorithm,
  type ScramCredential,
  scramCredential,
  type ScramMechanism,
} from "./scram.ts";
export { scramClient, type ScramClientOptions } from "./scram_client.ts";
