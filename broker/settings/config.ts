/**
 * A broker's configuration: the value of each setting and where it comes from.
 *
 * A value is taken from the first source that has one: set on this broker at run time, set on all
 * brokers at run time, given at start (by flag, then environment variable, then file), default.
 * `settings.ts` defines the settings.
 *
 * @module
 */

import { ConfigSource } from "../../protocol/messages/configs/describe_configs.ts";
import { didYouMean, suggest } from "../../protocol/suggest.ts";
import { formatOverride, listenerKey, type ListenerOverride } from "./listener_overrides.ts";
import { Secret } from "./secret.ts";
import { SettingValueError } from "./setting.ts";
import {
  type BrokerSettings,
  flagOf,
  KNOWN_SETTING_NAMES,
  knownSetting,
  overrideOf,
  SETTING_NAMES,
  type SettingName,
  SETTINGS,
  variableOf,
} from "./settings.ts";

export type { BrokerSettings, SettingName } from "./settings.ts";

/** An invalid configuration. The message names the flag, variable or key. */
export class ConfigError extends Error {
  /** The name of the error class. */
  override name = "ConfigError";
}

/** The source of a value, as numbered in DescribeConfigs. */
export type ConfigSourceCode = typeof ConfigSource[keyof typeof ConfigSource];

/** The value of a setting in one source, as text. */
export interface ConfigValue {
  /** The setting, which may be a synonym of the requested one. */
  readonly name: string;
  /** The value. */
  readonly text: string;
  /** Where it was set. */
  readonly source: ConfigSourceCode;
}

/** Values by setting, as text. */
export type ConfigTexts = ReadonlyMap<string, string>;

/** Values of settings by name, those of single listeners included. */
export type GivenSettings =
  & Partial<BrokerSettings>
  & { readonly [name in `listener.name.${string}`]?: string };

/** The configuration of one broker. */
export class BrokerConfig {
  #static: ConfigTexts;
  readonly #overrides: ReadonlyMap<string, ListenerOverride>;
  readonly #ofListeners: Map<string, ListenerConfig> = new Map();
  #ofBroker: ConfigTexts = new Map();
  #ofCluster: ConfigTexts = new Map();
  /** Values of single listeners that were set at run time, by the keys of {@linkcode overrideKey}. */
  #ofListener: ReadonlyMap<string, unknown> = new Map();
  #values: BrokerSettings;
  readonly #listeners: Set<() => void> = new Set();

  /**
   * Creates a configuration from texts.
   *
   * @param texts Values given at start; other settings have their defaults.
   * @throws {SettingValueError} If a value is invalid.
   * @throws {ConfigError} If a setting and its former name have different values.
   */
  constructor(texts: ConfigTexts = new Map()) {
    this.#static = withOlderNames(texts);
    this.#overrides = overridesIn(texts);
    this.#values = this.#evaluate();
  }

  /**
   * Creates a configuration from typed values.
   *
   * @throws {ConfigError} If a setting does not exist or its value is invalid.
   */
  static from(values: GivenSettings): BrokerConfig {
    return parseBrokerConfig({ file: values });
  }

  /** The effective value of a setting. */
  get<N extends SettingName>(name: N): BrokerSettings[N] {
    return this.#values[name];
  }

