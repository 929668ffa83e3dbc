/**
 * A broker's configuration: where each setting's value comes from, and what it is.
 *
 * A value is taken from the first of these that has one: what was set on this broker while running,
 * what was set on all brokers while running, what the broker was started with (flag, then
 * environment variable, then file), the default. `settings.ts` has the settings themselves.
 *
 * @module
 */

import { ConfigSource } from "../../protocol/messages/configs/describe_configs.ts";
import { didYouMean, suggest } from "../../protocol/suggest.ts";
import { SettingValueError } from "./setting.ts";
import {
  type BrokerSettings,
  flagOf,
  KNOWN_SETTING_NAMES,
  knownSetting,
  SETTING_NAMES,
  type SettingName,
  SETTINGS,
  variableOf,
} from "./settings.ts";

export type { BrokerSettings, SettingName } from "./settings.ts";

/** A configuration that cannot be used; the message names flag, variable or key. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Where a value comes from, as DescribeConfigs numbers it. */
export type ConfigSourceCode = typeof ConfigSource[keyof typeof ConfigSource];

/** A value that a setting has somewhere, as text. */
export interface ConfigValue {
  readonly name: string;
  readonly text: string;
  readonly source: ConfigSourceCode;
}

/** Values by name, as text. */
export type ConfigTexts = ReadonlyMap<string, string>;

/** The settings of one broker. */
export class BrokerConfig {
  readonly #static: ConfigTexts;
  #ofBroker: ConfigTexts = new Map();
  #ofCluster: ConfigTexts = new Map();
  #values: BrokerSettings;
  readonly #listeners: Set<() => void> = new Set();

  /**
   * @param texts Values that the broker is started with; the others have their defaults.
   * @throws {SettingValueError} If one of them is not a value of its setting.
   * @throws {ConfigError} If a setting and its older name contradict each other.
   */
  constructor(texts: ConfigTexts = new Map()) {
    this.#static = withOlderNames(texts);
    this.#values = this.#evaluate();
  }

  /**
   * A configuration from values, as a program has them.
   *
   * @throws {ConfigError} If there is no such setting, or a value is not one of its setting.
   */
  static from(values: Partial<BrokerSettings>): BrokerConfig {
    return parseBrokerConfig({ file: values });
  }

  /** The value of a setting. */
  get<N extends SettingName>(name: N): BrokerSettings[N] {
    return this.#values[name];
  }

  /**
   * All values that a setting has anywhere, also one that does not act; the first is the one that
   * counts. None if there is no such setting, or its default is to have none.
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

  /** What was set on all brokers while running. */
  get ofCluster(): ConfigTexts {
    return this.#ofCluster;
  }

  /**
   * Takes over what was set while running; values that are no longer valid are left out.
   *
   * @param ofCluster For all brokers.
   * @param ofBroker For this one.
   */
  setDynamic(ofCluster: ConfigTexts, ofBroker: ConfigTexts): void {
    this.#ofCluster = ofCluster;
    this.#ofBroker = ofBroker;
    this.#values = this.#evaluate();
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * Calls `listener` after values have changed.
   *
   * @returns What ends that.
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

  #valueOf(name: SettingName): unknown {
    const setting = SETTINGS[name];
    if (setting.scope === "cluster-wide") {
      for (const texts of [this.#ofBroker, this.#ofCluster]) {
        const text = texts.get(name);
        if (text === undefined) continue;
        try {
          return setting.parse(text);
        } catch (error) {
          // It was checked when set: by a version of this program that knew more, or other, values.
          if (!(error instanceof SettingValueError)) throw error;
        }
      }
    }
    const text = this.#static.get(name);
    return text === undefined ? setting.default : setting.parse(text);
  }
}

/** Settings that have an older name, which counts where the newer one is not given. */
const OLDER_NAMES: readonly (readonly [name: SettingName, olderName: SettingName])[] = [
  ["node.id", "broker.id"],
  ["log.dirs", "log.dir"],
];

/** Gives a setting and its older name one value. Where Kafka's -1 stands for none, it is none. */
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

/** What a command line, an environment and a config file say. */
export interface ConfigInputs {
  /** By flag, without dashes. A flag that may be repeated comes as a list. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** By name. Variables that are not a setting's are somebody else's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** By setting, or by its flag: text, number, boolean, or list of texts. Null: the default. */
  readonly file?: Readonly<Record<string, unknown>>;
}

/**
 * Puts a configuration together; a flag counts before a variable, and that before the file.
 *
 * @throws {ConfigError} If a value is not one of its setting, or flag, key or a variable that is nearly
 *   that of a setting are of none.
 */
export function parseBrokerConfig(inputs: ConfigInputs): BrokerConfig {
  const texts = new Map<string, string>();
  const take = (name: string, value: unknown, origin: string) => {
    texts.set(name, readSetting(name, toText(value, origin), origin));
  };
  for (const [key, value] of Object.entries(inputs.file ?? {})) {
    const name = knownSetting(key) === undefined ? nameByFlag().get(key) : key;
    if (name === undefined) {
      const near = didYouMean(key, key.includes(".") ? KNOWN_SETTING_NAMES : fileNames());
      throw new ConfigError(`Cannot use setting "${key}": there is no such setting${near}`);
    }
    if (value !== null && value !== undefined) take(name, value, `setting "${key}"`);
  }
  for (const [variable, value] of Object.entries(inputs.env ?? {})) {
    if (!variable.startsWith(PREFIX) || value === undefined || value === "") continue;
    const name = nameByVariable().get(variable);
    if (name !== undefined) take(name, value, `variable ${variable}`);
    else checkVariable(variable);
  }
  for (const [flag, value] of Object.entries(inputs.flags ?? {})) {
    if (value === undefined) continue;
    const name = nameByFlag().get(flag);
    if (name === undefined) {
      const near = didYouMean(flag, nameByFlag().keys(), "--");
      throw new ConfigError(`Cannot use --${flag}: there is no such flag${near}`);
    }
    take(name, value, `--${flag}`);
  }
  return new BrokerConfig(texts);
}

/** What all variables begin with. */
const PREFIX = "DQUEUE_";
/** Letters by which the variable of something else may be longer or shorter than that of a setting. */
const MAX_TYPO_LENGTH = 3;

let namesByFlag: ReadonlyMap<string, string> | undefined;
let namesByVariable: ReadonlyMap<string, string> | undefined;

function nameByFlag(): ReadonlyMap<string, string> {
  return namesByFlag ??= new Map(KNOWN_SETTING_NAMES.map((name) => [flagOf(name), name]));
}

function nameByVariable(): ReadonlyMap<string, string> {
  return namesByVariable ??= new Map(KNOWN_SETTING_NAMES.map((name) => [variableOf(name), name]));
}

function fileNames(): string[] {
  return [...nameByFlag().keys(), ...KNOWN_SETTING_NAMES];
}

/** Variables of other parts of the program are left alone; one that is nearly a setting's is a typo. */
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

/** The text of a value, as the setting writes it. */
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
      if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
        return value.join(",");
      }
      throw new ConfigError(`Cannot use ${origin}: value is not text, number, boolean or list`);
  }
}
