/**
 * Settings of the login of brokers to each other, by SASL.
 *
 * @module
 */

import { JaasConfigError, parseJaasConfig } from "../../protocol/sasl/jaas_config.ts";
import { password, SettingValueError, string } from "./setting.ts";

/** The mechanisms by which brokers can log in to each other. */
export const INTER_BROKER_MECHANISMS: readonly string[] = [
  "PLAIN",
  "SCRAM-SHA-256",
  "SCRAM-SHA-512",
  "OAUTHBEARER",
];

/** Kafka's default, which is not served. */
const KERBEROS = "GSSAPI";

/** The settings by name. */
export const INTER_BROKER_SETTINGS = {
  "sasl.mechanism.inter.broker.protocol": string(
    KERBEROS,
    "Mechanism by which this broker logs in to others: SCRAM-SHA-512, SCRAM-SHA-256, PLAIN or " +
      "OAUTHBEARER, where the listener for other brokers uses SASL",
    { check: checkMechanism },
  ),
  "sasl.jaas.config": password(
    "Login module with the options username and password by which this broker logs in to others, or " +
      "for OAUTHBEARER clientId and clientSecret; usually of one listener and mechanism, as listener.name.<name>.<mechanism>.sasl.jaas.config",
    { check: checkJaasConfig },
  ),
};

function checkMechanism(text: string): void {
  if (text === KERBEROS || INTER_BROKER_MECHANISMS.includes(text)) return;
  throw new SettingValueError(
    `brokers cannot log in by this mechanism, only by one of ${INTER_BROKER_MECHANISMS.join(", ")}`,
  );
}

function checkJaasConfig(text: string): void {
  try {
    parseJaasConfig(text);
  } catch (error) {
    if (!(error instanceof JaasConfigError)) throw error;
    throw new SettingValueError(error.message.replace(/^[^:]*: /, ""));
  }
}