  /**
   * The values of a setting in all sources; the first one is effective. Empty if there is no such
   * setting, or if it is not set and has no default.
   */
  valuesOf(name: string): ConfigValue[] {
    const layers: [ConfigTexts, ConfigSourceCode][] = [
      [this.#ofBroker, ConfigSource.dynamicBroker],
      [this.#ofCluster, ConfigSource.dynamicDefaultBroker],
      [this.#static, ConfigSource.staticBroker],
    ];
    const values: ConfigValue[] = [];
    for (const [texts, source] of layers) {
      const text = texts.get(name);
      if (text !== undefined) values.push({ name, text, source });
    }
    const setting = knownSetting(name);
    const text = setting?.format(setting.default) ?? null;
    if (text !== null) values.push({ name, text, source: ConfigSource.default });
    return values;
  }

  /** Values given at start. */
  get given(): ConfigTexts {
    return this.#static;
  }

  /** Settings of single listeners that were given at start, by their whole names. */
  get overrides(): ReadonlyMap<string, ListenerOverride> {
    return this.#overrides;
  }

  /** Names of the settings of single listeners that are set, at start or at run time. */
  get overrideNames(): readonly string[] {
    const dynamic = [...this.#ofBroker.keys(), ...this.#ofCluster.keys()]
      .filter((name) => dynamicOverrideOf(name) !== undefined);
    return [...new Set([...this.#overrides.keys(), ...dynamic])];
  }

  /** The value of a listener that was set at run time; undefined if there is none. */
  dynamicOverride(listener: string, setting: string): { readonly value: unknown } | undefined {
    const key = overrideKey(listener, setting);
    return this.#ofListener.has(key) ? { value: this.#ofListener.get(key) } : undefined;
  }

  /** The configuration of a listener: its own values, and those of the broker for the rest. */
  ofListener(name: string): ListenerConfig {
    const key = listenerKey(name);
    const known = this.#ofListeners.get(key);
    if (known !== undefined) return known;
    const config = new ListenerConfig(this, key);
    this.#ofListeners.set(key, config);
    return config;
  }

  /** Values set on all brokers at run time. */
  get ofCluster(): ConfigTexts {
    return this.#ofCluster;
  }

  /** Takes over the number that the broker was given by its cluster, or by its data folder. */
  setNodeId(nodeId: number): void {
    if (nodeId === this.get("node.id")) return;
    const text = String(nodeId);
    this.#static = new Map([...this.#static, ["node.id", text], ["broker.id", text]]);
    this.#values = this.#evaluate();
  }

  /**
   * Replaces the values set at run time. Invalid values are skipped.
   *
   * @param ofCluster Values for all brokers.
   * @param ofBroker Values for this broker.
   */
  setDynamic(ofCluster: ConfigTexts, ofBroker: ConfigTexts): void {
    this.#ofCluster = ofCluster;
    this.#ofBroker = ofBroker;
    this.#values = this.#evaluate();
    this.#ofListener = this.#evaluateOverrides();
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * Calls `listener` after values have changed.
   *
   * @returns A function that removes the listener.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #evaluate(): BrokerSettings {
    const values: Record<string, unknown> = {};
    for (const name of SETTING_NAMES) values[name] = this.#valueOf(name);
    return values as unknown as BrokerSettings;
  }

  #evaluateOverrides(): ReadonlyMap<string, unknown> {
    const values = new Map<string, unknown>();
    for (const texts of [this.#ofCluster, this.#ofBroker]) {
      for (const [name, text] of texts) {
        const override = dynamicOverrideOf(name);
        if (override === undefined) continue;
        const { listener, setting } = override;
        try {
          values.set(overrideKey(listener, setting), knownSetting(setting)!.parse(text));
        } catch (error) {
          if (!(error instanceof SettingValueError)) throw error;
        }
      }
    }
    return values;
  }

  #valueOf(name: SettingName): unknown {
    const setting = SETTINGS[name];
    if (setting.scope === "cluster-wide") {
      for (const texts of [this.#ofBroker, this.#ofCluster]) {
        const text = texts.get(name);
        if (text === undefined) continue;
        try {
          return setting.parse(text);
        } catch (error) {
          // The value was valid when set, for another version of this program.
          if (!(error instanceof SettingValueError)) throw error;
        }
      }
    }
    const text = this.#static.get(name);
    return text === undefined ? setting.default : setting.parse(text);
  }
}

/** The configuration of one listener. */
export class ListenerConfig {
  readonly #broker: BrokerConfig;
  readonly #key: string;
  readonly #own: ReadonlyMap<string, unknown>;

  /** Creates the configuration of the listener with a key; see `listenerKey()`. */
  constructor(broker: BrokerConfig, key: string) {
    this.#broker = broker;
    this.#key = key;
    const own = [...broker.overrides].filter(([, { listener }]) => listenerKey(listener) === key);
    this.#own = new Map(own.map(([name, { mechanism = "", setting }]) => [
      `${mechanism}.${setting}`,
      knownSetting(setting)!.parse(broker.given.get(name)!),
    ]));
  }

  /**
   * The effective value of a setting.
   *
   * @param mechanism The mechanism of SASL whose value takes precedence.
   */
  get<N extends SettingName>(name: N, mechanism = ""): BrokerSettings[N] {
    const ofMechanism = `${mechanism.toLowerCase()}.${name}`;
    if (mechanism !== "" && this.#own.has(ofMechanism)) {
      return this.#own.get(ofMechanism) as BrokerSettings[N];
    }
    const own = this.own(name);
    return own === undefined ? this.#broker.get(name) : own;
  }

  /** The listener's own value of a setting; undefined if it has none. */
  own<N extends SettingName>(name: N): BrokerSettings[N] | undefined {
    const dynamic = this.#broker.dynamicOverride(this.#key, name);
    const value = dynamic === undefined ? this.#own.get(`.${name}`) : dynamic.value;
    return value as BrokerSettings[N] | undefined;
  }
}

/**
 * The setting of a listener that a name stands for, if it can be set at run time, as its counterpart of the
 * broker can; undefined otherwise.
 */
export function dynamicOverrideOf(name: string): ListenerOverride | undefined {
  const override = overrideOf(name);
  if (typeof override !== "object" || override.mechanism !== undefined) return undefined;
  return knownSetting(override.setting)?.scope === "cluster-wide" ? override : undefined;
}

function overrideKey(listener: string, setting: string): string {
  return `${listenerKey(listener)} ${setting}`;
}

function overridesIn(texts: ConfigTexts): ReadonlyMap<string, ListenerOverride> {
  const overrides = new Map<string, ListenerOverride>();
  for (const name of texts.keys()) {
    const override = overrideOf(name);
    if (typeof override === "object") overrides.set(name, override);
  }
  return overrides;
}

/** Settings with a former name, which is used if the current name is not set. */
const OLDER_NAMES: readonly (readonly [name: SettingName, olderName: SettingName])[] = [
  ["node.id", "broker.id"],
  ["log.dirs", "log.dir"],
];

/**
 * Gives a setting and its former name the same value. Where Kafka's -1 stands for none, it is none.
 */
function withOlderNames(given: ConfigTexts): ConfigTexts {
  const texts = new Map(given);
  if (texts.get("broker.id") === "-1") texts.delete("broker.id");
  for (const [name, olderName] of OLDER_NAMES) {
    const text = texts.get(name);
    const older = texts.get(olderName);
    if (text === undefined && older !== undefined) texts.set(name, older);
    if (olderName === "log.dir") continue;
    if (text !== undefined && older !== undefined && text !== older) {
      throw new ConfigError(
        `Cannot use ${olderName}=${older} with ${name}=${text}: they are the same setting`,
      );
    }
    if (text !== undefined) texts.set(olderName, text);
  }
  return texts;
}

/** Values from the command line, the environment and a config file. */
export interface ConfigInputs {
  /** By flag, without dashes. A repeatable flag has a list. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** By variable. Unrelated variables are ignored. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * By setting or flag: string, number, boolean, or list of strings. `null` selects the default.
   */
  readonly file?: Readonly<Record<string, unknown>>;
}

/**
 * Builds a configuration. Flags take precedence over variables, and variables over the file.
 *
 * @throws {ConfigError} If a value is invalid, a flag or key is unknown, or a variable is a near
 * miss of a setting's variable.
 */
export function parseBrokerConfig(inputs: ConfigInputs): BrokerConfig {
  const texts = new Map<string, string>();
  const take = (name: string, value: unknown, origin: string) => {
    texts.set(name, readSetting(name, toText(value, origin), origin));
  };
  const takeOverride = (key: string, value: unknown, origin: string) => {
    const override = overrideOf(key);
    if (override === undefined) return false;
    if (typeof override === "string") throw new ConfigError(`Cannot use ${origin}: ${override}`);
    const text = toText(value, origin);
    texts.set(formatOverride(override), readSetting(override.setting, text, origin));
    return true;
  };
  for (const [key, value] of Object.entries(inputs.file ?? {})) {
    if (value !== null && value !== undefined && takeOverride(key, value, `setting "${key}"`)) {
      continue;
    }
    const name = knownSetting(key) === undefined ? nameByFlag().get(key) : key;
    if (name === undefined) {
      const near = didYouMean(key, key.includes(".") ? KNOWN_SETTING_NAMES : fileNames());
      throw new ConfigError(`Cannot use setting "${key}": there is no such setting${near}`);
    }
    if (value !== null && value !== undefined) take(name, value, `setting "${key}"`);
  }
  for (const [variable, value] of Object.entries(inputs.env ?? {})) {
    if (!variable.startsWith(PREFIX) || value === undefined || value === "") continue;
    const flag = variable.slice(PREFIX.length).toLowerCase().replaceAll("_", "-");
    if (takeOverride(flag, value, `variable ${variable}`)) continue;
    const name = nameByVariable().get(variable);
    if (name === undefined) {
      checkVariable(variable);
      continue;
    }
    const other = variable === variableOf(name) ? wholeVariableOf(name) : variableOf(name);
    const otherValue = other === variable ? "" : inputs.env?.[other] ?? "";
    if (otherValue !== "" && otherValue !== value) {
      throw new ConfigError(
        `Cannot use variable ${variable} with ${other}: they are the same setting and have different ` +
          "values; remove one",
      );
    }
    take(name, value, `variable ${variable}`);
  }
  for (const [flag, value] of Object.entries(inputs.flags ?? {})) {
    if (value === undefined || takeOverride(flag, value, `--${flag}`)) continue;
    const name = nameByFlag().get(flag);
    if (name === undefined) {
      const near = didYouMean(flag, nameByFlag().keys(), "--");
      throw new ConfigError(`Cannot use --${flag}: there is no such flag${near}`);
    }
    take(name, value, `--${flag}`);
  }
  return new BrokerConfig(texts);
}

/** Prefix of all variables. */
const PREFIX = "DQUEUE_";
/**
 * Maximum difference in length between a variable and the setting's variable it is compared with.
 */
const MAX_TYPO_LENGTH = 3;

let namesByFlag: ReadonlyMap<string, string> | undefined;
let namesByVariable: ReadonlyMap<string, string> | undefined;

function nameByFlag(): ReadonlyMap<string, string> {
  return namesByFlag ??= new Map(KNOWN_SETTING_NAMES.map((name) => [flagOf(name), name]));
}

function nameByVariable(): ReadonlyMap<string, string> {
  // By its flag, or by its whole name where that differs, as of `listeners`.
  return namesByVariable ??= new Map([
    ...KNOWN_SETTING_NAMES.map((name) => [wholeVariableOf(name), name] as const),
    ...KNOWN_SETTING_NAMES.map((name) => [variableOf(name), name] as const),
  ]);
}

function wholeVariableOf(name: string): string {
  return PREFIX + name.replaceAll(/[.-]/g, "_").toUpperCase();
}

function fileNames(): string[] {
  return [...nameByFlag().keys(), ...KNOWN_SETTING_NAMES];
}

/** Unrelated variables are ignored; a near miss of a setting's variable is an error. */
function checkVariable(variable: string): void {
  const word = variable.slice(PREFIX.length);
  const words = Array.from(nameByVariable().keys(), (known) => known.slice(PREFIX.length));
  const nearest = suggest(
    word,
    words.filter((known) => Math.abs(known.length - word.length) <= MAX_TYPO_LENGTH),
  );
  if (nearest === undefined) return;
  throw new ConfigError(
    `Cannot use variable ${variable}: there is no such setting, did you mean "${PREFIX}${nearest}"`,
  );
}

/** Validates a value and returns its canonical text. */
function readSetting(name: string, text: string, origin: string): string {
  const setting = knownSetting(name)!;
  try {
    return setting.format(setting.parse(text)) ?? "";
  } catch (error) {
    if (!(error instanceof SettingValueError)) throw error;
    throw new ConfigError(`Cannot use ${origin}: ${error.message}`, { cause: error });
  }
}

function toText(value: unknown, origin: string): string {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
    case "number":
      return String(value);
    default:
      if (value instanceof Secret) return value.reveal();
      if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
        return value.join(",");
      }
      throw new ConfigError(`Cannot use ${origin}: value is not text, number, boolean or list`);
  }
}
