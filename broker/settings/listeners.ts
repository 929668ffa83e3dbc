/**
 * The listeners of a broker, from its settings: what is valid alone is checked by each setting, here
 * it is checked that they fit together, as Kafka does at start.
 *
 * @module
 */

import { type BrokerConfig, ConfigError } from "./config.ts";
import {
  EMBEDDED_NAME,
  formatHostPort,
  type HostPort,
  isWildcard,
  type NamedAddress,
  parseNamedAddress,
  type SecurityProtocol,
} from "./listener.ts";
import { listenerKey } from "./listener_overrides.ts";
import { parseProtocolMap } from "./listener_settings.ts";

/** The HTTP port has settings of SASL like a listener, without being one. */
const HTTP = "http";

/** An address that a broker listens on. */
export interface Listener {
  /** Its name in capitals, such as `INTERNAL`; that of its protocol if it has no other. */
  readonly name: string;
  /** What it demands of connections. */
  readonly protocol: SecurityProtocol;
  /** Where it listens; port 0 lets the system choose one. */
  readonly bind: HostPort;
  /** Whether brokers reach each other by it. */
  readonly isInterBroker: boolean;
}

/** An address that a broker announces, with the listener that is reached by it. */
export interface Endpoint extends NamedAddress {
  /** What the listener demands of connections. */
  readonly protocol: SecurityProtocol;
}

/** The listeners of a broker. */
export interface Listeners {
  /** What is listened on. A name has several addresses if it is there several times. */
  readonly all: readonly Listener[];
  /** The one by which brokers reach each other. */
  readonly interBroker: { readonly name: string; readonly protocol: SecurityProtocol };
  /**
   * The addresses to announce, one for each name.
   *
   * @param bound Where each of `all` has been bound.
   */
  endpoints(bound: readonly HostPort[]): readonly Endpoint[];
}

/**
 * Reads the listeners of a broker from its settings.
 *
 * @param texts Replaces the setting `listeners`; empty for a broker that is only reached in its process.
 * @throws {ConfigError} If the settings do not fit together.
 * @throws {SettingValueError} If a text is not an address.
 */
export function readListeners(
  config: BrokerConfig,
  texts: readonly string[] = config.get("listeners"),
): Listeners {
  const protocols = parseProtocolMap(config.get("listener.security.protocol.map"));
  const protocolOf = (name: string, setting: string) => {
    const protocol = protocols.get(name);
    if (protocol !== undefined) return protocol;
    throw new ConfigError(
      `Cannot use ${setting}: no security protocol is defined for listener ${name}; add ` +
        `${name}:PROTOCOL to listener.security.protocol.map`,
    );
  };
  const bound = texts.map(parseNamedAddress);
  checkAddresses(bound);
  const names = [...new Set(bound.map(({ name }) => name))];
  const advertised = readAdvertised(config, names);
  const announced = advertised === undefined ? names : [...advertised.keys()];
  const interBroker = interBrokerName(config, announced, protocolOf);
  checkOverrides(config, names);
  const all = bound.map(({ name, host, port }) => ({
    name,
    protocol: protocolOf(name, "listeners"),
    bind: { host, port },
    isInterBroker: name === interBroker,
  }));
  return {
    all,
    interBroker: {
      name: interBroker,
      protocol: protocolOf(interBroker, "inter.broker.listener.name"),
    },
    endpoints: (addresses) =>
      announced.map((name) => {
        const index = all.findIndex((each) => each.name === name);
        const address = announcedAddress(advertised?.get(name), addresses[index]);
        return { name, protocol: protocolOf(name, "advertised.listeners"), ...address };
      }),
  };
}

function checkAddresses(bound: readonly NamedAddress[]): void {
  const seen = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const address of bound) {
    const { name, port } = address;
    if (name === EMBEDDED_NAME) {
      throw new ConfigError(
        `Cannot use listener ${name}: connections within the broker have that name; choose another`,
      );
    }
    const other = keys.get(listenerKey(name)) ?? name;
    if (other !== name) {
      throw new ConfigError(
        `Cannot use listeners ${other} and ${name} together: as flags their settings have the same ` +
          "names; choose names that differ by more than _ and -",
      );
    }
    keys.set(listenerKey(name), name);
    if (port === 0) continue;
    const text = formatHostPort(address);
    const first = seen.get(text);
    if (first !== undefined) {
      throw new ConfigError(
        `Cannot use listeners: ${first} and ${name} both have ${text}; give each another port`,
      );
    }
    seen.set(text, name);
  }
}

