/**
 * A listener by which the brokers of a process reach each other, whatever clients need: on the loopback
 * interface, with a password that only the process has. They may do what brokers do, also once users and
 * rules exist.
 *
 * @module
 */

import { type BrokerConfig, ConfigError, type ConfigTexts } from "../settings/config.ts";
import { parseNamedAddress } from "../settings/listener.ts";

/** The listener's name. */
const NAME = "DQUEUE_WORKERS";
const ADDRESS = `${NAME}://127.0.0.1:0`;
const PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule";
const RANDOM_BYTES = 24;

/**
 * Adds the listener.
 *
 * @param texts Values of settings; those of `config`, or others in their place.
 * @throws {ConfigError} If there is a listener of that name.
 */
export function withWorkersListener(texts: ConfigTexts, config: BrokerConfig): ConfigTexts {
  const listeners = config.get("listeners");
  if (listeners.some((text) => parseNamedAddress(text).name === NAME)) {
    throw new ConfigError(`Cannot use listeners: ${NAME} is that of workers; choose another name`);
  }
  const user = `workers-${random()}`;
  const password = random();
  const own = `listener.name.${NAME.toLowerCase()}.`;
  const advertised = config.get("advertised.listeners");
  const protocols = config.get("listener.security.protocol.map");
  const supers = config.get("super.users");
  const added = new Map([
    ...texts,
    ["listeners", [...listeners, ADDRESS].join(",")],
    ["listener.security.protocol.map", `${protocols},${NAME}:SASL_PLAINTEXT`],
    ["inter.broker.listener.name", NAME],
    ["super.users", [supers, `User:${user}`].filter((text) => text !== "").join(";")],
    [`${own}sasl.enabled.mechanisms`, "PLAIN"],
    [`${own}sasl.mechanism.inter.broker.protocol`, "PLAIN"],
    [
      `${own}plain.sasl.jaas.config`,
      `${PLAIN_MODULE} required username="${user}" password="${password}" user_${user}="${password}";`,
    ],
  ]);
  if (advertised !== null) added.set("advertised.listeners", [...advertised, ADDRESS].join(","));
  added.delete("security.inter.broker.protocol");
  return added;
}

function random(): string {
  return crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)).toHex();
}
