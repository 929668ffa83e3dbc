/**
 * Settings of listeners: where a broker is reached, by whom, and what a connection must do first.
 *
 * `listeners.ts` makes the listeners from them.
 *
 * @module
 */

import { normalizeListener, SECURITY_PROTOCOLS, type SecurityProtocol } from "./listener.ts";
import {
  choice,
  list,
  optionalList,
  optionalString,
  SettingValueError,
  string,
} from "./setting.ts";

/** The settings by name. */
export const LISTENER_SETTINGS = {
  "listeners": list(
    ["PLAINTEXT://127.0.0.1:9092"],
    "Addresses to listen on, as HOST:PORT, or as NAME://HOST:PORT with the name of a protocol " +
      "(PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL) or of listener.security.protocol.map; port 0 lets " +
      "the system choose one, host 0.0.0.0 stands for all interfaces",
    { flag: "listen", read: normalizeListener },
  ),
  "advertised.listeners": optionalList(
    "Addresses announced to clients, as HOST:PORT or NAME://HOST:PORT with the name of a listener. " +
      "Default: those that are listened on",
    { read: normalizeListener },
  ),
  "listener.security.protocol.map": string(
    "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
    "Protocol of each name of a listener, as NAME:PROTOCOL,NAME:PROTOCOL",
    { check: (text) => void parseProtocolMap(text) },
  ),
  "inter.broker.listener.name": optionalString(
    "Name of the listener by which brokers reach each other. Default: the one of " +
      "security.inter.broker.protocol, or the only one",
  ),
  "security.inter.broker.protocol": choice(
    SECURITY_PROTOCOLS,
    "PLAINTEXT",
    "Protocol, and so the listener of that name, by which brokers reach each other, if " +
      "inter.broker.listener.name is not set",
  ),
};

/**
 * Parses the protocols of names.
 *
 * @throws {SettingValueError} If the text has another form.
 */
export function parseProtocolMap(text: string): ReadonlyMap<string, SecurityProtocol> {
  const protocols = new Map<string, SecurityProtocol>();
  for (const item of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const [, name, protocol] = /^([A-Za-z0-9_-]+):(.*)$/.exec(item) ?? [];
    if (name === undefined) {
      throw new SettingValueError(`"${item}" is not of the form NAME:PROTOCOL`);
    }
    const known = SECURITY_PROTOCOLS.find((each) => each === protocol!.trim().toUpperCase());
    if (known === undefined) {
      throw new SettingValueError(
        `"${item}" has an unknown protocol, expected one of ${SECURITY_PROTOCOLS.join(", ")}`,
      );
    }
    const key = name.toUpperCase();
    if (protocols.has(key)) throw new SettingValueError(`listener ${key} is there twice`);
    protocols.set(key, known);
  }
  return protocols;
}