/** The addresses to announce by name; undefined for those that are listened on. */
function readAdvertised(
  config: BrokerConfig,
  names: readonly string[],
): ReadonlyMap<string, NamedAddress & { readonly isAnyHost: boolean }> | undefined {
  const texts = config.get("advertised.listeners");
  if (texts === null) return undefined;
  const advertised = new Map<string, NamedAddress & { readonly isAnyHost: boolean }>();
  for (const text of texts) {
    const address = parseNamedAddress(text);
    const { name } = address;
    // A broker without sockets announces where others find it all the same.
    if (names.length > 0 && !names.includes(name)) {
      const meant = names.length === 1 ? `; write ${text.replace(/^[^:]+/, names[0]!)}` : "";
      throw new ConfigError(
        `Cannot use advertised.listeners: there is no listener ${name}, the listeners are ` +
          `${names.join(", ")}${meant}`,
      );
    }
    if (advertised.has(name)) {
      throw new ConfigError(
        `Cannot use advertised.listeners: ${name} is there twice; each listener is announced by one ` +
          "address",
      );
    }
    const isAnyHost = text.includes("://:");
    if (!isAnyHost && isWildcard(address.host)) {
      throw new ConfigError(
        `Cannot use advertised.listeners: clients cannot connect to ${address.host}; use the name or ` +
          "address by which they reach this machine",
      );
    }
    advertised.set(name, { ...address, isAnyHost });
  }
  return advertised;
}

function interBrokerName(
  config: BrokerConfig,
  announced: readonly string[],
  protocolOf: (name: string, setting: string) => SecurityProtocol,
): string {
  const name = config.get("inter.broker.listener.name")?.toUpperCase();
  const isProtocolGiven = config.given.has("security.inter.broker.protocol");
  const protocol = config.get("security.inter.broker.protocol");
  if (name !== undefined && isProtocolGiven) {
    throw new ConfigError(
      "Cannot use inter.broker.listener.name and security.inter.broker.protocol together: remove one " +
        "of them",
    );
  }
  if (name !== undefined) protocolOf(name, "inter.broker.listener.name");
  const wanted = name ?? protocol;
  if (announced.length === 0 || announced.includes(wanted)) return wanted;
  const isGiven = name !== undefined || isProtocolGiven;
  // Kafka wants the setting here, too, but there is only one choice.
  if (!isGiven && announced.length === 1) return announced[0]!;
  const choices = announced.join(", ");
  if (!isGiven) {
    throw new ConfigError(
      `Cannot tell by which of the listeners ${choices} brokers reach each other; set ` +
        "inter.broker.listener.name to its name",
    );
  }
  const setting = name === undefined
    ? `security.inter.broker.protocol=${protocol}`
    : `inter.broker.listener.name=${name}`;
  throw new ConfigError(
    `Cannot use ${setting}: there is no such listener in advertised.listeners; choose one of ${choices}`,
  );
}

function checkOverrides(config: BrokerConfig, names: readonly string[]): void {
  if (names.length === 0) return;
  for (const [setting, { listener }] of config.overrides) {
    if (listenerKey(listener) === HTTP) continue;
    if (names.some((name) => listenerKey(name) === listenerKey(listener))) continue;
    throw new ConfigError(
      `Cannot use ${setting}: there is no listener ${listener.toUpperCase()}, the listeners are ` +
        names.join(", "),
    );
  }
}

/** Port 0 is the one that was bound; all interfaces are announced by the machine's name. */
function announcedAddress(
  given: (HostPort & { readonly isAnyHost: boolean }) | undefined,
  bound: HostPort | undefined,
): HostPort {
  const host = given === undefined || given.isAnyHost ? bound?.host ?? "" : given.host;
  return {
    host: given?.isAnyHost === true || isWildcard(host) || host === "" ? Deno.hostname() : host,
    port: given === undefined || given.port === 0 ? bound?.port ?? 0 : given.port,
  };
}
